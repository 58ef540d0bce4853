//! The background tasks: what the service does at intervals, apart from any request.

use std::{convert::Infallible, sync::Arc, time::Duration};

use task_adapters::{PgIdempotencyStore, PgPool};
use task_auth::PublishedKeys;
use task_domain::IdempotencyStore;
use task_support::Chain;
use task_telemetry::metrics::Metrics;
use tokio::time::{MissedTickBehavior, interval};

use crate::{
    health::readiness::Readiness,
    http::{connections::Clients, limits::Limits},
};

/// How often expired idempotency keys are deleted, and how many in one statement.
const EXPIRED_KEYS_INTERVAL: Duration = Duration::from_mins(1);
const EXPIRED_KEYS_BATCH: u16 = 1000;
const IDLE_CONNECTIONS_INTERVAL: Duration = Duration::from_secs(30);
const STALLED_CLIENTS_INTERVAL: Duration = Duration::from_secs(5);
const FULL_BUCKETS_INTERVAL: Duration = Duration::from_secs(15);

/// The background tasks, and what they work on. They run on the main runtime.
pub(crate) struct BackgroundTasks {
    /// The workers' pools.
    pub(crate) pools: Vec<Arc<PgPool>>,
    /// The pool of the background tasks, with one connection.
    pub(crate) own_pool: Arc<PgPool>,
    pub(crate) readiness: Arc<Readiness>,
    pub(crate) keys: Option<Arc<PublishedKeys>>,
    pub(crate) clients: Clients,
    pub(crate) limits: Arc<Limits>,
    pub(crate) metrics: Option<Arc<Metrics>>,
}

impl BackgroundTasks {
    /// Runs all tasks until the future is dropped.
    pub(crate) async fn run(&self) {
        let refresh_keys = async {
            if let Some(keys) = &self.keys {
                keys.keep_fresh().await;
            }
        };
        tokio::join!(
            self.readiness.keep(),
            refresh_keys,
            close_idle_connections(&self.pools),
            delete_expired_keys(PgIdempotencyStore::new(Arc::clone(&self.own_pool))),
            close_stalled_clients(&self.clients),
            drop_full_buckets(&self.limits),
        );
    }

    /// Closes the pools.
    pub(crate) fn close(&self) {
        for pool in self.pools.iter().chain([&self.own_pool]) {
            pool.close();
        }
    }
}

/// Closes the connections to the database that a burst of requests opened and that are idle now.
async fn close_idle_connections(pools: &[Arc<PgPool>]) -> Infallible {
    let mut round = interval(IDLE_CONNECTIONS_INTERVAL);
    loop {
        round.tick().await;
        for pool in pools {
            pool.close_idle();
        }
    }
}

/// Disconnects stalled clients, so that they do not take the connections of others.
async fn close_stalled_clients(clients: &Clients) -> Infallible {
    let mut round = interval(STALLED_CLIENTS_INTERVAL);
    loop {
        round.tick().await;
        let closed = clients.close_stalled();
        if closed > 0 {
            tracing::info!(clients = closed, "stalled clients were disconnected");
        }
    }
}

/// Bounds the memory of the limits: a full bucket is the same as none.
async fn drop_full_buckets(limits: &Limits) -> Infallible {
    let mut round = interval(FULL_BUCKETS_INTERVAL);
    loop {
        round.tick().await;
        limits.drop_full_buckets();
    }
}

/// Deletes expired idempotency keys in batches, so that no statement runs for long.
async fn delete_expired_keys(idempotency: impl IdempotencyStore) -> Infallible {
    let mut round = interval(EXPIRED_KEYS_INTERVAL);
    round.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        round.tick().await;
        match idempotency.forget_expired(EXPIRED_KEYS_BATCH).await {
            Ok(deleted) => {
                tracing::debug!(deleted, "expired idempotency keys were removed");
                // A full batch suggests that there are more.
                if deleted == usize::from(EXPIRED_KEYS_BATCH) {
                    round.reset_immediately();
                }
            }
            Err(error) => {
                tracing::warn!(error = %Chain(&error), "expired idempotency keys were not removed; they will be");
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use mockall::Sequence;
    use task_domain::testing::MockIdempotencyStore;

    use super::*;

    #[tokio::test]
    async fn expired_keys_are_deleted_at_the_start_and_again_at_once_while_a_batch_is_full() {
        let mut idempotency = MockIdempotencyStore::new();
        let mut sequence = Sequence::new();
        for deleted in [1000, 1000, 7] {
            let expected = idempotency.expect_forget_expired().once().in_sequence(&mut sequence);
            expected.withf(|limit| *limit == EXPIRED_KEYS_BATCH).return_once(move |_| Ok(deleted));
        }
        // The next round is due a minute later; the mock refuses a fourth call.
        let ended = tokio::time::timeout(Duration::from_millis(200), delete_expired_keys(idempotency)).await;
        assert!(ended.is_err(), "the task never ends");
    }

    #[tokio::test]
    async fn an_unreachable_database_does_not_end_the_task() {
        let mut idempotency = MockIdempotencyStore::new();
        let down = || task_domain::RepositoryError::Unavailable("down".into());
        idempotency.expect_forget_expired().once().return_once(move |_| Err(down()));
        let ended = tokio::time::timeout(Duration::from_millis(200), delete_expired_keys(idempotency)).await;
        assert!(ended.is_err());
    }
}
