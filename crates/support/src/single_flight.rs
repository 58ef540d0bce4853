//! Work on demand: one run for all callers that wait at the same time, and not too often.

use std::sync::{Mutex, MutexGuard, PoisonError};

use tokio::{
    sync::{Notify, watch},
    time::{Duration, Instant, timeout},
};

/// Connects the callers that need a piece of work with the background task that does it.
pub struct SingleFlight {
    cool_down: Duration,
    timeout: Duration,
    state: Mutex<State>,
    demand: Notify,
    done: watch::Sender<()>,
}

struct State {
    stage: Stage,
    /// When the last accepted demand was made.
    last_demand: Option<Instant>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Stage {
    /// No caller waits.
    Idle,
    /// A caller waits for work that has not begun.
    Demanded,
    /// A caller waits for the work that is running.
    Working,
}

impl SingleFlight {
    /// Accepts at most one demand in each `cool_down`; a caller waits for at most `timeout`.
    #[must_use]
    pub fn new(cool_down: Duration, timeout: Duration) -> Self {
        Self {
            cool_down,
            timeout,
            state: Mutex::new(State { stage: Stage::Idle, last_demand: None }),
            demand: Notify::new(),
            done: watch::Sender::new(()),
        }
    }

    /// Demands the work, or joins a demand that is already waiting, and waits until the work is done. Returns at once within
    /// the cool-down of the last demand.
    pub async fn wait(&self) {
        // Before the state is read, so that the end of the work in between is not missed.
        let mut done = self.done.subscribe();
        if self.is_accepted() {
            // The caller sees from the result of the work whether it came in time.
            let _ = timeout(self.timeout, done.changed()).await;
        }
    }

    fn is_accepted(&self) -> bool {
        let mut state = self.state();
        if state.stage != Stage::Idle {
            return true;
        }
        let now = Instant::now();
        if state.last_demand.is_some_and(|last| now.duration_since(last) < self.cool_down) {
            return false;
        }
        *state = State { stage: Stage::Demanded, last_demand: Some(now) };
        self.demand.notify_one();
        true
    }

    /// Waits until there is a demand. The background task calls this.
    pub async fn demanded(&self) {
        self.demand.notified().await;
    }

    /// The background task calls this when work begins: it serves all demands made before.
    pub fn work_begins(&self) {
        let mut state = self.state();
        if state.stage == Stage::Demanded {
            state.stage = Stage::Working;
        }
    }

    /// The background task calls this when work has ended, successful or not, and its result is visible.
    pub fn work_ended(&self) {
        let mut state = self.state();
        if state.stage == Stage::Working {
            state.stage = Stage::Idle;
            self.done.send_replace(());
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
    const TIMEOUT: Duration = Duration::from_secs(6);

    fn single_flight() -> Arc<SingleFlight> {
        Arc::new(SingleFlight::new(COOL_DOWN, TIMEOUT))
    }

    /// Waits, and returns how long that took.
    async fn wait(work: Arc<SingleFlight>) -> Duration {
        let since = Instant::now();
        work.wait().await;
        since.elapsed()
    }

    #[tokio::test(start_paused = true)]
    async fn all_callers_wait_for_the_same_work() {
        let work = single_flight();
        let waiting = (0..1000).map(|_| tokio::spawn(wait(Arc::clone(&work)))).collect::<Vec<_>>();
        work.demanded().await;
        work.work_begins();
        tokio::time::sleep(Duration::from_secs(2)).await;
        work.work_ended();
        for waited in join_all(waiting).await {
            assert_eq!(waited.unwrap(), Duration::from_secs(2));
        }
        assert!(timeout(COOL_DOWN, work.demanded()).await.is_err(), "one run served all callers");
    }

    #[tokio::test(start_paused = true)]
    async fn one_demand_is_accepted_in_each_cool_down() {
        let work = single_flight();
        for _ in 0..2 {
            let waiting = tokio::spawn(wait(Arc::clone(&work)));
            work.demanded().await;
            work.work_begins();
            work.work_ended();
            waiting.await.unwrap();
            assert_eq!(wait(Arc::clone(&work)).await, Duration::ZERO, "no caller waits in the cool-down");
            tokio::time::sleep(COOL_DOWN).await;
        }
    }

    #[tokio::test(start_paused = true)]
    async fn work_that_began_before_the_demand_does_not_meet_it() {
        let work = single_flight();
        work.work_begins();
        let waiting = tokio::spawn(wait(Arc::clone(&work)));
        work.demanded().await;
        work.work_ended();
        tokio::time::sleep(Duration::from_secs(1)).await;
        assert!(!waiting.is_finished());
        work.work_begins();
        work.work_ended();
        assert_eq!(waiting.await.unwrap(), Duration::from_secs(1));
    }

    #[tokio::test(start_paused = true)]
    async fn a_caller_waits_no_longer_than_the_timeout() {
        assert_eq!(wait(single_flight()).await, TIMEOUT, "no task does the work");
    }

    #[tokio::test(start_paused = true)]
    async fn a_caller_that_goes_away_does_not_disturb_the_others() {
        let work = single_flight();
        let (gone, stays) = (tokio::spawn(wait(Arc::clone(&work))), tokio::spawn(wait(Arc::clone(&work))));
        work.demanded().await;
        gone.abort();
        work.work_begins();
        work.work_ended();
        assert_eq!(stays.await.unwrap(), Duration::ZERO);
    }
}
