//! The address of the database, the number of connections, and the time limits.

use std::time::Duration;

use task_adapters::{Database, PoolOptions};

use crate::reader::Reader;

/// How many of the connections the background tasks have for themselves.
pub const BACKGROUND_CONNECTIONS: usize = 1;

/// The longest that a request may take in the database, in milliseconds (docs/api.md, "Common errors", 503).
const MAX_DEADLINE_MS: u64 = 5000;
/// The most requests that may be configured to wait.
const MAX_QUEUE: usize = 1_000_000;
/// The most connections to the database that may be configured.
const MAX_CONNECTIONS: usize = 10_000;
/// The default of `DATABASE_POOL_SIZE`: how many idle connections stay open.
const AT_REST: usize = 10;

/// The database, and how the service uses its connections.
#[derive(Clone, Debug)]
pub struct DatabaseSettings {
    /// The database that the service uses.
    pub target: Database,
    /// The same database without a pooler in between, for migrations; `None` if it is not set.
    pub direct: Option<Database>,
    /// The number of connections of all workers together, and the time limits.
    pub pool: PoolOptions,
}

impl DatabaseSettings {
    /// What the addresses say that changes nothing here, each with the name of its variable and the reason.
    pub(crate) fn remarks(&self) -> impl Iterator<Item = String> {
        let direct = self.direct.iter().map(|direct| ("DATABASE_DIRECT_URL", direct));
        [("DATABASE_URL", &self.target)].into_iter().chain(direct).flat_map(|(name, database)| {
            database.remarks().iter().map(move |remark| format!("{name}: {remark}"))
        })
    }
}

/// Reads `DATABASE_URL` and `DATABASE_DIRECT_URL`; `None` if `DATABASE_URL` is missing or invalid.
pub(crate) fn read(reader: &mut Reader, mut pool: PoolOptions) -> Option<DatabaseSettings> {
    let (target, direct) = (required(reader), direct(reader));
    // Two different addresses of one database mean that the first one is a pooler.
    pool.session_settings_from_role = direct
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

/// Reads the number of connections of all workers together, and the time limits.
pub(crate) fn pool(reader: &mut Reader) -> PoolOptions {
    let max = reader.number("DATABASE_POOL_MAX", BACKGROUND_CONNECTIONS + 1, MAX_CONNECTIONS);
    let max_requests = reader.number("DATABASE_QUEUE_MAX", 1, MAX_QUEUE);
    let min_idle = reader.optional_number("DATABASE_POOL_SIZE", 0, max).unwrap_or(max.min(AT_REST));
    let mut time = |name| Duration::from_millis(reader.number(name, 1, MAX_DEADLINE_MS));
    PoolOptions {
        min_idle,
        max,
        max_requests,
        wait: time("DATABASE_POOL_WAIT_MS"),
        statement_timeout: time("DATABASE_STATEMENT_TIMEOUT_MS"),
        lock_timeout: time("DATABASE_LOCK_TIMEOUT_MS"),
        deadline: time("DATABASE_DEADLINE_MS"),
        max_age: Duration::from_secs(reader.number("DATABASE_CONNECTION_MAX_AGE_SECONDS", 1, 86_400)),
        session_settings_from_role: false,
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::{DatabaseSettings, MAX_DEADLINE_MS};
    use crate::{reader::InvalidSettings, testing};

    const TARGET: (&str, &str) = ("DATABASE_URL", "postgres://me:s3cret@localhost/app");

    fn with(more: &[(&str, &str)]) -> Result<DatabaseSettings, InvalidSettings> {
        testing::read(&[&[TARGET], more].concat(), |reader| {
            let pool = super::pool(reader);
            super::read(reader, pool)
        })
        .map(|settings| settings.expect("no fault was noted"))
    }

    #[test]
    fn a_request_gets_its_503_within_five_seconds_unless_the_limits_are_changed() {
        let pool = with(&[]).unwrap().pool;
        let longest = Duration::from_millis(MAX_DEADLINE_MS);
        for limit in [pool.wait, pool.statement_timeout, pool.lock_timeout, pool.deadline] {
            assert!(limit < longest, "{limit:?}");
        }
    }

    #[test]
    fn with_a_direct_address_the_role_sets_the_limits_of_sessions() {
        assert!(!with(&[]).unwrap().pool.session_settings_from_role);
        let direct = |url| with(&[("DATABASE_DIRECT_URL", url)]).unwrap();
        let settings = direct("postgres://owner@localhost:5433/app");
        assert!(settings.pool.session_settings_from_role);
        assert_eq!(settings.direct.unwrap().address(), "localhost:5433/app");
        // The same address twice, as in some templates, means that there is no pooler.
        assert!(!direct("postgres://owner@localhost:5432/app").pool.session_settings_from_role);
        let wrong =
            testing::problem(with(&[("DATABASE_DIRECT_URL", "localhost/app")]), "DATABASE_DIRECT_URL");
        assert!(wrong.starts_with("cannot be used: must begin"), "{wrong}");
    }
}
