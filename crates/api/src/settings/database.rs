//! Where the database is, how many connections there are, and how long each step may take.

use std::time::Duration;

use task_adapters::{Database, PoolOptions};

use super::Reader;
use crate::startup::UPKEEP_CONNECTIONS;

/// The longest that a request may take in the database, in milliseconds. Contract, 503.
const MAX_DEADLINE_MS: u64 = 5000;
/// The most requests that may be let wait.
const MAX_QUEUE: usize = 1_000_000;
/// The most connections to the database that may be configured.
const MAX_CONNECTIONS: usize = 10_000;
/// How many connections stay open unless `DATABASE_POOL_SIZE` says otherwise.
const AT_REST: usize = 10;

/// `DATABASE_URL`, which has to be set.
pub(super) fn read(reader: &mut Reader) -> Option<Database> {
    reader.required("DATABASE_URL")?;
    reader.parsed("DATABASE_URL", parse_database)
}

/// `DATABASE_DIRECT_URL`.
pub(super) fn read_direct(reader: &mut Reader) -> Option<Database> {
    reader.parsed("DATABASE_DIRECT_URL", parse_database)
}

fn parse_database(url: &str) -> Result<Database, String> {
    Database::parse(url).map_err(|error| format!("cannot be used: {error}"))
}

/// Numbers and times of the pools of all workers together.
pub(super) fn pool(reader: &mut Reader) -> PoolOptions {
    let max = reader.number("DATABASE_POOL_MAX", UPKEEP_CONNECTIONS + 1, MAX_CONNECTIONS);
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
    use super::super::tests::{problem, with};

    #[test]
    fn whoever_names_a_direct_way_leaves_the_limits_of_sessions_to_the_role() {
        assert!(!with(&[]).unwrap().pool.session_settings_from_role);
        let direct = |url| with(&[("DATABASE_DIRECT_URL", url)]).unwrap();
        let settings = direct("postgres://owner@localhost:5433/app");
        assert!(settings.pool.session_settings_from_role);
        assert_eq!(settings.direct_database.unwrap().address(), "localhost:5433/app");
        // The same way twice, as templates have it, is no pooler.
        assert!(!direct("postgres://owner@localhost:5432/app").pool.session_settings_from_role);
        assert!(problem("DATABASE_DIRECT_URL", "localhost/app").starts_with("cannot be used: must begin"));
    }
}
