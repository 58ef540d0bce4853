//! Requests that come at the same time, carried out by one statement.
//!
//! A statement costs PostgreSQL and this program about the same whether it serves one request or some twenty: two
//! switches of processes, a message each way, a plan to start, and for a write the wait for the disk. So whoever comes
//! while others are at it waits for them, and is then served together with all who came meanwhile. Nobody waits for a
//! clock: who comes alone is served at once, and the more there is to do, the more is done at a time.
//!
//! Several workers may gather together. While there is little to do, one statement at a time serves all of them, so that
//! few clients are gathered too; a worker that has enough for a statement of its own does not wait for the others.

use std::{
    collections::VecDeque,
    future::Future,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use task_domain::RepositoryError;
use tokio::{runtime::Handle, sync::oneshot, time::timeout};

/// How many requests one statement serves at the most.
const AT_MOST: usize = 64;

/// How many waiting requests are worth a statement while there is one under way already.
const ENOUGH: usize = 16;

/// How long others wait for one that is carried out by itself. It may have to wait for a lock, and they do not.
const PATIENCE: Duration = Duration::from_millis(20);

/// How long others wait for a statement of many, which is more than most take.
const TOGETHER_PATIENCE: Duration = Duration::from_millis(100);

/// What became of each request; `None` is for one that needs a statement of its own, for which nothing was done.
pub(crate) type Outcomes<T> = Vec<Option<Result<T, RepositoryError>>>;

/// A request that one statement can carry out together with others of its kind.
///
/// What is done for one must not depend on the others: a fault of one is told to that one alone, and none of them should
/// wait for what another one needs.
pub(crate) trait Together: Sized + Send + 'static {
    /// What becomes of it.
    type Output: Send + 'static;
    /// By what it is carried out.
    type Store: Clone + Send + Sync + 'static;

    /// Whether one statement can serve both.
    fn goes_with(&self, other: &Self) -> bool;

    /// Carries out all, each one completely or not at all, and says in their order what became of them. An
    /// error is for all.
    fn carry_out(
        store: &Self::Store,
        requests: &[Self],
    ) -> impl Future<Output = Result<Outcomes<Self::Output>, RepositoryError>> + Send;

    /// Carries it out by a statement of its own.
    fn carry_out_alone(
        self,
        store: &Self::Store,
    ) -> impl Future<Output = Result<Self::Output, RepositoryError>> + Send;
}

/// Gathers the requests of one kind. A store is for one runtime; the gatherings of several runtimes may be joined, and
/// each of them then has a lane.
pub(crate) struct Gathering<T: Together> {
    store: T::Store,
    shared: Shared<T>,
    lane: usize,
}

struct Shared<T: Together>(Arc<Mutex<Queue<T>>>);

struct Queue<T: Together>(Vec<Lane<T>>);

/// The requests of one runtime.
struct Lane<T: Together> {
    /// Whether a statement is under way for it.
    is_served: bool,
    waiting: VecDeque<Waiting<T>>,
}

struct Waiting<T: Together> {
    request: T,
    answer: oneshot::Sender<Answer<T>>,
    /// Where it came from. The first one that is served lends its store and its runtime, which last for as long as it
    /// waits for its answer.
    origin: (T::Store, Handle),
}

enum Answer<T: Together> {
    Done(Result<T::Output, RepositoryError>),
    Alone(T),
}

enum Entry<T: Together> {
    Now(T, Turn<T>),
    Later(oneshot::Receiver<Answer<T>>),
}

impl<T: Together> Gathering<T> {
    pub(crate) fn new(store: T::Store) -> Self {
        let shared = Shared(Arc::new(Mutex::new(Queue(Vec::new()))));
        let lane = shared.lock().add_lane();
        Self { store, shared, lane }
    }

    /// Another lane of this gathering, with a store for another runtime.
    pub(crate) fn join(&self, store: T::Store) -> Self {
        let lane = self.shared.lock().add_lane();
        Self { store, shared: self.shared.clone(), lane }
    }

    /// Carries out the request, with others or alone. Where the caller goes away while it waits, nothing is done.
    pub(crate) async fn carry_out(&self, request: T) -> Result<T::Output, RepositoryError> {
        match self.enter(request) {
            Entry::Now(request, turn) => {
                // In a box, as below: those who are served together, which are most under load, carry no room for it.
                let mut alone = Box::pin(request.carry_out_alone(&self.store));
                if let Ok(outcome) = timeout(PATIENCE, &mut alone).await {
                    return outcome;
                }
                drop(turn);
                alone.await
            }
            Entry::Later(answer) => match answer.await.map_err(|_| forgotten())? {
                Answer::Done(outcome) => outcome,
                Answer::Alone(request) => Box::pin(request.carry_out_alone(&self.store)).await,
            },
        }
    }

