//! Batching: one statement serves requests that come at the same time.
//!
//! A statement costs PostgreSQL and this program about the same whether it serves one request or some twenty: two
//! switches of processes, a message each way, a plan to start, and for a write the wait for the disk. So a request that
//! comes while a statement is under way waits for its end, and then shares the next one with all that came meanwhile.
//! No request waits for a clock: a single one is served at once, and batches grow with the load.
//!
//! Several workers may share a batcher. While there is little to do, one statement at a time serves all of them, so that
//! the requests of few clients meet too. A worker with enough requests for a statement of its own begins one.

#[cfg(test)]
mod tests;

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

/// How long others wait for a single request. It may have to wait for a lock, and they do not.
const PATIENCE: Duration = Duration::from_millis(20);

/// How long others wait for a batch. Most take less.
const BATCH_PATIENCE: Duration = Duration::from_millis(100);

/// The outcome of each request. `None` if nothing was done for it, because it needs a statement of its own.
pub(crate) type Outcomes<T> = Vec<Option<Result<T, RepositoryError>>>;

/// A request that can share a statement with others of its kind.
///
/// Its outcome must not depend on the others: a fault of one fails that one alone, and no request should wait for what
/// another one needs.
pub(crate) trait Batchable: Sized + Send + 'static {
    /// Its outcome.
    type Output: Send + 'static;
    /// What executes it.
    type Store: Clone + Send + Sync + 'static;

    /// Whether one statement can serve both.
    fn compatible_with(&self, other: &Self) -> bool;

    /// Executes all, each one completely or not at all, and returns the outcomes in their order. An error is for all.
    fn execute_batch(
        store: &Self::Store,
        requests: &[Self],
    ) -> impl Future<Output = Result<Outcomes<Self::Output>, RepositoryError>> + Send;

    /// Executes it by a statement of its own.
    fn execute_single(
        self,
        store: &Self::Store,
    ) -> impl Future<Output = Result<Self::Output, RepositoryError>> + Send;
}

/// Collects the requests of one kind into batches. A store is for one runtime; the batchers of several runtimes may be
/// joined, and each of them then has a lane.
pub(crate) struct Batcher<T: Batchable> {
    store: T::Store,
    shared: Shared<T>,
    lane: usize,
}

struct Shared<T: Batchable>(Arc<Mutex<Queue<T>>>);

struct Queue<T: Batchable>(Vec<Lane<T>>);

/// The requests of one runtime.
struct Lane<T: Batchable> {
    /// Whether a statement is under way for it.
    is_served: bool,
    waiting: VecDeque<Waiting<T>>,
}

struct Waiting<T: Batchable> {
    request: T,
    answer: oneshot::Sender<Answer<T>>,
    /// The store and the runtime of its worker. The batch is executed with those of its first request, which last for as
    /// long as that waits for its answer.
    origin: (T::Store, Handle),
}

enum Answer<T: Batchable> {
    Done(Result<T::Output, RepositoryError>),
    Alone(T),
}

enum Admission<T: Batchable> {
    Now(T, Permit<T>),
    Later(oneshot::Receiver<Answer<T>>),
}

impl<T: Batchable> Batcher<T> {
    pub(crate) fn new(store: T::Store) -> Self {
        let shared = Shared(Arc::new(Mutex::new(Queue(Vec::new()))));
        let lane = shared.lock().add_lane();
        Self { store, shared, lane }
    }

    /// Another lane of this batcher, with a store for another runtime.
    pub(crate) fn join(&self, store: T::Store) -> Self {
        let lane = self.shared.lock().add_lane();
        Self { store, shared: self.shared.clone(), lane }
    }

    /// Executes the request, in a batch or alone. If the caller drops this while the request waits, nothing is done.
    pub(crate) async fn execute(&self, request: T) -> Result<T::Output, RepositoryError> {
        match self.enter(request) {
            Admission::Now(request, permit) => {
                // In a box, as below, so that the future of a request in a batch, as most are under load, has no room for it.
                let mut alone = Box::pin(request.execute_single(&self.store));
                if let Ok(outcome) = timeout(PATIENCE, &mut alone).await {
                    return outcome;
                }
                drop(permit);
                alone.await
            }
            Admission::Later(answer) => match answer.await.map_err(|_| forgotten())? {
                Answer::Done(outcome) => outcome,
                Answer::Alone(request) => Box::pin(request.execute_single(&self.store)).await,
            },
        }
    }

