use std::{
    fmt,
    ops::AsyncFnOnce,
    sync::atomic::{AtomicUsize, Ordering},
    time::{Duration, Instant},
};

use deadpool::{
    Runtime,
    managed::{Object, Pool, QueueMode, Timeouts},
};
use diesel::{ConnectionError, QueryResult};
use diesel_async::{
    AsyncPgConnection, SimpleAsyncConnection,
    pooled_connection::{
        AsyncDieselConnectionManager, ManagerConfig, PoolableConnection, RecyclingMethod,
        deadpool::{Hook, HookError},
    },
};
use futures_util::FutureExt;
use task_domain::RepositoryError;

use crate::{
    Database,
    error::{Symptoms, classify, classify_pool},
};

type Manager = AsyncDieselConnectionManager<AsyncPgConnection>;

/// What is done with connections that nobody uses.
#[derive(Clone, Copy, Debug)]
struct Idle {
    /// After this long a connection is asked whether it is alive before it is used again: a firewall in between may
    /// have forgotten it without telling. Busy connections are never asked.
    before_ping: Duration,
    /// After this long a connection beyond those kept at rest is closed.
    before_close: Duration,
}

const IDLE: Idle = Idle { before_ping: Duration::from_secs(30), before_close: Duration::from_mins(1) };
/// After how many uses it is seen whether connections may be closed.
const USES_PER_CLOSING: usize = 256;
/// How long a ping may take.
const PING_TIMEOUT: Duration = Duration::from_secs(1);

/// How many connections a pool keeps, and how long each step may take.
#[derive(Clone, Debug)]
pub struct PoolOptions {
    /// How many connections stay open when there is nothing to do.
    pub at_rest: usize,
    /// How many connections there are at the most.
    pub max: usize,
    /// How long a request waits for a free connection, and how long opening one may take.
    pub wait: Duration,
    /// How long the server works on one statement before it gives up.
    pub statement_timeout: Duration,
    /// How long a statement waits for a lock before it gives up.
    pub lock_timeout: Duration,
    /// How long everything together may take, connection and statement, seen from here.
    pub deadline: Duration,
    /// After how long a connection is replaced, so that a change of address or credentials is noticed.
    pub max_age: Duration,
}

/// A pool of connections that are known to be alive, for one runtime.
///
/// A connection's driver runs on the runtime that opened it, so a pool must be used on a single one: the server has a
/// pool for each of its workers. Connections are opened when they are first needed.
pub struct PgPool {
    connections: Pool<Manager>,
    options: PoolOptions,
    idle: Idle,
    /// How many uses have ended: every so often one of them closes what has long been idle.
    uses: AtomicUsize,
}

impl PgPool {
    /// Prepares a pool; opens nothing yet.
    ///
    /// Fails only when the pool cannot be built, which is a bug.
    pub fn new(database: &Database, options: PoolOptions) -> Result<Self, RepositoryError> {
        Self::with_idle(database, options, IDLE)
    }

    fn with_idle(database: &Database, options: PoolOptions, idle: Idle) -> Result<Self, RepositoryError> {
        let connections = Pool::builder(manager(database, &options))
            .max_size(options.max)
            .runtime(Runtime::Tokio1)
            .timeouts(Timeouts {
                wait: Some(options.wait),
                create: Some(options.wait),
                recycle: Some(PING_TIMEOUT + PING_TIMEOUT),
            })
            // The connection used last is used next: few connections stay busy, the others may be closed.
            .queue_mode(QueueMode::Lifo)
            .pre_recycle(known_to_be_alive(options.max_age, idle.before_ping))
            .build()
            .map_err(|error| RepositoryError::Unexpected(error.into()))?;
        Ok(Self { connections, options, idle, uses: AtomicUsize::new(0) })
    }

