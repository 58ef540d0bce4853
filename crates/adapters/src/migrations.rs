//! Brings the database's schema up to date: the migrations are embedded in the program.
//!
//! Two runs at once do not disturb each other: an advisory lock lets one work while the other waits. The lock is
//! polled on a connection of its own, because a waiting `pg_advisory_lock` holds a snapshot for which
//! `CREATE INDEX CONCURRENTLY` in the other run would wait in turn, for ever.

use std::time::Duration;

use diesel::{
    migration::{MigrationSource, MigrationVersion},
    pg::Pg,
    prelude::*,
    sql_types::{BigInt, Bool, Nullable, Text},
};
use diesel_async::{AsyncMigrationHarness, AsyncPgConnection, RunQueryDsl, SimpleAsyncConnection};
use diesel_migrations::{EmbeddedMigrations, MigrationHarness, embed_migrations};
use task_domain::{BoxError, RepositoryError};

use crate::postgres::{
    database::{Database, error::ConnectError},
    pool::PgPool,
    pooler,
};

const MIGRATIONS: EmbeddedMigrations = embed_migrations!("../../migrations");

mod schema {
    //! diesel's own table.
    diesel::table! {
        #[sql_name = "__diesel_schema_migrations"]
        applied (version) {
            version -> Text,
        }
    }
}

/// The advisory lock of this program's migrations: the letters "taskapi" as a number.
const LOCK: i64 = 0x0074_6173_6b61_7069;
/// How often a waiting run asks for the lock.
const LOCK_POLL: Duration = Duration::from_millis(200);
/// How long a statement of a migration waits for a table before it gives up. All of the service's statements that
/// come after it queue behind a waiting one, so this is how long the service may stand still.
const LOCK_TIMEOUT: &str = "4s";

/// A migration that this program knows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Migration {
    /// The name of its folder.
    pub name: String,
    /// Whether the database has it.
    pub applied: bool,
}

/// Why the schema could not be changed or read.
#[derive(Debug, thiserror::Error)]
pub enum MigrationError {
    /// There is no connection to the database.
    #[error("the database cannot be reached")]
    Connect(#[from] ConnectError),
    /// `users` is not there, so `tasks` cannot refer to it.
    #[error(
        "the database has no table `users`. It belongs to Better Auth: set `user: {{ modelName: \"users\" }}` there \
         and run its migration first (npx auth@latest migrate). For development without it, `cargo xtask dev` makes \
         a stand-in"
    )]
    NoUsers,
    /// `users.id` has a type that `tasks.user_id` cannot refer to.
    #[error("`users.id` is of the type {0}, but task owners are kept as text: make it `text`")]
    UsersIdType(String),
    /// In between is a pooler in transaction mode, in which a connection does not hold a lock.
    #[error(
        "the database is reached through a pooler in transaction mode, where the lock of a migration does not hold: let \
         DATABASE_DIRECT_URL lead to PostgreSQL itself"
    )]
    Pooler,
    /// A migration failed; those before it are applied, it is not.
    #[error("{0}")]
    Failed(BoxError),
    /// The state of the migrations cannot be read.
    #[error("the state of the migrations cannot be read")]
    Read(#[from] diesel::result::Error),
}

/// Applies every migration that the database lacks, each in a transaction of its own, and returns their names.
pub async fn run(database: &Database) -> Result<Vec<String>, MigrationError> {
    let _lock = Lock::acquire(database).await?;
    let mut connection = database.connect().await?;
    let pending = applied_and_pending(&mut connection).await?.into_iter().any(|migration| !migration.applied);
    if !pending {
        return Ok(Vec::new());
    }
    check_users(&mut connection).await?;
    harness(connection, |harness| Ok(names(&harness.run_pending_migrations(MIGRATIONS)?))).await
}

/// Takes back the last `steps` applied migrations, the newest first, and returns their names.
pub async fn revert(database: &Database, steps: usize) -> Result<Vec<String>, MigrationError> {
    let _lock = Lock::acquire(database).await?;
    revert_locked(database, steps).await
}

