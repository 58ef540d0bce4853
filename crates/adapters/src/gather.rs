//! Requests that come at the same time, carried out by one statement.
//!
//! A statement costs PostgreSQL and this program about the same whether it serves one request or some twenty: two
//! switches of processes, a message each way, a plan to start, and for a write the wait for the disk. So whoever comes
//! while others are at it waits for them, and is then served together with all who came meanwhile. Nobody waits for a
//! clock: who comes alone is served at once, and the more there is to do, the more is done at a time.

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

/// How long others wait for one that is carried out by itself. It may have to wait for a lock, and they do not.
const PATIENCE: Duration = Duration::from_millis(20);

/// What became of each request; `None` is for one that needs a statement of its own, for which nothing was done.
pub(crate) type Outcomes<T> = Vec<Option<Result<T, RepositoryError>>>;

/// A request that one statement can carry out together with others of its kind.
///
/// What is done for one must not depend on the others: none of them waits for what another one needs, and a fault of one
/// is told to that one alone.
pub(crate) trait Together: Sized + Send + 'static {
    /// What becomes of it.
    type Output: Send + 'static;
    /// By what it is carried out.
    type Store: Send + Sync + 'static;
    /// How many statements may be under way at once.
    const AT_ONCE: usize;

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

/// Gathers the requests of one kind. For one runtime, like the pool that it works with.
pub(crate) struct Gathering<T: Together>(Arc<Shared<T>>);

struct Shared<T: Together> {
    store: T::Store,
    queue: Mutex<Queue<T>>,
}

struct Queue<T: Together> {
    under_way: usize,
    waiting: VecDeque<Waiting<T>>,
}

struct Waiting<T: Together> {
    request: T,
    answer: oneshot::Sender<Answer<T>>,
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
        Self(Arc::new(Shared { store, queue: Mutex::new(Queue { under_way: 0, waiting: VecDeque::new() }) }))
    }

    /// Carries out the request, with others or alone. Where the caller goes away while it waits, nothing is done.
    pub(crate) async fn carry_out(&self, request: T) -> Result<T::Output, RepositoryError> {
        match self.enter(request) {
            Entry::Now(request, turn) => {
                // In a box, as below: those who are served together, which are most under load, carry no room for it.
                let mut alone = Box::pin(request.carry_out_alone(&self.0.store));
                if let Ok(outcome) = timeout(PATIENCE, &mut alone).await {
                    return outcome;
                }
                drop(turn);
                alone.await
            }
            Entry::Later(answer) => match answer.await.map_err(|_| forgotten())? {
                Answer::Done(outcome) => outcome,
                Answer::Alone(request) => Box::pin(request.carry_out_alone(&self.0.store)).await,
            },
        }
    }

    fn enter(&self, request: T) -> Entry<T> {
        let mut queue = self.0.queue();
        if queue.under_way < T::AT_ONCE {
            queue.under_way += 1;
            return Entry::Now(request, Turn(Arc::clone(&self.0)));
        }
        let (answer, receiver) = oneshot::channel();
        queue.waiting.push_back(Waiting { request, answer });
        Entry::Later(receiver)
    }
}

impl<T: Together> Clone for Gathering<T> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl<T: Together> Shared<T> {
    fn queue(&self) -> MutexGuard<'_, Queue<T>> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Those who are served next: the first one who still waits, and who goes with all that are taken already.
    fn next(&self) -> Vec<Waiting<T>> {
        let mut queue = self.queue();
        let mut batch: Vec<Waiting<T>> = Vec::with_capacity(queue.waiting.len().min(AT_MOST));
        let mut left = VecDeque::new();
        while batch.len() < AT_MOST
            && let Some(waiting) = queue.waiting.pop_front()
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
        left.append(&mut queue.waiting);
        queue.waiting = left;
        if batch.is_empty() {
            queue.under_way -= 1;
        }
        batch
    }

