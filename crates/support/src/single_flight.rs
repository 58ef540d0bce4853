//! Work that is done when somebody needs it: once for all who wait for it, and not too often.

use std::sync::{Mutex, MutexGuard, PoisonError};

use tokio::{
    sync::{Notify, watch},
    time::{Duration, Instant, timeout},
};

/// Brings those who need a piece of work together with the one who does it.
pub struct SingleFlight {
    cool_down: Duration,
    patience: Duration,
    state: Mutex<State>,
    demanded: Notify,
    met: watch::Sender<()>,
}

struct State {
    stage: Stage,
    /// When the last demand was made that was let through.
    last: Option<Instant>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Stage {
    /// Nobody waits.
    Idle,
    /// Somebody waits for work that has not begun.
    Demanded,
    /// Somebody waits for the work that is under way.
    Working,
}

impl SingleFlight {
    /// Lets a demand through every `cool_down` at the most; each waits for at most `patience`.
    pub fn new(cool_down: Duration, patience: Duration) -> Self {
        Self {
            cool_down,
            patience,
            state: Mutex::new(State { stage: Stage::Idle, last: None }),
            demanded: Notify::new(),
            met: watch::Sender::new(()),
        }
    }

    /// Waits for work that somebody demanded, this caller or one before it. Returns at once where the last demand was too
    /// short a time ago.
    pub async fn wait(&self) {
        // Before the state is looked at, so that an end of the work in between is not missed.
        let mut met = self.met.subscribe();
        if self.is_let_through() {
            // Whether it came in time is seen from what it left behind.
            let _ = timeout(self.patience, met.changed()).await;
        }
    }

    fn is_let_through(&self) -> bool {
        let mut state = self.state();
        if state.stage != Stage::Idle {
            return true;
        }
        let now = Instant::now();
        if state.last.is_some_and(|last| now.duration_since(last) < self.cool_down) {
            return false;
        }
        *state = State { stage: Stage::Demanded, last: Some(now) };
        self.demanded.notify_one();
        true
    }

    /// Waits until there is a demand.
    pub async fn made(&self) {
        self.demanded.notified().await;
    }

    /// To be called when work begins: whoever waits by now waits for this.
    pub fn work_begins(&self) {
        let mut state = self.state();
        if state.stage == Stage::Demanded {
            state.stage = Stage::Working;
        }
    }

    /// To be called when work has ended, well or not, and its outcome can be seen.
    pub fn work_ended(&self) {
        let mut state = self.state();
        if state.stage == Stage::Working {
            state.stage = Stage::Idle;
            self.met.send_replace(());
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use futures_util::future::join_all;

    use super::*;

    const COOL_DOWN: Duration = Duration::from_secs(30);
    const PATIENCE: Duration = Duration::from_secs(6);

    fn demand() -> Arc<SingleFlight> {
        Arc::new(SingleFlight::new(COOL_DOWN, PATIENCE))
    }

    /// Waits and returns for how long.
    async fn wait(demand: Arc<SingleFlight>) -> Duration {
        let since = Instant::now();
        demand.wait().await;
        since.elapsed()
    }

    #[tokio::test(start_paused = true)]
    async fn all_who_wait_wait_for_the_same_work() {
        let demand = demand();
        let waiting = (0..1000).map(|_| tokio::spawn(wait(Arc::clone(&demand)))).collect::<Vec<_>>();
        demand.made().await;
        demand.work_begins();
        tokio::time::sleep(Duration::from_secs(2)).await;
        demand.work_ended();
        for waited in join_all(waiting).await {
            assert_eq!(waited.unwrap(), Duration::from_secs(2));
        }
        assert!(timeout(COOL_DOWN, demand.made()).await.is_err(), "once was enough");
    }

    #[tokio::test(start_paused = true)]
    async fn demands_are_let_through_once_in_the_cool_down() {
        let demand = demand();
        for _ in 0..2 {
            let waiting = tokio::spawn(wait(Arc::clone(&demand)));
            demand.made().await;
            demand.work_begins();
            demand.work_ended();
            waiting.await.unwrap();
            assert_eq!(wait(Arc::clone(&demand)).await, Duration::ZERO, "nobody waits in the cool-down");
            tokio::time::sleep(COOL_DOWN).await;
        }
    }

    #[tokio::test(start_paused = true)]
    async fn work_that_began_before_the_demand_does_not_meet_it() {
        let demand = demand();
        demand.work_begins();
        let waiting = tokio::spawn(wait(Arc::clone(&demand)));
        demand.made().await;
        demand.work_ended();
        tokio::time::sleep(Duration::from_secs(1)).await;
        assert!(!waiting.is_finished());
        demand.work_begins();
        demand.work_ended();
        assert_eq!(waiting.await.unwrap(), Duration::from_secs(1));
    }

    #[tokio::test(start_paused = true)]
    async fn nobody_waits_for_ever() {
        assert_eq!(wait(demand()).await, PATIENCE, "nobody works");
    }

    #[tokio::test(start_paused = true)]
    async fn who_goes_away_takes_nothing_from_those_who_stay() {
        let demand = demand();
        let (gone, stays) =
            (tokio::spawn(wait(Arc::clone(&demand))), tokio::spawn(wait(Arc::clone(&demand))));
        demand.made().await;
        gone.abort();
        demand.work_begins();
        demand.work_ended();
        assert_eq!(stays.await.unwrap(), Duration::ZERO);
    }
}