/// Takes back the last applied migration and applies it again. Returns its name, unless there is none.
pub async fn redo(database: &Database) -> Result<Option<String>, MigrationError> {
    let _lock = Lock::acquire(database).await?;
    if revert_locked(database, 1).await?.is_empty() {
        return Ok(None);
    }
    let connection = database.connect().await?;
    let version =
        harness(connection, |harness| Ok(harness.run_next_migration(MIGRATIONS)?.to_string())).await?;
    Ok(name_of(&version))
}

/// Applies what is pending of other migrations than the program's own, as [`run`] applies those.
#[cfg(feature = "testing")]
pub(crate) async fn run_of(
    database: &Database,
    source: impl MigrationSource<Pg> + Send + 'static,
) -> Result<usize, MigrationError> {
    let _lock = Lock::acquire(database).await?;
    harness(database.connect().await?, |harness| Ok(harness.run_pending_migrations(source)?.len())).await
}

/// Takes back the last migration, which has to be of that source, as [`revert`] takes back the program's own.
#[cfg(feature = "testing")]
pub(crate) async fn revert_of(
    database: &Database,
    source: impl MigrationSource<Pg> + Send + 'static,
) -> Result<(), MigrationError> {
    let _lock = Lock::acquire(database).await?;
    harness(database.connect().await?, |harness| {
        harness.revert_last_migration(source)?;
        Ok(())
    })
    .await
}

/// Lists every migration that the program knows, the oldest first, and whether the database has it. Changes nothing.
pub async fn status(database: &Database) -> Result<Vec<Migration>, MigrationError> {
    applied_and_pending(&mut database.connect().await?).await
}

/// Whether the database has every migration that the program knows: one statement on a connection of the pool.
///
/// A database without the table of migrations, or whose table this role may not read, is an unexpected error.
pub async fn is_up_to_date(pool: &PgPool) -> Result<bool, RepositoryError> {
    let known = known().map_err(|error| RepositoryError::Unexpected(error.into()))?;
    let select = schema::applied::table.select(schema::applied::version);
    let applied: Vec<String> = pool.run(async |connection| select.load(connection).await).await?;
    Ok(known.iter().all(|(version, _)| applied.contains(version)))
}

async fn revert_locked(database: &Database, steps: usize) -> Result<Vec<String>, MigrationError> {
    let mut connection = database.connect().await?;
    let applied =
        applied_and_pending(&mut connection).await?.into_iter().filter(|migration| migration.applied);
    let steps = steps.min(applied.count());
    harness(connection, move |harness| {
        (0..steps)
            .map(|_| Ok(name_of(&harness.revert_last_migration(MIGRATIONS)?.to_string()).unwrap_or_default()))
            .collect()
    })
    .await
}

/// Runs diesel's harness. It blocks, which only a thread made for that may do.
async fn harness<T: Send + 'static>(
    mut connection: AsyncPgConnection,
    work: impl FnOnce(&mut AsyncMigrationHarness<AsyncPgConnection>) -> Result<T, BoxError> + Send + 'static,
) -> Result<T, MigrationError> {
    let limits = format!("SET lock_timeout = '{LOCK_TIMEOUT}'; SET statement_timeout = 0");
    connection.batch_execute(&limits).await?;
    tokio::task::spawn_blocking(move || work(&mut AsyncMigrationHarness::new(connection)))
        .await
        .map_err(|error| MigrationError::Failed(error.into()))?
        .map_err(MigrationError::Failed)
}

fn known() -> Result<Vec<(String, String)>, MigrationError> {
    let migrations = MigrationSource::<Pg>::migrations(&MIGRATIONS).map_err(MigrationError::Failed)?;
    let mut known: Vec<_> = migrations
        .iter()
        .map(|migration| (migration.name().version().to_string(), migration.name().to_string()))
        .collect();
    known.sort();
    Ok(known)
}

fn name_of(version: &str) -> Option<String> {
    known().ok()?.into_iter().find(|(known, _)| known == version).map(|(_, name)| name)
}