    fn enter(&self, request: T) -> Entry<T> {
        let mut queue = self.shared.lock();
        let turn = || Turn { shared: self.shared.clone(), lane: self.lane };
        if queue.is_at_rest() {
            queue.0[self.lane].is_served = true;
            return Entry::Now(request, turn());
        }
        let (answer, receiver) = oneshot::channel();
        let origin = (self.store.clone(), Handle::current());
        let lane = &mut queue.0[self.lane];
        lane.waiting.push_back(Waiting { request, answer, origin });
        if !lane.is_served && lane.waiting.len() >= ENOUGH {
            lane.is_served = true;
            drop(queue);
            // It is given back at once to the lane itself.
            drop(turn());
        }
        Entry::Later(receiver)
    }
}

impl<T: Together> Clone for Gathering<T> {
    fn clone(&self) -> Self {
        Self { store: self.store.clone(), shared: self.shared.clone(), lane: self.lane }
    }
}

impl<T: Together> Clone for Shared<T> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl<T: Together> Shared<T> {
    fn lock(&self) -> MutexGuard<'_, Queue<T>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<T: Together> Queue<T> {
    fn add_lane(&mut self) -> usize {
        self.0.push(Lane { is_served: false, waiting: VecDeque::new() });
        self.0.len() - 1
    }

    fn is_at_rest(&self) -> bool {
        self.0.iter().all(|lane| !lane.is_served)
    }

    /// Those who are served next in the turn of a lane that was served: those of all lanes that nobody serves, unless
    /// they are few and another statement is under way. Whoever ends the last statement takes all, so that nobody is
    /// left behind.
    fn next(&mut self, ended: usize) -> Vec<Waiting<T>> {
        self.0[ended].is_served = false;
        let waiting = |lane: &Lane<T>| if lane.is_served { 0 } else { lane.waiting.len() };
        let mut batch = Vec::new();
        if self.is_at_rest() || self.0.iter().map(waiting).sum::<usize>() >= ENOUGH {
            // The lane itself comes last: the others have waited for it, and the work goes around among the runtimes.
            let (until, after) = self.0.split_at_mut(ended + 1);
            for lane in after.iter_mut().chain(until).filter(|lane| !lane.is_served) {
                lane.take_into(&mut batch);
            }
        }
        self.0[ended].is_served = !batch.is_empty();
        batch
    }
}

impl<T: Together> Lane<T> {
    /// Adds those who still wait, and who go with all that are taken already.
    fn take_into(&mut self, batch: &mut Vec<Waiting<T>>) {
        let mut left = VecDeque::new();
        while batch.len() < AT_MOST
            && let Some(waiting) = self.waiting.pop_front()
        {
            if waiting.answer.is_closed() {
                continue;
            }
            if batch.iter().all(|taken| taken.request.goes_with(&waiting.request)) {
                batch.push(waiting);
            } else {
                left.push_back(waiting);
            }
        }
        left.append(&mut self.waiting);
        self.waiting = left;
    }
}

async fn serve<T: Together>(store: T::Store, batch: Vec<Waiting<T>>) {
    let (requests, answers): (Vec<_>, Vec<_>) =
        batch.into_iter().map(|waiting| (waiting.request, waiting.answer)).unzip();
    match T::carry_out(&store, &requests).await {
        Ok(outcomes) => {
            for ((request, answer), outcome) in requests.into_iter().zip(answers).zip(outcomes) {
                // Whoever does not wait any more does not need to know.
                let _ = answer.send(outcome.map_or(Answer::Alone(request), Answer::Done));
            }
        }
        Err(error) => {
            let error = Arc::new(error);
            for answer in answers {
                let _ = answer.send(Answer::Done(Err(of_all(&error))));
            }
        }
    }
}

/// The right to have a statement under way. Whoever gives it back lets those who wait go on.
struct Turn<T: Together> {
    shared: Shared<T>,
    lane: usize,
}

impl<T: Together> Drop for Turn<T> {
    fn drop(&mut self) {
        let batch = self.shared.lock().next(self.lane);
        let Some(first) = batch.first() else { return };
        let (store, runtime) = first.origin.clone();
        let next = Self { shared: self.shared.clone(), lane: self.lane };
        // A task of its own: nobody who was served before has to stay for it. Where that runtime is at its end, those
        // who wait hear that nobody serves them.
        runtime.spawn(async move {
            let mut served = Box::pin(serve(store, batch));
            // Where it waits for a connection or for a lock, others go on beside it.
            if timeout(TOGETHER_PATIENCE, &mut served).await.is_err() {
                drop(next);
                served.await;
            }
        });
    }
}

