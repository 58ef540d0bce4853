mod manager;
pub(crate) mod options;
mod shared;
#[cfg(test)]
mod tests;

use std::{
    fmt,
    future::Future,
    ops::AsyncFnOnce,
    sync::atomic::{AtomicUsize, Ordering},
    time::{Duration, Instant},
};

use deadpool::{
    Runtime,
    managed::{Object, Pool, QueueMode, Timeouts},
};
use diesel::QueryResult;
use diesel_async::{AsyncPgConnection, pooled_connection::PoolableConnection};
use task_domain::RepositoryError;

use self::{
    manager::{Manager, known_to_be_alive, manager},
    options::{PoolOptions, PoolUsage},
    shared::Sharing,
};
use super::{
    database::Database,
    error::{Symptoms, classify, classify_pool},
};

/// What is done with idle connections.
#[derive(Clone, Copy, Debug)]
struct Idle {
    /// After this long a connection is pinged before it is used again: a firewall in between may have dropped it
    /// silently. Busy connections are never pinged.
    before_ping: Duration,
    /// How long a ping may take.
    ping_timeout: Duration,
    /// After this long a connection beyond [`PoolOptions::min_idle`] is closed.
    before_close: Duration,
}

const IDLE: Idle = Idle {
    before_ping: Duration::from_secs(30),
    ping_timeout: Duration::from_secs(1),
    before_close: Duration::from_mins(1),
};
/// How long a request that is shed waits for its answer.
const SHED_DELAY: Duration = Duration::from_millis(500);

/// A read, which changes nothing and so may be repeated.
pub(crate) trait Read: Send + Sync {
    /// Its result.
    type Output: Send;

    /// Reads on a connection that others use at the same time.
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

/// Admits a request to the database or to the wait for it, for as long as this value lives.
pub(crate) struct AdmissionPermit<'a>(&'a AtomicUsize);

impl Drop for AdmissionPermit<'_> {
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
            .pre_recycle(known_to_be_alive(options.max_age, idle.before_ping, idle.ping_timeout))
            .build()
            .map_err(|error| RepositoryError::Unexpected(error.into()))?;
        let admitted = AtomicUsize::new(0);
        Ok(Self { connections, sharing: Sharing::default(), options, idle, admitted })
    }

    /// Load shedding: admits a request, or fails if too many wait already. To let more requests wait than the database can
    /// take would only make each of them slower.
    ///
    /// It fails after a moment, since clients that repeat at once would otherwise keep the processors busy.
    pub(crate) async fn admit(&self) -> Result<AdmissionPermit<'_>, RepositoryError> {
        let before = self.admitted.fetch_add(1, Ordering::Relaxed);
        let permit = AdmissionPermit(&self.admitted);
        if before < self.options.max_requests {
            return Ok(permit);
        }
        drop(permit);
        tokio::time::sleep(SHED_DELAY).await;
        Err(RepositoryError::Overloaded)
    }

    /// Runs `operation` on a connection of its own, within the deadline.
    ///
    /// If the operation does not come to its end, by the deadline or because the caller drops it, its connection is closed
    /// instead of being reused with a statement still running in it. So it is after a failure that may lie in the
    /// connection: a prepared statement older than its table, or a server that has become a read-only replica.
    pub(crate) async fn run<T>(
        &self,
        operation: impl AsyncFnOnce(&mut AsyncPgConnection) -> QueryResult<T>,
    ) -> Result<T, RepositoryError> {
        self.in_time(self.run_alone(operation)).await
    }

    /// Runs a short read, within the deadline, on the connection that all reads share.
    ///
    /// If that connection fails, the read is repeated on one of its own, and no other read joins the failed one.
    pub(crate) async fn read<R: Read>(&self, read: R) -> Result<R::Output, RepositoryError> {
        if self.options.max < 2 {
            // Writes need the only connection too.
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

    /// Waits for `work` until the deadline, also for what waits before it comes to the pool.
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

    /// Closes connections beyond `min_idle` that have not been used for a while. To be called now and then.
    pub fn close_idle(&self) {
        let mut spare = self.connections.status().size.saturating_sub(self.options.min_idle);
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
