//! The migrations that this program knows, and which of them a database has.

use diesel::{
    migration::MigrationSource,
    pg::Pg,
    prelude::*,
    sql_types::{Bool, Text},
};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use diesel_migrations::{EmbeddedMigrations, embed_migrations};
use task_domain::{BoxError, RepositoryError};

use crate::postgres::pool::PgPool;

pub(crate) const MIGRATIONS: EmbeddedMigrations = embed_migrations!("../../migrations");

mod schema {
    //! diesel's own table.
    diesel::table! {
        #[sql_name = "__diesel_schema_migrations"]
        applied (version) {
            version -> Text,
        }
    }
}

/// A migration that this program knows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Migration {
    /// The name of its folder.
    pub name: String,
    /// Whether the database has it.
    pub applied: bool,
}

/// Whether the database has every migration that the program knows: one statement on a connection of the pool.
///
/// A database without the table of migrations, or whose table this role may not read, is an unexpected error.
pub async fn is_up_to_date(pool: &PgPool) -> Result<bool, RepositoryError> {
    let known = known().map_err(RepositoryError::Unexpected)?;
    let select = schema::applied::table.select(schema::applied::version);
    let applied: Vec<String> = pool.run(async |connection| select.load(connection).await).await?;
    Ok(known.iter().all(|(version, _)| applied.contains(version)))
}

/// Every migration that the program knows, the oldest first, and whether the database has it.
pub(crate) async fn applied_and_pending(
    connection: &mut AsyncPgConnection,
) -> Result<Vec<Migration>, BoxError> {
    #[derive(QueryableByName)]
    struct Table {
        #[diesel(sql_type = Bool)]
        exists: bool,
    }
    #[derive(QueryableByName)]
    struct Applied {
        #[diesel(sql_type = Text)]
        version: String,
    }
    let table = diesel::sql_query("SELECT to_regclass('__diesel_schema_migrations') IS NOT NULL AS exists");
    let applied: Vec<Applied> = if table.get_result::<Table>(connection).await?.exists {
        diesel::sql_query("SELECT version FROM __diesel_schema_migrations").load(connection).await?
    } else {
        Vec::new()
    };
    let is_applied = |version: &str| applied.iter().any(|row| row.version == version);
    Ok(known()?
        .into_iter()
        .map(|(version, name)| Migration { applied: is_applied(&version), name })
        .collect())
}

pub(crate) fn known() -> Result<Vec<(String, String)>, BoxError> {
    let migrations = MigrationSource::<Pg>::migrations(&MIGRATIONS)?;
    let mut known: Vec<_> = migrations
        .iter()
        .map(|migration| (migration.name().version().to_string(), migration.name().to_string()))
        .collect();
    known.sort();
    Ok(known)
}

pub(crate) fn name_of(version: &str) -> Option<String> {
    known().ok()?.into_iter().find(|(known, _)| known == version).map(|(_, name)| name)
}