    fn enter(&self, request: T) -> Admission<T> {
        let mut queue = self.shared.lock();
        let permit = || Permit { shared: self.shared.clone(), lane: self.lane };
        if queue.is_at_rest() {
            queue.0[self.lane].is_served = true;
            return Admission::Now(request, permit());
        }
        let (answer, receiver) = oneshot::channel();
        let origin = (self.store.clone(), Handle::current());
        let lane = &mut queue.0[self.lane];
        lane.waiting.push_back(Waiting { request, answer, origin });
        if !lane.is_served && lane.waiting.len() >= ENOUGH {
            lane.is_served = true;
            drop(queue);
            // To drop it begins the next batch.
            drop(permit());
        }
        Admission::Later(receiver)
    }
}

impl<T: Batchable> Clone for Batcher<T> {
    fn clone(&self) -> Self {
        Self { store: self.store.clone(), shared: self.shared.clone(), lane: self.lane }
    }
}

impl<T: Batchable> Clone for Shared<T> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl<T: Batchable> Shared<T> {
    fn lock(&self) -> MutexGuard<'_, Queue<T>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<T: Batchable> Queue<T> {
    fn add_lane(&mut self) -> usize {
        self.0.push(Lane { is_served: false, waiting: VecDeque::new() });
        self.0.len() - 1
    }

    fn is_at_rest(&self) -> bool {
        self.0.iter().all(|lane| !lane.is_served)
    }

    /// The next batch, once a lane's statement has ended: the requests of all lanes that have no statement under way,
    /// unless they are few and another lane has one. The last statement to end takes all, so that none is left behind.
    fn next(&mut self, ended: usize) -> Vec<Waiting<T>> {
        self.0[ended].is_served = false;
        let waiting = |lane: &Lane<T>| if lane.is_served { 0 } else { lane.waiting.len() };
        let mut batch = Vec::new();
        if self.is_at_rest() || self.0.iter().map(waiting).sum::<usize>() >= ENOUGH {
            // The lane itself comes last: the others have waited for it, and so the runtimes take turns.
            let (until, after) = self.0.split_at_mut(ended + 1);
            for lane in after.iter_mut().chain(until).filter(|lane| !lane.is_served) {
                lane.take_into(&mut batch);
            }
        }
        self.0[ended].is_served = !batch.is_empty();
        batch
    }
}

impl<T: Batchable> Lane<T> {
    /// Adds the requests that still wait and are compatible with all that are taken.
    fn take_into(&mut self, batch: &mut Vec<Waiting<T>>) {
        let mut left = VecDeque::new();
        while batch.len() < AT_MOST
            && let Some(waiting) = self.waiting.pop_front()
        {
            if waiting.answer.is_closed() {
                continue;
            }
            if batch.iter().all(|taken| taken.request.compatible_with(&waiting.request)) {
                batch.push(waiting);
            } else {
                left.push_back(waiting);
            }
        }
        left.append(&mut self.waiting);
        self.waiting = left;
    }
}

async fn serve<T: Batchable>(store: T::Store, batch: Vec<Waiting<T>>) {
    let (requests, answers): (Vec<_>, Vec<_>) =
        batch.into_iter().map(|waiting| (waiting.request, waiting.answer)).unzip();
    match T::execute_batch(&store, &requests).await {
        Ok(outcomes) => {
            for ((request, answer), outcome) in requests.into_iter().zip(answers).zip(outcomes) {
                // A caller that has gone needs no answer.
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

/// The right to have a statement under way. To drop it begins the next batch.
struct Permit<T: Batchable> {
    shared: Shared<T>,
    lane: usize,
}

impl<T: Batchable> Drop for Permit<T> {
    fn drop(&mut self) {
        let batch = self.shared.lock().next(self.lane);
        let Some(first) = batch.first() else { return };
        let (store, runtime) = first.origin.clone();
        let next = Self { shared: self.shared.clone(), lane: self.lane };
        // A task of its own, so that no caller that was served has to stay for it. If that runtime has ended, the batch is
        // dropped and its callers get an error.
        runtime.spawn(async move {
            let mut served = Box::pin(serve(store, batch));
            // While it waits for a connection or for a lock, others go on beside it.
            if timeout(BATCH_PATIENCE, &mut served).await.is_err() {
                drop(next);
                served.await;
            }
        });
    }
}

/// An error that several requests share.
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
