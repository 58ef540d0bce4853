mod shared;
#[cfg(test)]
mod tests;

use std::{
    fmt,
    future::Future,
    ops::AsyncFnOnce,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
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

use self::shared::Sharing;
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
    /// How long a ping may take.
    ping_timeout: Duration,
    /// After this long a connection beyond those kept at rest is closed.
    before_close: Duration,
}

const IDLE: Idle = Idle {
    before_ping: Duration::from_secs(30),
    ping_timeout: Duration::from_secs(1),
    before_close: Duration::from_mins(1),
};

/// How long somebody is kept who is turned away because too many wait.
const TURNING_AWAY: Duration = Duration::from_millis(500);

/// How many connections a pool keeps, and how long each step may take.
#[derive(Clone, Debug)]
pub struct PoolOptions {
    /// How many connections stay open when there is nothing to do.
    pub at_rest: usize,
    /// How many connections there are at the most.
    pub max: usize,
    /// How many requests may be with the database or wait for it; who comes then is turned away at once.
    pub max_requests: usize,
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
    /// Whether [`session`](Self::session) is left to the role: behind a pooler in transaction mode, what is set on a
    /// connection would be for whoever comes next, and not for us.
    pub session_of_role: bool,
}

impl PoolOptions {
    /// What holds for each session of PostgreSQL, as names and values of its settings.
    ///
    /// Each statement is planned once for all values: for the values of the first few times PostgreSQL would, on disks
    /// that it takes for slow, rather read all of a user's tasks and sort them than walk the index that has the order.
    /// And it is planned for a table that will have grown: as long as that is small, PostgreSQL would rather read it
    /// all, and would go on to do so until somebody counts it again.
    #[must_use]
    pub fn session(&self) -> [(&'static str, String); 5] {
        let milliseconds = |time: Duration| format!("{}ms", time.as_millis());
        [
            ("statement_timeout", milliseconds(self.statement_timeout)),
            ("lock_timeout", milliseconds(self.lock_timeout)),
            ("idle_in_transaction_session_timeout", milliseconds(self.deadline)),
            ("plan_cache_mode", "force_generic_plan".to_owned()),
            ("enable_seqscan", "off".to_owned()),
        ]
    }
}

/// How a pool is used at a moment.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct PoolUsage {
    /// Connections that work for somebody.
    pub in_use: usize,
    /// Open connections that nobody uses.
    pub idle: usize,
    /// How many connections there may be.
    pub max: usize,
    /// How many requests wait for a connection.
    pub waiting: usize,
}

impl PoolUsage {
    /// Both together.
    #[must_use]
    pub fn and(self, other: Self) -> Self {
        Self {
            in_use: self.in_use + other.in_use,
            idle: self.idle + other.idle,
            max: self.max + other.max,
            waiting: self.waiting + other.waiting,
        }
    }
}

/// A read, which changes nothing and so may be repeated.
pub(crate) trait Read: Send + Sync {
    /// What it finds.
    type Output: Send;

    /// Reads by a connection that others use at the same time.
    fn read(&self, connection: &AsyncPgConnection) -> impl Future<Output = QueryResult<Self::Output>> + Send;
}

/// A pool of connections that are known to be alive, for one runtime.
///
/// A connection's driver runs on the runtime that opened it, so a pool must be used on a single one: the server has a
/// pool for each of its workers. Connections are opened when they are first needed.
pub struct PgPool {
    connections: Pool<Manager>,
    sharing: Sharing,
    options: PoolOptions,
    idle: Idle,
    admitted: AtomicUsize,
}

/// A request's place among those that are with the database or wait for it, given back with this value.
pub(crate) struct Place<'a>(&'a AtomicUsize);

