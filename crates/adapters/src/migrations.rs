//! Brings the database's schema up to date: the migrations are embedded in the program.
//!
//! Two runs at once do not disturb each other: an advisory lock lets one work while the other waits. The lock is
//! polled on a connection of its own, because a waiting `pg_advisory_lock` holds a snapshot for which
//! `CREATE INDEX CONCURRENTLY` in the other run would wait in turn, for ever.

pub(crate) mod applied;

use std::time::Duration;

#[cfg(feature = "testing")]
use diesel::{migration::MigrationSource, pg::Pg};
use diesel::{
    migration::MigrationVersion,
    prelude::*,
    sql_types::{BigInt, Bool},
};
use diesel_async::{AsyncMigrationHarness, AsyncPgConnection, RunQueryDsl, SimpleAsyncConnection};
use diesel_migrations::MigrationHarness;
use task_domain::BoxError;
use task_support::Chain;

use self::applied::{MIGRATIONS, applied_and_pending, name_of};
pub use self::applied::{Migration, is_up_to_date};
use crate::{
    inspection::{Fault, Gravity, before_migrating, inspect_on},
    postgres::{
        database::{Database, error::ConnectError},
        pooler,
    },
};

/// The advisory lock of this program's migrations: the letters "taskapi" as a number.
const LOCK: i64 = 0x0074_6173_6b61_7069;
/// How often a waiting run asks for the lock.
const LOCK_POLL: Duration = Duration::from_millis(200);
/// How long a statement of a migration waits for a table before it gives up. All of the service's statements that
/// come after it queue behind a waiting one, so this is how long the service may stand still.
const LOCK_TIMEOUT: &str = "4s";

/// Why the schema could not be changed or read.
#[derive(Debug, thiserror::Error)]
pub enum MigrationError {
    /// There is no connection to the database.
    #[error("the database cannot be reached")]
    Connect(#[from] ConnectError),
    /// The database is not as the migrations need it. Nothing was changed.
    #[error("{}", sentences(.0))]
    Refused(Vec<Fault>),
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
    Read(#[source] BoxError),
}

impl From<diesel::result::Error> for MigrationError {
    fn from(error: diesel::result::Error) -> Self {
        Self::Read(error.into())
    }
}

fn sentences(faults: &[Fault]) -> String {
    faults.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n")
}

/// Applies every migration that the database lacks, each in a transaction of its own, and returns their names.
///
/// Refuses first, with all that is wrong, what PostgreSQL would refuse with a terse sentence, or would do to a database on
/// which the service cannot work.
pub async fn run(database: &Database) -> Result<Vec<String>, MigrationError> {
    let _lock = Lock::acquire(database).await?;
    let mut connection = database.connect().await?;
    match inspect_on(&mut connection, database).await {
        Ok(inspection) => {
            let unusable = inspection.faults().into_iter().filter(|fault| fault.gravity == Gravity::Unusable);
            refuse(unusable.collect())?;
            let known = inspection.migrations.as_deref();
            if known.is_some_and(|known| known.iter().all(|migration| migration.applied)) {
                return Ok(Vec::new());
            }
            refuse(before_migrating(&inspection))?;
        }
        // Not every server has all of PostgreSQL's catalog; the migrations themselves need little of it.
        Err(error) => {
            tracing::warn!(error = %Chain(&*error), "the state of the database cannot be looked at");
        }
    }
    harness(connection, |harness| Ok(names(&harness.run_pending_migrations(MIGRATIONS)?))).await
}

fn refuse(faults: Vec<Fault>) -> Result<(), MigrationError> {
    if faults.is_empty() { Ok(()) } else { Err(MigrationError::Refused(faults)) }
}

/// What is wrong with the database: [`Inspection::faults`](crate::inspection::Inspection::faults), read without limits of
/// time, as everything here.
pub async fn faults(database: &Database) -> Result<Vec<Fault>, MigrationError> {
    let mut connection = database.connect().await?;
    let inspection = inspect_on(&mut connection, database).await.map_err(MigrationError::Read)?;
    Ok(inspection.faults())
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
    applied_and_pending(&mut database.connect().await?).await.map_err(MigrationError::Read)
}

async fn revert_locked(database: &Database, steps: usize) -> Result<Vec<String>, MigrationError> {
    let mut connection = database.connect().await?;
    let known = applied_and_pending(&mut connection).await.map_err(MigrationError::Read)?;
    let steps = steps.min(known.iter().filter(|migration| migration.applied).count());
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

fn names(versions: &[MigrationVersion<'_>]) -> Vec<String> {
    versions.iter().filter_map(|version| name_of(&version.to_string())).collect()
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
    use super::{applied::known, *};
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