    /// Runs `operation` on a connection, within the deadline.
    ///
    /// Where the operation does not come to its end, by the deadline or because the caller goes away, its connection is
    /// closed instead of being handed on with a statement still running in it. So it is after a failure that may lie in
    /// the connection: a prepared statement older than its table, or a server that has become a read-only replica.
    pub(crate) async fn run<T>(
        &self,
        operation: impl AsyncFnOnce(&mut AsyncPgConnection) -> QueryResult<T>,
    ) -> Result<T, RepositoryError> {
        let work = async {
            let mut lease = Lease::new(self.connections.get().await.map_err(classify_pool)?);
            let begun = Instant::now();
            let outcome = operation(lease.connection()?).await;
            match outcome {
                Ok(value) => {
                    lease.give_back();
                    self.close_idle_now_and_then();
                    Ok(value)
                }
                Err(error) => {
                    let broken = PoolableConnection::is_broken(lease.connection()?);
                    let limit = self.options.statement_timeout.min(self.options.lock_timeout);
                    let seen = Symptoms { broken, timed_out: begun.elapsed() >= limit };
                    let error = classify(error, seen);
                    let understood = seen.timed_out || matches!(error, RepositoryError::UnknownUser);
                    if understood && !broken {
                        lease.give_back();
                    }
                    Err(error)
                }
            }
        };
        match tokio::time::timeout(self.options.deadline, work).await {
            Ok(outcome) => outcome,
            Err(elapsed) => Err(RepositoryError::Unavailable(elapsed.into())),
        }
    }

    /// Closes every connection that is not in use, and those in use when they come back.
    pub fn close(&self) {
        self.connections.close();
    }

    fn close_idle_now_and_then(&self) {
        if self.uses.fetch_add(1, Ordering::Relaxed) % USES_PER_CLOSING == USES_PER_CLOSING - 1 {
            self.close_idle();
        }
    }

    /// Closes connections beyond those kept at rest that have not been used for a while.
    fn close_idle(&self) {
        let mut spare = self.connections.status().size.saturating_sub(self.options.at_rest);
        if spare > 0 {
            self.connections.retain(|_, metrics| {
                let close = spare > 0 && metrics.last_used() > self.idle.before_close;
                spare -= usize::from(close);
                !close
            });
        }
    }
}

impl fmt::Debug for PgPool {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PgPool").field("status", &self.connections.status()).finish_non_exhaustive()
    }
}

fn manager(database: &Database, options: &PoolOptions) -> Manager {
    // Each statement is planned once for all values. For the values of the first few times PostgreSQL would, on disks
    // that it takes for slow, rather read all of a user's tasks and sort them than walk the index that has the order.
    let session = format!(
        "SET statement_timeout = {}; SET lock_timeout = {}; SET idle_in_transaction_session_timeout = {}; \
         SET plan_cache_mode = force_generic_plan",
        options.statement_timeout.as_millis(),
        options.lock_timeout.as_millis(),
        options.deadline.as_millis(),
    );
    let database = database.clone();
    let mut config = ManagerConfig::<AsyncPgConnection>::default();
    // `Fast` looks at what is known here: that the connection is open and has no transaction. No round trip.
    config.recycling_method = RecyclingMethod::Fast;
    config.custom_setup = Box::new(move |_url| {
        let (database, session) = (database.clone(), session.clone());
        async move {
            let bad = |error: &dyn std::error::Error| ConnectionError::BadConnection(error.to_string());
            let mut connection = database.connect().await.map_err(|error| bad(&error))?;
            connection.batch_execute(&session).await.map_err(|error| bad(&error))?;
            Ok(connection)
        }
        .boxed()
    });
    Manager::new_with_config("", config)
}

/// Refuses a connection that is too old, and pings one that nobody has used for a while.
fn known_to_be_alive(max_age: Duration, before_ping: Duration) -> Hook<AsyncPgConnection> {
    Hook::async_fn(move |connection: &mut AsyncPgConnection, metrics| {
        let (age, idle) = (metrics.age(), metrics.last_used());
        Box::pin(async move {
            if age > max_age {
                return Err(HookError::message("the connection is too old"));
            }
            if idle > before_ping {
                let ping = tokio::time::timeout(PING_TIMEOUT, connection.batch_execute("SELECT 1"));
                if !matches!(ping.await, Ok(Ok(()))) {
                    return Err(HookError::message("the connection does not answer"));
                }
            }
            Ok(())
        })
    })
}

/// A connection on loan, which is closed unless it is given back.
struct Lease(Option<Object<Manager>>);

impl Lease {
    fn new(object: Object<Manager>) -> Self {
        Self(Some(object))
    }

    fn connection(&mut self) -> Result<&mut AsyncPgConnection, RepositoryError> {
        self.0
            .as_deref_mut()
            .ok_or_else(|| RepositoryError::Unexpected("the connection was given back".into()))
    }

    fn give_back(&mut self) {
        self.0 = None;
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        if let Some(object) = self.0.take() {
            drop(Object::take(object));
        }
    }
}

#[cfg(test)]
mod tests {
    use diesel::{QueryableByName, sql_types::Text};
    use diesel_async::RunQueryDsl;
    use futures_util::future::join_all;

    use super::*;
    use crate::testing::{TestDatabase, pool_options};