impl Drop for Place<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
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
                recycle: Some(idle.ping_timeout.saturating_mul(2)),
            })
            // The connection used last is used next: few connections stay busy, the others may be closed.
            .queue_mode(QueueMode::Lifo)
            .pre_recycle(known_to_be_alive(options.max_age, idle))
            .build()
            .map_err(|error| RepositoryError::Unexpected(error.into()))?;
        let admitted = AtomicUsize::new(0);
        Ok(Self { connections, sharing: Sharing::default(), options, idle, admitted })
    }

    /// Takes a place for a request, which is turned away where all are taken: to let more requests wait than the database
    /// can take would only make every one of them slower.
    ///
    /// It is turned away after a moment, since clients that repeat at once would otherwise keep the processors busy with
    /// being turned away.
    pub(crate) async fn admit(&self) -> Result<Place<'_>, RepositoryError> {
        let before = self.admitted.fetch_add(1, Ordering::Relaxed);
        let place = Place(&self.admitted);
        if before < self.options.max_requests {
            return Ok(place);
        }
        drop(place);
        tokio::time::sleep(TURNING_AWAY).await;
        Err(RepositoryError::Overloaded)
    }

    /// Runs `operation` on a connection of its own, within the deadline.
    ///
    /// Where the operation does not come to its end, by the deadline or because the caller goes away, its connection is
    /// closed instead of being handed on with a statement still running in it. So it is after a failure that may lie in
    /// the connection: a prepared statement older than its table, or a server that has become a read-only replica.
    pub(crate) async fn run<T>(
        &self,
        operation: impl AsyncFnOnce(&mut AsyncPgConnection) -> QueryResult<T>,
    ) -> Result<T, RepositoryError> {
        self.in_time(self.run_alone(operation)).await
    }

    /// Runs a short read, within the deadline, on the connection that all reads share.
    ///
    /// Where that connection fails, the read is repeated on one of its own, and nobody is given the failed one any more.
    pub(crate) async fn read<R: Read>(&self, read: R) -> Result<R::Output, RepositoryError> {
        if self.options.max < 2 {
            // The only connection has to be there for writes too.
            return self.run(async |connection| read.read(connection).await).await;
        }
        let work = async {
            let is_fresh = |object: &Object<Manager>| Object::metrics(object).age() <= self.options.max_age;
            let reading = self.sharing.join(is_fresh, async || self.connections.get().await).await;
            let reading = reading.map_err(classify_pool)?;
            let connection = reading.connection().ok_or_else(given_back)?;
            let begun = Instant::now();
            match read.read(connection).await {
                Ok(value) => {
                    reading.end();
                    Ok(value)
                }
                Err(error) if begun.elapsed() >= self.statement_limit() => {
                    Err(classify(error, Symptoms { broken: false, timed_out: true }))
                }
                Err(_) => self.run_alone(async |connection| read.read(connection).await).await,
            }
        };
        self.in_time(work).await
    }

    /// Waits for `work` until the deadline, for what has to wait before it comes to the pool.
    pub(crate) async fn in_time<T>(
        &self,
        work: impl Future<Output = Result<T, RepositoryError>>,
    ) -> Result<T, RepositoryError> {
        match tokio::time::timeout(self.options.deadline, work).await {
            Ok(outcome) => outcome,
            Err(elapsed) => Err(RepositoryError::Unavailable(elapsed.into())),
        }
    }

    async fn run_alone<T>(
        &self,
        operation: impl AsyncFnOnce(&mut AsyncPgConnection) -> QueryResult<T>,
    ) -> Result<T, RepositoryError> {
        let mut lease = Lease::new(self.connections.get().await.map_err(classify_pool)?);
        let begun = Instant::now();
        let outcome = operation(lease.connection()?).await;
        match outcome {
            Ok(value) => {
                lease.give_back();
                Ok(value)
            }
            Err(error) => {
                let broken = PoolableConnection::is_broken(lease.connection()?);
                let seen = Symptoms { broken, timed_out: begun.elapsed() >= self.statement_limit() };
                let error = classify(error, seen);
                let understood = seen.timed_out || matches!(error, RepositoryError::UnknownUser);
                if understood && !broken {
                    lease.give_back();
                }
                Err(error)
            }
        }
    }

    /// After how long the server gives up a statement.
    fn statement_limit(&self) -> Duration {
        self.options.statement_timeout.min(self.options.lock_timeout)
    }

    /// How it is used now. The connection that reads share is in use while any of them is under way.
    #[must_use]
    pub fn usage(&self) -> PoolUsage {
        let status = self.connections.status();
        PoolUsage {
            in_use: status.size.saturating_sub(status.available),
            idle: status.available,
            max: status.max_size,
            waiting: status.waiting,
        }
    }

    /// Closes every connection that is not in use, and those in use when they come back.
    pub fn close(&self) {
        self.connections.close();
    }

    /// Closes connections beyond those kept at rest that have not been used for a while. To be called now and then.
    pub fn close_idle(&self) {
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
    let mut session = options.session().map(|(name, value)| format!("SET {name} = '{value}'")).join("; ");
    if options.session_of_role {
        session.clear();
    }
    let database = database.clone();
    let mut config = ManagerConfig::<AsyncPgConnection>::default();
    // `Fast` looks at what is known here: that the connection is open and has no transaction. No round trip.
    config.recycling_method = RecyclingMethod::Fast;
    config.custom_setup = Box::new(move |_url| {
        let (database, session) = (database.clone(), session.clone());
        async move {
            let bad = |error: &dyn std::error::Error| ConnectionError::BadConnection(error.to_string());
            let mut connection = database.connect().await.map_err(|error| bad(&error))?;
            if !session.is_empty() {
                connection.batch_execute(&session).await.map_err(|error| bad(&error))?;
            }
            Ok(connection)
        }
        .boxed()
    });
    Manager::new_with_config("", config)
}

/// Refuses a connection that is too old, and pings one that nobody has used for a while.
///
/// Whatever cut one silent connection has cut those that were silent for as long, so that they are refused without
/// another ping: a request waits for one dead connection, and not for all of them.
fn known_to_be_alive(max_age: Duration, limits: Idle) -> Hook<AsyncPgConnection> {
    let cut: Arc<Mutex<Option<Instant>>> = Arc::default();
    Hook::async_fn(move |connection: &mut AsyncPgConnection, metrics| {
        let (age, idle) = (metrics.age(), metrics.last_used());
        let cut = Arc::clone(&cut);
        Box::pin(async move {
            if age > max_age {
                return Err(HookError::message("the connection is too old"));
            }
            if idle <= limits.before_ping {
                return Ok(());
            }
            let asked = Instant::now();
            let used_before = |moment: Instant| asked.checked_sub(idle).is_some_and(|used| used <= moment);
            if cut.lock().unwrap_or_else(PoisonError::into_inner).is_some_and(used_before) {
                return Err(HookError::message("the connection was cut with another one"));
            }
            let ping = tokio::time::timeout(limits.ping_timeout, connection.batch_execute("SELECT 1"));
            if matches!(ping.await, Ok(Ok(()))) {
                return Ok(());
            }
            *cut.lock().unwrap_or_else(PoisonError::into_inner) = Some(asked);
            Err(HookError::message("the connection does not answer"))
        })
    })
}

fn given_back() -> RepositoryError {
    RepositoryError::Unexpected("the connection was given back".into())
}

/// A connection on loan, which is closed unless it is given back.
struct Lease(Option<Object<Manager>>);

impl Lease {
    fn new(object: Object<Manager>) -> Self {
        Self(Some(object))
    }

    fn connection(&mut self) -> Result<&mut AsyncPgConnection, RepositoryError> {
        self.0.as_deref_mut().ok_or_else(given_back)
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
