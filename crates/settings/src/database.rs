//! Where the database is, how many connections there are, and how long each step may take.

use std::time::Duration;

use task_adapters::{Database, PoolOptions};

use crate::reader::Reader;

/// How many of the connections are for background work, apart from those that serve requests.
pub const BACKGROUND_CONNECTIONS: usize = 1;

/// The longest that a request may take in the database, in milliseconds. Contract, 503.
const MAX_DEADLINE_MS: u64 = 5000;
/// The most requests that may be let wait.
const MAX_QUEUE: usize = 1_000_000;
/// The most connections to the database that may be configured.
const MAX_CONNECTIONS: usize = 10_000;
/// How many connections stay open unless `DATABASE_POOL_SIZE` says otherwise.
const AT_REST: usize = 10;

/// The database, and how the service uses its connections.
#[derive(Clone, Debug)]
pub struct DatabaseSettings {
    /// The database that the service uses.
    pub target: Database,
    /// The same database without a pooler in between, if it was named: for migrations.
    pub direct: Option<Database>,
    /// How many connections there are in all, and how long each step may take.
    pub pool: PoolOptions,
}

/// Reads `DATABASE_URL` and `DATABASE_DIRECT_URL`; `None` if `DATABASE_URL` is missing or at fault.
pub(crate) fn read(reader: &mut Reader, mut pool: PoolOptions) -> Option<DatabaseSettings> {
    let (target, direct) = (required(reader), direct(reader));
    // Two different addresses of one database mean that there is a pooler on the first.
    pool.session_of_role = direct
        .as_ref()
        .zip(target.as_ref())
        .is_some_and(|(direct, target)| direct.address() != target.address());
    Some(DatabaseSettings { target: target?, direct, pool })
}

/// The database for a migration: `DATABASE_DIRECT_URL`, or else `DATABASE_URL`.
pub(crate) fn for_migrations(reader: &mut Reader) -> Option<Database> {
    direct(reader).or_else(|| required(reader))
}

fn required(reader: &mut Reader) -> Option<Database> {
    reader.required("DATABASE_URL")?;
    reader.parsed("DATABASE_URL", parse_database)
}

fn direct(reader: &mut Reader) -> Option<Database> {
    reader.parsed("DATABASE_DIRECT_URL", parse_database)
}

fn parse_database(url: &str) -> Result<Database, String> {
    Database::parse(url).map_err(|error| format!("cannot be used: {error}"))
}

/// Numbers and times of the pools of all workers together.
pub(crate) fn pool(reader: &mut Reader) -> PoolOptions {
    let max = reader.number("DATABASE_POOL_MAX", BACKGROUND_CONNECTIONS + 1, MAX_CONNECTIONS);
    let max_requests = reader.number("DATABASE_QUEUE_MAX", 1, MAX_QUEUE);
    let at_rest = reader.optional_number("DATABASE_POOL_SIZE", 0, max).unwrap_or(max.min(AT_REST));
    let mut time = |name| Duration::from_millis(reader.number(name, 1, MAX_DEADLINE_MS));
    PoolOptions {
        at_rest,
        max,
        max_requests,
        wait: time("DATABASE_POOL_WAIT_MS"),
        statement_timeout: time("DATABASE_STATEMENT_TIMEOUT_MS"),
        lock_timeout: time("DATABASE_LOCK_TIMEOUT_MS"),
        deadline: time("DATABASE_DEADLINE_MS"),
        max_age: Duration::from_secs(reader.number("DATABASE_CONNECTION_MAX_AGE_SECONDS", 1, 86_400)),
        session_of_role: false,
    }
}

#[cfg(test)]
mod tests {
    use crate::testing::{problem, with};

    #[test]
    fn a_direct_address_leaves_the_limits_of_sessions_to_the_role() {
        assert!(!with(&[]).unwrap().database.pool.session_of_role);
        let direct = |url| with(&[("DATABASE_DIRECT_URL", url)]).unwrap();
        let settings = direct("postgres://owner@localhost:5433/app");
        assert!(settings.database.pool.session_of_role);
        assert_eq!(settings.database.direct.unwrap().address(), "localhost:5433/app");
        // The same address twice, as templates have it, is no pooler.
        assert!(!direct("postgres://owner@localhost:5432/app").database.pool.session_of_role);
        assert!(problem("DATABASE_DIRECT_URL", "localhost/app").starts_with("cannot be used: must begin"));
    }
}