    const NEVER: Duration = Duration::from_hours(1);

    async fn text(pool: &PgPool, sql: &str) -> Result<String, RepositoryError> {
        #[derive(QueryableByName)]
        struct Row {
            #[diesel(sql_type = Text)]
            text: String,
        }
        Ok(pool
            .run(async |connection| diesel::sql_query(sql).get_result::<Row>(connection).await)
            .await?
            .text)
    }

    async fn backend(pool: &PgPool) -> String {
        text(pool, "SELECT pg_backend_pid()::text AS text").await.unwrap()
    }

    #[tokio::test]
    async fn a_session_has_its_limits_and_plans_each_statement_once() {
        let db = TestDatabase::empty().await;
        let options = PoolOptions {
            statement_timeout: Duration::from_millis(1234),
            lock_timeout: Duration::from_millis(567),
            deadline: Duration::from_millis(8901),
            ..pool_options()
        };
        let pool = PgPool::new(db.database(), options).unwrap();
        for (setting, value) in [
            ("statement_timeout", "1234ms"),
            ("lock_timeout", "567ms"),
            ("idle_in_transaction_session_timeout", "8901ms"),
            ("plan_cache_mode", "force_generic_plan"),
        ] {
            let shown = text(&pool, &format!("SELECT current_setting('{setting}') AS text")).await.unwrap();
            assert_eq!(shown, value, "{setting}");
        }
    }

    #[tokio::test]
    async fn an_idle_connection_that_a_firewall_has_forgotten_is_replaced_before_it_is_used() {
        let db = TestDatabase::empty().await;
        let proxy = db.proxy().await;
        let idle = Idle { before_ping: Duration::ZERO, before_close: NEVER };
        let options = PoolOptions { max: 1, ..pool_options() };
        let pool = PgPool::with_idle(proxy.database(), options, idle).unwrap();
        let first = backend(&pool).await;
        assert_eq!(backend(&pool).await, first, "a connection that answers is kept");

        proxy.forget();
        let begun = Instant::now();
        assert_ne!(backend(&pool).await, first);
        assert!(begun.elapsed() >= PING_TIMEOUT, "there was a ping, which nobody answered");
        assert!(begun.elapsed() < PING_TIMEOUT * 4, "{:?}", begun.elapsed());
    }

    #[tokio::test]
    async fn a_connection_in_use_is_not_pinged() {
        let db = TestDatabase::empty().await;
        let proxy = db.proxy().await;
        let options = PoolOptions { max: 1, deadline: Duration::from_millis(300), ..pool_options() };
        let pool =
            PgPool::with_idle(proxy.database(), options, Idle { before_ping: NEVER, before_close: NEVER })
                .unwrap();
        let first = backend(&pool).await;
        proxy.forget();
        // Nobody asked, so nobody knew; but the one who found out leaves a better one behind.
        let outcome = text(&pool, "SELECT 'x' AS text").await;
        assert!(matches!(outcome, Err(RepositoryError::Unavailable(_))), "{outcome:?}");
        assert_ne!(backend(&pool).await, first);
    }

    #[tokio::test]
    async fn connections_beyond_those_at_rest_are_closed_when_they_have_long_been_idle() {
        let db = TestDatabase::empty().await;
        let options = PoolOptions { at_rest: 2, max: 6, ..pool_options() };
        for (before_close, left) in [(NEVER, 6), (Duration::ZERO, 2)] {
            let idle = Idle { before_ping: NEVER, before_close };
            let pool = PgPool::with_idle(db.database(), options.clone(), idle).unwrap();
            let asleep = "SELECT pg_sleep(0.2)::text AS text";
            join_all((0..6).map(|_| text(&pool, asleep)))
                .await
                .into_iter()
                .for_each(|outcome| drop(outcome.unwrap()));
            for used in 6..USES_PER_CLOSING {
                assert_eq!(pool.connections.status().size, 6, "after {used} uses");
                backend(&pool).await;
            }
            assert_eq!(pool.connections.status().size, left);
            backend(&pool).await;
        }
    }

    #[tokio::test]
    async fn what_a_pool_shows_of_itself_holds_no_address() {
        let database = Database::parse("postgres://someone:s3cret@somewhere/d?sslmode=disable").unwrap();
        let shown = format!("{:?}", PgPool::new(&database, pool_options()).unwrap());
        assert!(shown.contains("max_size: 10"), "{shown}");
        assert!(!shown.contains("some") && !shown.contains("s3cret"), "{shown}");
    }
}