/// An error that several are told.
#[derive(Clone, Debug, thiserror::Error)]
#[error(transparent)]
struct OfAll(Arc<RepositoryError>);

fn of_all(error: &Arc<RepositoryError>) -> RepositoryError {
    let cause = Box::new(OfAll(Arc::clone(error)));
    match **error {
        RepositoryError::Unavailable(_) => RepositoryError::Unavailable(cause),
        RepositoryError::Overloaded => RepositoryError::Overloaded,
        RepositoryError::UnknownUser | RepositoryError::Unexpected(_) => RepositoryError::Unexpected(cause),
    }
}

/// The task that served the request ended before it did: a panic, or the program stops.
fn forgotten() -> RepositoryError {
    RepositoryError::Unavailable("the statement of several requests did not come to its end".into())
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use futures_util::future::join_all;
    use tokio::{
        sync::Semaphore,
        task::JoinHandle,
        time::{sleep, timeout},
    };

    use super::*;

    /// How long something may take that does not wait for anything.
    const SOON: Duration = Duration::from_secs(5);

    /// Remembers which numbers were served together, and lets nobody be served without a permit.
    struct Store {
        batches: Mutex<Vec<Vec<u32>>>,
        alone: AtomicUsize,
        permits: Semaphore,
    }

    /// A number, which comes back doubled.
    struct Number(u32);

    /// Needs a statement of its own.
    const SHY: u32 = 1000;
    /// Is refused by itself.
    const WRONG: u32 = 1001;
    /// Makes the statement of all fail.
    const FATAL: u32 = 1002;
    /// Makes it panic.
    const PANIC: u32 = 1003;

    impl Together for Number {
        type Output = u32;
        type Store = Arc<Store>;

        fn goes_with(&self, other: &Self) -> bool {
            self.0 != other.0
        }

        async fn carry_out(store: &Arc<Store>, requests: &[Self]) -> Result<Outcomes<u32>, RepositoryError> {
            let numbers: Vec<_> = requests.iter().map(|number| number.0).collect();
            store.batches.lock().unwrap().push(numbers.clone());
            store.permits.acquire().await.unwrap().forget();
            assert!(!numbers.contains(&PANIC), "it was asked to");
            if numbers.contains(&FATAL) {
                return Err(RepositoryError::Unavailable("gone".into()));
            }
            let outcome = |number| match number {
                SHY => None,
                WRONG => Some(Err(RepositoryError::UnknownUser)),
                number => Some(Ok(number * 2)),
            };
            Ok(numbers.into_iter().map(outcome).collect())
        }

        async fn carry_out_alone(self, store: &Arc<Store>) -> Result<u32, RepositoryError> {
            store.alone.fetch_add(1, Ordering::Relaxed);
            store.permits.acquire().await.unwrap().forget();
            Ok(self.0 * 2)
        }
    }

    fn gathering() -> Gathering<Number> {
        let (batches, alone) = (Mutex::default(), AtomicUsize::new(0));
        Gathering::new(Arc::new(Store { batches, alone, permits: Semaphore::new(0) }))
    }

    impl Gathering<Number> {
        fn asks(&self, number: u32) -> JoinHandle<Result<u32, RepositoryError>> {
            let gathering = self.clone();
            tokio::spawn(async move { gathering.carry_out(Number(number)).await })
        }

        /// A first one, and those who come while it is carried out; then all may go on.
        async fn asked_at_once(&self, numbers: &[u32]) -> Vec<Result<u32, RepositoryError>> {
            self.store.permits.forget_permits(usize::MAX);
            let first = self.asks(0);
            tokio::task::yield_now().await;
            let others: Vec<_> = numbers.iter().map(|number| self.asks(*number)).collect();
            tokio::task::yield_now().await;
            self.store.permits.add_permits(1000);
            assert_eq!(first.await.unwrap().unwrap(), 0);
            let answers = timeout(SOON, join_all(others)).await.unwrap();
            answers.into_iter().map(Result::unwrap).collect()
        }

        fn batches(&self) -> Vec<Vec<u32>> {
            self.store.batches.lock().unwrap().clone()
        }
    }

    fn numbers(answers: Vec<Result<u32, RepositoryError>>) -> Vec<u32> {
        answers.into_iter().map(Result::unwrap).collect()
    }

    #[tokio::test(start_paused = true)]
    async fn who_comes_alone_is_served_alone() {
        let gathering = gathering();
        gathering.store.permits.add_permits(3);
        for number in 1..=3 {
            assert_eq!(gathering.carry_out(Number(number)).await.unwrap(), number * 2);
        }
        assert!(gathering.batches().is_empty());
        assert!(gathering.shared.lock().is_at_rest());
    }

    #[tokio::test(start_paused = true)]
    async fn those_who_come_meanwhile_are_served_together_and_each_gets_its_own() {
        let gathering = gathering();
        let answers = gathering.asked_at_once(&[5, 6, 7]).await;
        assert_eq!(numbers(answers), [10, 12, 14]);
        assert_eq!(gathering.batches(), [[5, 6, 7]]);
        tokio::task::yield_now().await;
        assert!(gathering.shared.lock().is_at_rest());
    }

    #[tokio::test(start_paused = true)]
    async fn no_more_are_served_together_than_one_statement_may_serve() {
        let gathering = gathering();
        let asked: Vec<u32> = (0..150).collect();
        let answers = numbers(gathering.asked_at_once(&asked).await);
        assert!(answers.iter().zip(&asked).all(|(answer, asked)| *answer == asked * 2));
        let sizes: Vec<_> = gathering.batches().iter().map(Vec::len).collect();
        assert_eq!(sizes, [AT_MOST, AT_MOST, 150 - 2 * AT_MOST]);
    }

    #[tokio::test(start_paused = true)]
    async fn those_who_do_not_go_together_are_served_one_after_the_other_in_their_order() {
        let gathering = gathering();
        let answers = gathering.asked_at_once(&[5, 5, 6, 5]).await;
        assert_eq!(numbers(answers), [10, 10, 12, 10]);
        assert_eq!(gathering.batches(), [vec![5, 6], vec![5], vec![5]]);
    }

    #[tokio::test(start_paused = true)]
    async fn who_cannot_be_served_together_is_served_alone_and_a_fault_is_told_to_one_only() {
        let gathering = gathering();
        let answers = gathering.asked_at_once(&[5, SHY, WRONG, 6]).await;
        assert!(matches!(answers[2], Err(RepositoryError::UnknownUser)));
        let fine: Vec<_> = answers.into_iter().filter_map(Result::ok).collect();
        assert_eq!(fine, [10, SHY * 2, 12]);
        assert_eq!(gathering.store.alone.load(Ordering::Relaxed), 2, "the first one and the shy one");
    }

    #[tokio::test(start_paused = true)]
    async fn a_failure_of_the_statement_is_told_to_all_and_the_next_are_served() {
        let gathering = gathering();
        for trouble in [FATAL, PANIC] {
            for answer in gathering.asked_at_once(&[5, trouble, 6]).await {
                assert!(matches!(answer, Err(RepositoryError::Unavailable(_))), "{answer:?}");
            }
        }
        assert_eq!(numbers(gathering.asked_at_once(&[5, 6]).await), [10, 12]);
    }

    #[tokio::test(start_paused = true)]
    async fn who_went_away_is_not_served() {
        let gathering = gathering();
        let first = gathering.asks(0);
        tokio::task::yield_now().await;
        let (gone, stays) = (gathering.asks(5), gathering.asks(6));
        tokio::task::yield_now().await;
        gone.abort();
        tokio::task::yield_now().await;
        gathering.store.permits.add_permits(2);
        first.await.unwrap().unwrap();
        assert_eq!(stays.await.unwrap().unwrap(), 12);
        assert_eq!(gathering.batches(), [[6]]);
    }

    #[tokio::test(start_paused = true)]
    async fn who_goes_away_while_being_served_lets_the_others_go_on() {
        let gathering = gathering();
        let first = gathering.asks(0);
        tokio::task::yield_now().await;
        let second = gathering.asks(5);
        tokio::task::yield_now().await;
        gathering.store.permits.add_permits(1);
        first.abort();
        assert_eq!(timeout(SOON, second).await.unwrap().unwrap().unwrap(), 10);
    }

    #[tokio::test(start_paused = true)]
    async fn one_that_takes_long_by_itself_holds_up_nobody() {
        let gathering = gathering();
        let slow = gathering.asks(0);
        tokio::task::yield_now().await;
        let second = gathering.asks(5);
        sleep(PATIENCE * 3).await;
        assert_eq!(gathering.batches(), [[5]], "it is being served while the first one still is");
        gathering.store.permits.add_permits(2);
        assert_eq!((slow.await.unwrap().unwrap(), second.await.unwrap().unwrap()), (0, 10));
    }

    #[tokio::test(start_paused = true)]
    async fn many_that_take_long_together_hold_up_nobody() {
        let gathering = gathering();
        let first = gathering.asks(0);
        tokio::task::yield_now().await;
        let (second, third) = (gathering.asks(5), gathering.asks(6));
        tokio::task::yield_now().await;
        gathering.store.permits.add_permits(1);
        first.await.unwrap().unwrap();
        tokio::task::yield_now().await;
        let later = gathering.asks(7);
        sleep(TOGETHER_PATIENCE * 3).await;
        assert_eq!(
            gathering.batches(),
            [vec![5, 6], vec![7]],
            "it is being served while the others still are"
        );
        gathering.store.permits.add_permits(2);
        for (asked, answer) in [(second, 10), (third, 12), (later, 14)] {
            assert_eq!(asked.await.unwrap().unwrap(), answer);
        }
    }

    /// Two gatherings that are joined, and a first request of the first one, which is being served.
    async fn joined() -> [Gathering<Number>; 2] {
        let first = gathering();
        let second = first.join(Arc::clone(&first.store));
        first.asks(0);
        tokio::task::yield_now().await;
        [first, second]
    }

    #[tokio::test(start_paused = true)]
    async fn the_few_of_several_lanes_are_served_together() {
        let [first, second] = joined().await;
        let asked = [first.asks(5), second.asks(6), first.asks(7)];
        tokio::task::yield_now().await;
        first.store.permits.add_permits(2);
        let answers = timeout(SOON, join_all(asked)).await.unwrap();
        assert_eq!(numbers(answers.into_iter().map(Result::unwrap).collect()), [10, 12, 14]);
        assert_eq!(first.batches(), [[6, 5, 7]], "the others have waited for this lane");
    }

    #[tokio::test(start_paused = true)]
    async fn a_lane_with_enough_to_do_does_not_wait_for_another_one() {
        let [first, second] = joined().await;
        let numbers: Vec<_> = (1..=20).collect();
        let asked: Vec<_> = numbers.iter().map(|number| second.asks(*number)).collect();
        let of_first = first.asks(50);
        tokio::task::yield_now().await;
        assert_eq!(first.batches(), [&numbers[..ENOUGH]], "the first one is still being served");
        first.store.permits.add_permits(100);
        timeout(SOON, join_all(asked)).await.unwrap();
        timeout(SOON, of_first).await.unwrap().unwrap().unwrap();
        tokio::task::yield_now().await;
        assert!(first.shared.lock().is_at_rest());
    }

    #[tokio::test(start_paused = true)]
    async fn nobody_is_left_behind_however_busy_the_other_lanes_are() {
        let lanes = joined().await;
        let lanes = [lanes[0].clone(), lanes[1].clone(), lanes[0].join(Arc::clone(&lanes[0].store))];
        lanes[0].store.permits.add_permits(usize::MAX >> 4);
        let busy: Vec<_> = lanes[..2].iter().flat_map(|lane| (0..40).map(|_| lane.clone())).collect();
        let busy = busy.into_iter().enumerate().map(|(at, lane)| {
            tokio::spawn(async move {
                loop {
                    lane.carry_out(Number(u32::try_from(at).unwrap())).await.unwrap();
                    tokio::task::yield_now().await;
                }
            })
        });
        let busy: Vec<_> = busy.collect();
        for _ in 0..100 {
            assert_eq!(timeout(SOON, lanes[2].carry_out(Number(500))).await.unwrap().unwrap(), 1000);
        }
        for task in busy {
            task.abort();
        }
    }

    #[test]
    fn a_request_that_is_served_with_others_is_served_on_the_runtime_of_one_that_waits() {
        // Neither runtime goes on by itself, so that no patience is at its end before the test says so.
        let runtime = || {
            let mut builder = tokio::runtime::Builder::new_current_thread();
            builder.enable_time().start_paused(true).build().unwrap()
        };
        let (ended, goes_on) = (runtime(), runtime());
        let first = gathering();
        let second = first.join(Arc::clone(&first.store));
        let ask = async |gathering: &Gathering<Number>, number| {
            let asked = gathering.asks(number);
            tokio::task::yield_now().await;
            asked
        };
        let alone = ended.block_on(ask(&first, 0));
        assert!(!first.shared.lock().is_at_rest());
        let waits = goes_on.block_on(ask(&second, 5));
        assert_eq!(second.shared.lock().0[1].waiting.len(), 1);
        first.store.permits.add_permits(1);
        ended.block_on(alone).unwrap().unwrap();
        drop(ended);
        second.store.permits.add_permits(1);
        assert_eq!(goes_on.block_on(waits).unwrap().unwrap(), 10);
        assert_eq!(first.batches(), [[5]]);
    }
}
