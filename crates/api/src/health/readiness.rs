//! Whether requests can be served now: checked on demand, once for all clients that ask at the same time.

use std::{
    convert::Infallible,
    fmt,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use async_trait::async_trait;
use serde::Serialize;
use task_auth::PublishedKeys;
use task_domain::RepositoryError;
use task_support::SingleFlight;
use tokio::time::timeout;
use utoipa::ToSchema;

/// How long one result is reused. The route is public, and must not load the database.
const FRESH: Duration = Duration::from_secs(1);
/// How long a check of the database may take.
const LOOK_LIMIT: Duration = Duration::from_secs(2);
/// How long a request waits for a check, and perhaps for the one before it.
const PATIENCE: Duration = Duration::from_secs(5);

/// Finds out whether the database can be used.
#[async_trait]
pub trait SchemaProbe: Send + Sync {
    /// Whether the schema is what this program needs.
    async fn is_up_to_date(&self) -> Result<bool, RepositoryError>;
}

/// What one check found.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Check {
    /// Nothing is missing.
    Ok,
    /// The database does not answer.
    Unavailable,
    /// A migration is pending, or this role may not read which were applied.
    Pending,
    /// It cannot be known while the database does not answer.
    Unknown,
    /// The key set has never been fetched.
    NotFetched,
}

/// What is needed to serve requests.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub(crate) struct Checks {
    /// Whether the database answers.
    pub(crate) database: Check,
    /// Whether every migration has been applied.
    pub(crate) migrations: Check,
    /// Whether there are keys to check tokens with.
    pub(crate) keys: Check,
}

impl Checks {
    /// Whether nothing is missing.
    pub(crate) fn are_ok(self) -> bool {
        [self.database, self.migrations, self.keys].iter().all(|check| *check == Check::Ok)
    }
}

/// Knows whether requests can be served.
pub struct Readiness {
    schema: Box<dyn SchemaProbe>,
    keys: Option<Arc<PublishedKeys>>,
    demand: SingleFlight,
    seen: Mutex<(Check, Check)>,
    stopping: AtomicBool,
}

impl Readiness {
    /// Asks that probe once [`Self::keep`] runs, and the key set if there is one.
    #[must_use]
    pub fn new(schema: Box<dyn SchemaProbe>, keys: Option<Arc<PublishedKeys>>) -> Self {
        let seen = Mutex::new((Check::Unavailable, Check::Unknown));
        Self {
            schema,
            keys,
            demand: SingleFlight::new(FRESH, PATIENCE),
            seen,
            stopping: AtomicBool::new(false),
        }
    }

    /// Checks the database on demand, for as long as the program runs.
    pub async fn keep(&self) -> Infallible {
        loop {
            self.demand.demanded().await;
            self.demand.work_begins();
            let seen = self.look().await;
            *self.seen.lock().unwrap_or_else(PoisonError::into_inner) = seen;
            self.demand.work_ended();
        }
    }

    /// From now on load balancers should send no more requests here.
    pub(crate) fn begin_to_stop(&self) {
        self.stopping.store(true, Ordering::Relaxed);
    }

    /// Whether the program is about to end.
    pub(crate) fn is_stopping(&self) -> bool {
        self.stopping.load(Ordering::Relaxed)
    }

    /// The result of a check that is at most a second old.
    pub(crate) async fn checks(&self) -> Checks {
        // A load balancer must learn at once that the program is about to end, so the last result will do.
        if !self.is_stopping() {
            self.demand.wait().await;
        }
        let (database, migrations) = *self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        let has_keys = self.keys.as_ref().is_none_or(|keys| keys.is_ready());
        Checks { database, migrations, keys: if has_keys { Check::Ok } else { Check::NotFetched } }
    }

    /// The database and its migrations.
    async fn look(&self) -> (Check, Check) {
        match timeout(LOOK_LIMIT, self.schema.is_up_to_date()).await {
            Ok(Ok(true)) => (Check::Ok, Check::Ok),
            // A role that may not read the table of migrations, or a database that has none yet.
            Ok(Ok(false) | Err(RepositoryError::Unexpected(_))) => (Check::Ok, Check::Pending),
            Ok(Err(_)) | Err(_) => (Check::Unavailable, Check::Unknown),
        }
    }
}

impl fmt::Debug for Readiness {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Readiness").field("seen", &self.seen).finish_non_exhaustive()
    }
}

#[cfg(test)]
pub(crate) mod testing {
    use super::*;

    /// A schema that is always up to date.
    struct UpToDate;

    #[async_trait]
    impl SchemaProbe for UpToDate {
        async fn is_up_to_date(&self) -> Result<bool, RepositoryError> {
            Ok(true)
        }
    }

    /// Finds everything ready, once [`Readiness::keep`] runs.
    pub(crate) fn ready() -> Arc<Readiness> {
        Arc::new(Readiness::new(Box::new(UpToDate), None))
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use futures_util::future::join_all;
    use tokio::time::{Instant, sleep};

    use super::*;

    type Found = fn() -> Result<bool, RepositoryError>;

    struct Probe {
        found: Found,
        takes: Duration,
        looks: Arc<AtomicUsize>,
    }

    #[async_trait]
    impl SchemaProbe for Probe {
        async fn is_up_to_date(&self) -> Result<bool, RepositoryError> {
            self.looks.fetch_add(1, Ordering::Relaxed);
            sleep(self.takes).await;
            (self.found)()
        }
    }

    /// A readiness whose `keep` runs, and how often its probe was asked.
    fn kept(found: Found, takes: Duration) -> (Arc<Readiness>, Arc<AtomicUsize>) {
        let looks = Arc::new(AtomicUsize::new(0));
        let readiness =
            Arc::new(Readiness::new(Box::new(Probe { found, takes, looks: Arc::clone(&looks) }), None));
        tokio::spawn({
            let readiness = Arc::clone(&readiness);
            async move { readiness.keep().await }
        });
        (readiness, looks)
    }

    #[tokio::test(start_paused = true)]
    async fn each_thing_that_is_missing_is_named() {
        for (found, database, migrations) in [
            ((|| Ok(true)) as Found, Check::Ok, Check::Ok),
            (|| Ok(false), Check::Ok, Check::Pending),
            (|| Err(RepositoryError::Unexpected("no table".into())), Check::Ok, Check::Pending),
            (|| Err(RepositoryError::Unavailable("down".into())), Check::Unavailable, Check::Unknown),
        ] {
            let (readiness, _) = kept(found, Duration::ZERO);
            let checks = readiness.checks().await;
            assert_eq!(checks, Checks { database, migrations, keys: Check::Ok });
            assert_eq!(checks.are_ok(), database == Check::Ok && migrations == Check::Ok);
        }
    }

    #[tokio::test(start_paused = true)]
    async fn one_check_serves_all_requests_for_a_second() {
        let (readiness, looks) = kept(|| Ok(true), Duration::from_millis(10));
        for round in 1..4 {
            let all = join_all((0..100).map(|_| readiness.checks())).await;
            assert!(all.into_iter().all(Checks::are_ok));
            assert!(readiness.checks().await.are_ok());
            assert_eq!(looks.load(Ordering::Relaxed), round);
            sleep(FRESH).await;
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_database_that_hangs_is_not_waited_for() {
        let (readiness, _) = kept(|| Ok(true), Duration::from_hours(1));
        let since = Instant::now();
        assert_eq!(readiness.checks().await.database, Check::Unavailable);
        assert_eq!(since.elapsed(), LOOK_LIMIT);
    }
}
