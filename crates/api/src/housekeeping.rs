//! What has to be done now and then, whatever is asked meanwhile.

use std::{convert::Infallible, sync::Arc, time::Duration};

use task_adapters::PgPool;
use task_domain::OnceOnly;
use tokio::time::{MissedTickBehavior, interval};

use crate::{connections::Clients, error::Chain, limits::Limits, metrics::Metrics};

/// How often expired idempotency keys are removed, and how many at a time.
const KEYS_INTERVAL: Duration = Duration::from_mins(1);
const KEYS_BATCH: u16 = 1000;
/// How often it is seen whether connections have long been idle.
const CONNECTIONS_INTERVAL: Duration = Duration::from_secs(30);

/// How often it is seen whether clients hold connections and do nothing.
const CLIENTS_INTERVAL: Duration = Duration::from_secs(5);

/// How often full buckets of limits are forgotten.
const LIMITS_INTERVAL: Duration = Duration::from_secs(15);

/// How often measured durations are settled.
const METRICS_INTERVAL: Duration = Duration::from_secs(5);

/// Does it for as long as the program runs.
pub(crate) async fn keep(pools: Vec<Arc<PgPool>>, once_only: impl OnceOnly) {
    tokio::join!(close_idle_connections(pools), forget_expired_keys(once_only));
}

/// Brings the pools back to what they keep at rest, once a burst is over.
async fn close_idle_connections(pools: Vec<Arc<PgPool>>) -> Infallible {
    let mut round = interval(CONNECTIONS_INTERVAL);
    loop {
        round.tick().await;
        for pool in &pools {
            pool.close_idle();
        }
    }
}

/// Lets go of clients that do nothing, so that they cannot keep others out.
pub(crate) async fn let_go(clients: &Clients) -> Infallible {
    let mut round = interval(CLIENTS_INTERVAL);
    loop {
        round.tick().await;
        let gone = clients.let_go();
        if gone > 0 {
            tracing::info!(clients = gone, "clients that did nothing for too long were let go of");
        }
    }
}

/// Forgets who has not asked for some time, so that the memory of limits does not grow with all who ever asked.
pub(crate) async fn forget_full(limits: &Limits) -> Infallible {
    let mut round = interval(LIMITS_INTERVAL);
    loop {
        round.tick().await;
        limits.forget_full();
    }
}

/// Settles what was measured, so that its memory does not grow until somebody asks for it.
pub(crate) async fn settle(metrics: &Metrics) -> Infallible {
    let mut round = interval(METRICS_INTERVAL);
    loop {
        round.tick().await;
        metrics.settle();
    }
}

/// Forgets expired idempotency keys, a bounded number at a time.
async fn forget_expired_keys(once_only: impl OnceOnly) -> Infallible {
    let mut round = interval(KEYS_INTERVAL);
    round.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        round.tick().await;
        match once_only.forget_expired(KEYS_BATCH).await {
            Ok(forgotten) => {
                tracing::debug!(forgotten, "expired idempotency keys were removed");
                // There may be more of them than one batch.
                if forgotten == usize::from(KEYS_BATCH) {
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
    use task_domain::testing::MockOnceOnly;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn keys_are_forgotten_at_the_start_and_on_while_there_are_more() {
        let mut once_only = MockOnceOnly::new();
        let mut sequence = Sequence::new();
        for forgotten in [1000, 1000, 7] {
            let expected = once_only.expect_forget_expired().once().in_sequence(&mut sequence);
            expected.withf(|limit| *limit == KEYS_BATCH).return_once(move |_| Ok(forgotten));
        }
        // A fourth call, before the next round, would be one too many for the mock.
        let ended = tokio::time::timeout(KEYS_INTERVAL / 2, keep(Vec::new(), once_only)).await;
        assert!(ended.is_err(), "it goes on for as long as the program runs");
    }

    #[tokio::test(start_paused = true)]
    async fn a_database_that_is_away_ends_nothing() {
        let mut once_only = MockOnceOnly::new();
        let down = || task_domain::RepositoryError::Unavailable("down".into());
        once_only.expect_forget_expired().once().return_once(move |_| Err(down()));
        assert!(tokio::time::timeout(KEYS_INTERVAL / 2, keep(Vec::new(), once_only)).await.is_err());
    }
}