fn names(versions: &[MigrationVersion<'_>]) -> Vec<String> {
    versions.iter().filter_map(|version| name_of(&version.to_string())).collect()
}

/// What [`status`] says, asked on a connection that is there.
pub(crate) async fn applied_and_pending(
    connection: &mut AsyncPgConnection,
) -> Result<Vec<Migration>, MigrationError> {
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

/// Refuses with a helpful sentence what PostgreSQL would refuse with a terse one.
async fn check_users(connection: &mut AsyncPgConnection) -> Result<(), MigrationError> {
    #[derive(QueryableByName)]
    struct IdType {
        #[diesel(sql_type = Nullable<Text>)]
        name: Option<String>,
    }
    let id_type = diesel::sql_query(
        "SELECT format_type(atttypid, NULL) AS name FROM pg_attribute \
         WHERE attrelid = to_regclass('users') AND attname = 'id' AND NOT attisdropped",
    );
    match id_type.get_result::<IdType>(connection).await.optional()?.and_then(|row| row.name) {
        None => Err(MigrationError::NoUsers),
        Some(name) if name == "text" || name == "character varying" => Ok(()),
        Some(name) => Err(MigrationError::UsersIdType(name)),
    }
}

/// The right to migrate, held for as long as its connection is open.
struct Lock {
    _connection: AsyncPgConnection,
}

impl Lock {
    async fn acquire(database: &Database) -> Result<Self, MigrationError> {
        #[derive(QueryableByName)]
        struct Outcome {
            #[diesel(sql_type = Bool)]
            acquired: bool,
        }
        if pooler::find(database).await?.is_some() {
            return Err(MigrationError::Pooler);
        }
        let mut connection = database.connect().await?;
        let mut logged = false;
        loop {
            let attempt =
                diesel::sql_query("SELECT pg_try_advisory_lock($1) AS acquired").bind::<BigInt, _>(LOCK);
            if attempt.get_result::<Outcome>(&mut connection).await?.acquired {
                return Ok(Self { _connection: connection });
            }
            if !logged {
                tracing::info!("another migration is running; waiting for it to end");
                logged = true;
            }
            tokio::time::sleep(LOCK_POLL).await;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::TestDatabase;

    /// The columns of our tables as `schema.rs` writes them.
    const COLUMNS: &str = "
        SELECT attname || ' -> ' || format(CASE WHEN attnotnull THEN '%s' ELSE 'Nullable<%s>' END,
            CASE atttypid::regtype::text
                WHEN 'text' THEN 'Text' WHEN 'bigint' THEN 'BigInt' WHEN 'boolean' THEN 'Bool' WHEN 'bytea' THEN 'Bytea'
                WHEN 'timestamp with time zone' THEN 'Timestamptz' ELSE atttypid::regtype::text
            END) || ',' AS line
        FROM pg_attribute JOIN pg_class ON pg_class.oid = attrelid
        WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace AND attnum > 0 AND NOT attisdropped
            AND relname NOT IN ('users', '__diesel_schema_migrations')
        ORDER BY relname, attnum";
    const KEYS: &str = "
        SELECT relname || ' (' || string_agg(attname, ', ' ORDER BY place) || ') {' AS line
        FROM pg_constraint JOIN pg_class ON pg_class.oid = conrelid
            CROSS JOIN unnest(conkey) WITH ORDINALITY AS key (number, place)
            JOIN pg_attribute ON attrelid = conrelid AND attnum = number
        WHERE contype = 'p' AND relnamespace = 'public'::regnamespace
            AND relname NOT IN ('users', '__diesel_schema_migrations')
        GROUP BY relname ORDER BY relname";

    #[tokio::test]
    async fn schema_rs_is_what_the_migrations_make() {
        let written = |wanted: fn(&str) -> bool| -> Vec<&'static str> {
            include_str!("schema.rs").lines().map(str::trim).filter(|line| wanted(line)).collect()
        };
        let db = TestDatabase::new().await;
        assert_eq!(written(|line| line.contains(" -> ")), db.lines(COLUMNS).await);
        assert_eq!(written(|line| line.ends_with(") {")), db.lines(KEYS).await);
    }

    #[test]
    fn every_known_migration_has_a_name_by_its_version() {
        for (version, name) in known().unwrap() {
            assert_eq!(name_of(&version).as_deref(), Some(name.as_str()));
            assert!(name.len() > version.len() + 1, "{name} says nothing");
        }
        assert_eq!(name_of("19990101000000"), None);
    }
}