    async fn serve(&self, batch: Vec<Waiting<T>>) {
        let (requests, answers): (Vec<_>, Vec<_>) =
            batch.into_iter().map(|waiting| (waiting.request, waiting.answer)).unzip();
        match T::carry_out(&self.store, &requests).await {
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
}

/// The right to have a statement under way. Whoever gives it back lets those who wait go on.
struct Turn<T: Together>(Arc<Shared<T>>);

impl<T: Together> Drop for Turn<T> {
    fn drop(&mut self) {
        let batch = self.0.next();
        if batch.is_empty() {
            return;
        }
        let next = Turn(Arc::clone(&self.0));
        // Without a runtime the program ends, and those who wait hear that nobody serves them.
        if let Ok(runtime) = Handle::try_current() {
            // A task of its own: whoever was served before does not have to stay for it.
            runtime.spawn(async move {
                next.0.serve(batch).await;
                drop(next);
            });
        }
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
        type Store = Store;
        const AT_ONCE: usize = 1;

        fn goes_with(&self, other: &Self) -> bool {
            self.0 != other.0
        }

        async fn carry_out(store: &Store, requests: &[Self]) -> Result<Outcomes<u32>, RepositoryError> {
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

        async fn carry_out_alone(self, store: &Store) -> Result<u32, RepositoryError> {
            store.alone.fetch_add(1, Ordering::Relaxed);
            store.permits.acquire().await.unwrap().forget();
            Ok(self.0 * 2)
        }
    }

    fn gathering() -> Gathering<Number> {
        let (batches, alone) = (Mutex::default(), AtomicUsize::new(0));
        Gathering::new(Store { batches, alone, permits: Semaphore::new(0) })
    }

    impl Gathering<Number> {
        fn asks(&self, number: u32) -> JoinHandle<Result<u32, RepositoryError>> {
            let gathering = self.clone();
            tokio::spawn(async move { gathering.carry_out(Number(number)).await })
        }

        /// A first one, and those who come while it is carried out; then all may go on.
        async fn asked_at_once(&self, numbers: &[u32]) -> Vec<Result<u32, RepositoryError>> {
            self.0.store.permits.forget_permits(usize::MAX);
            let first = self.asks(0);
            tokio::task::yield_now().await;
            let others: Vec<_> = numbers.iter().map(|number| self.asks(*number)).collect();
            tokio::task::yield_now().await;
            self.0.store.permits.add_permits(1000);
            assert_eq!(first.await.unwrap().unwrap(), 0);
            let answers = timeout(SOON, join_all(others)).await.unwrap();
            answers.into_iter().map(Result::unwrap).collect()
        }

        fn batches(&self) -> Vec<Vec<u32>> {
            self.0.store.batches.lock().unwrap().clone()
        }
    }

    fn numbers(answers: Vec<Result<u32, RepositoryError>>) -> Vec<u32> {
        answers.into_iter().map(Result::unwrap).collect()
    }

    #[tokio::test]
    async fn who_comes_alone_is_served_alone() {
        let gathering = gathering();
        gathering.0.store.permits.add_permits(3);
        for number in 1..=3 {
            assert_eq!(gathering.carry_out(Number(number)).await.unwrap(), number * 2);
        }
        assert!(gathering.batches().is_empty());
        assert_eq!(gathering.0.queue().under_way, 0);
    }

    #[tokio::test]
    async fn those_who_come_meanwhile_are_served_together_and_each_gets_its_own() {
        let gathering = gathering();
        let answers = gathering.asked_at_once(&[5, 6, 7]).await;
        assert_eq!(numbers(answers), [10, 12, 14]);
        assert_eq!(gathering.batches(), [[5, 6, 7]]);
        tokio::task::yield_now().await;
        assert_eq!(gathering.0.queue().under_way, 0);
    }

    #[tokio::test]
    async fn no_more_are_served_together_than_one_statement_may_serve() {
        let gathering = gathering();
        let asked: Vec<u32> = (0..150).collect();
        let answers = numbers(gathering.asked_at_once(&asked).await);
        assert!(answers.iter().zip(&asked).all(|(answer, asked)| *answer == asked * 2));
        let sizes: Vec<_> = gathering.batches().iter().map(Vec::len).collect();
        assert_eq!(sizes, [AT_MOST, AT_MOST, 150 - 2 * AT_MOST]);
    }

    #[tokio::test]
    async fn those_who_do_not_go_together_are_served_one_after_the_other_in_their_order() {
        let gathering = gathering();
        let answers = gathering.asked_at_once(&[5, 5, 6, 5]).await;
        assert_eq!(numbers(answers), [10, 10, 12, 10]);
        assert_eq!(gathering.batches(), [vec![5, 6], vec![5], vec![5]]);
    }

    #[tokio::test]
    async fn who_cannot_be_served_together_is_served_alone_and_a_fault_is_told_to_one_only() {
        let gathering = gathering();
        let answers = gathering.asked_at_once(&[5, SHY, WRONG, 6]).await;
        assert!(matches!(answers[2], Err(RepositoryError::UnknownUser)));
        let fine: Vec<_> = answers.into_iter().filter_map(Result::ok).collect();
        assert_eq!(fine, [10, SHY * 2, 12]);
        assert_eq!(gathering.0.store.alone.load(Ordering::Relaxed), 2, "the first one and the shy one");
    }

    #[tokio::test]
    async fn a_failure_of_the_statement_is_told_to_all_and_the_next_are_served() {
        let gathering = gathering();
        for trouble in [FATAL, PANIC] {
            for answer in gathering.asked_at_once(&[5, trouble, 6]).await {
                assert!(matches!(answer, Err(RepositoryError::Unavailable(_))), "{answer:?}");
            }
        }
        assert_eq!(numbers(gathering.asked_at_once(&[5, 6]).await), [10, 12]);
    }

    #[tokio::test]
    async fn who_went_away_is_not_served() {
        let gathering = gathering();
        let first = gathering.asks(0);
        tokio::task::yield_now().await;
        let (gone, stays) = (gathering.asks(5), gathering.asks(6));
        tokio::task::yield_now().await;
        gone.abort();
        tokio::task::yield_now().await;
        gathering.0.store.permits.add_permits(2);
        first.await.unwrap().unwrap();
        assert_eq!(stays.await.unwrap().unwrap(), 12);
        assert_eq!(gathering.batches(), [[6]]);
    }

    #[tokio::test]
    async fn who_goes_away_while_being_served_lets_the_others_go_on() {
        let gathering = gathering();
        let first = gathering.asks(0);
        tokio::task::yield_now().await;
        let second = gathering.asks(5);
        tokio::task::yield_now().await;
        gathering.0.store.permits.add_permits(1);
        first.abort();
        assert_eq!(timeout(SOON, second).await.unwrap().unwrap().unwrap(), 10);
    }

    #[tokio::test]
    async fn one_that_takes_long_by_itself_holds_up_nobody() {
        let gathering = gathering();
        let slow = gathering.asks(0);
        tokio::task::yield_now().await;
        let second = gathering.asks(5);
        sleep(PATIENCE * 3).await;
        assert_eq!(gathering.batches(), [[5]], "it is being served while the first one still is");
        gathering.0.store.permits.add_permits(2);
        assert_eq!((slow.await.unwrap().unwrap(), second.await.unwrap().unwrap()), (0, 10));
    }
}
