use std::sync::atomic::{AtomicUsize, Ordering};

use futures_util::future::join_all;
use tokio::{
    sync::Semaphore,
    task::JoinHandle,
    time::{sleep, timeout},
};

use super::*;

/// A bound for what does not wait for anything.
const SOON: Duration = Duration::from_secs(5);

/// Remembers the batches, and executes nothing without a permit.
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

impl Batchable for Number {
    type Output = u32;
    type Store = Arc<Store>;

    fn compatible_with(&self, other: &Self) -> bool {
        self.0 != other.0
    }

    async fn execute_batch(store: &Arc<Store>, requests: &[Self]) -> Result<Outcomes<u32>, RepositoryError> {
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

    async fn execute_single(self, store: &Arc<Store>) -> Result<u32, RepositoryError> {
        store.alone.fetch_add(1, Ordering::Relaxed);
        store.permits.acquire().await.unwrap().forget();
        Ok(self.0 * 2)
    }
}

fn batcher() -> Batcher<Number> {
    let (batches, alone) = (Mutex::default(), AtomicUsize::new(0));
    Batcher::new(Arc::new(Store { batches, alone, permits: Semaphore::new(0) }))
}

impl Batcher<Number> {
    fn asks(&self, number: u32) -> JoinHandle<Result<u32, RepositoryError>> {
        let batcher = self.clone();
        tokio::spawn(async move { batcher.execute(Number(number)).await })
    }

    /// Asks for 0, and for the numbers while that is executed; then all may go on.
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
async fn a_single_request_has_a_statement_of_its_own() {
    let batcher = batcher();
    batcher.store.permits.add_permits(3);
    for number in 1..=3 {
        assert_eq!(batcher.execute(Number(number)).await.unwrap(), number * 2);
    }
    assert!(batcher.batches().is_empty());
    assert!(batcher.shared.lock().is_at_rest());
}

#[tokio::test(start_paused = true)]
async fn requests_that_come_meanwhile_share_a_statement_and_each_gets_its_own_answer() {
    let batcher = batcher();
    let answers = batcher.asked_at_once(&[5, 6, 7]).await;
    assert_eq!(numbers(answers), [10, 12, 14]);
    assert_eq!(batcher.batches(), [[5, 6, 7]]);
    tokio::task::yield_now().await;
    assert!(batcher.shared.lock().is_at_rest());
}

#[tokio::test(start_paused = true)]
async fn a_batch_has_no_more_requests_than_a_statement_may_serve() {
    let batcher = batcher();
    let asked: Vec<u32> = (0..150).collect();
    let answers = numbers(batcher.asked_at_once(&asked).await);
    assert!(answers.iter().zip(&asked).all(|(answer, asked)| *answer == asked * 2));
    let sizes: Vec<_> = batcher.batches().iter().map(Vec::len).collect();
    assert_eq!(sizes, [AT_MOST, AT_MOST, 150 - 2 * AT_MOST]);
}

#[tokio::test(start_paused = true)]
async fn incompatible_requests_are_executed_one_after_the_other_in_their_order() {
    let batcher = batcher();
    let answers = batcher.asked_at_once(&[5, 5, 6, 5]).await;
    assert_eq!(numbers(answers), [10, 10, 12, 10]);
    assert_eq!(batcher.batches(), [vec![5, 6], vec![5], vec![5]]);
}

#[tokio::test(start_paused = true)]
async fn a_request_that_a_batch_leaves_out_is_executed_alone_and_a_fault_fails_one_only() {
    let batcher = batcher();
    let answers = batcher.asked_at_once(&[5, SHY, WRONG, 6]).await;
    assert!(matches!(answers[2], Err(RepositoryError::UnknownUser)));
    let fine: Vec<_> = answers.into_iter().filter_map(Result::ok).collect();
    assert_eq!(fine, [10, SHY * 2, 12]);
    assert_eq!(batcher.store.alone.load(Ordering::Relaxed), 2, "the first one and the shy one");
}

#[tokio::test(start_paused = true)]
async fn a_failed_statement_fails_its_batch_and_the_next_one_is_executed() {
    let batcher = batcher();
    for trouble in [FATAL, PANIC] {
        for answer in batcher.asked_at_once(&[5, trouble, 6]).await {
            assert!(matches!(answer, Err(RepositoryError::Unavailable(_))), "{answer:?}");
        }
    }
    assert_eq!(numbers(batcher.asked_at_once(&[5, 6]).await), [10, 12]);
}

#[tokio::test(start_paused = true)]
async fn a_request_whose_caller_has_gone_is_not_executed() {
    let batcher = batcher();
    let first = batcher.asks(0);
    tokio::task::yield_now().await;
    let (gone, stays) = (batcher.asks(5), batcher.asks(6));
    tokio::task::yield_now().await;
    gone.abort();
    tokio::task::yield_now().await;
    batcher.store.permits.add_permits(2);
    first.await.unwrap().unwrap();
    assert_eq!(stays.await.unwrap().unwrap(), 12);
    assert_eq!(batcher.batches(), [[6]]);
}

#[tokio::test(start_paused = true)]
async fn a_caller_that_goes_while_its_request_is_executed_lets_the_others_go_on() {
    let batcher = batcher();
    let first = batcher.asks(0);
    tokio::task::yield_now().await;
    let second = batcher.asks(5);
    tokio::task::yield_now().await;
    batcher.store.permits.add_permits(1);
    first.abort();
    assert_eq!(timeout(SOON, second).await.unwrap().unwrap().unwrap(), 10);
}

#[tokio::test(start_paused = true)]
async fn a_slow_single_request_holds_up_no_other() {
    let batcher = batcher();
    let slow = batcher.asks(0);
    tokio::task::yield_now().await;
    let second = batcher.asks(5);
    sleep(PATIENCE * 3).await;
    assert_eq!(batcher.batches(), [[5]], "it is executed while the first one still is");
    batcher.store.permits.add_permits(2);
    assert_eq!((slow.await.unwrap().unwrap(), second.await.unwrap().unwrap()), (0, 10));
}

#[tokio::test(start_paused = true)]
async fn a_slow_batch_holds_up_no_other_request() {
    let batcher = batcher();
    let first = batcher.asks(0);
    tokio::task::yield_now().await;
    let (second, third) = (batcher.asks(5), batcher.asks(6));
    tokio::task::yield_now().await;
    batcher.store.permits.add_permits(1);
    first.await.unwrap().unwrap();
    tokio::task::yield_now().await;
    let later = batcher.asks(7);
    sleep(BATCH_PATIENCE * 3).await;
    assert_eq!(batcher.batches(), [vec![5, 6], vec![7]], "it is executed while the others still are");
    batcher.store.permits.add_permits(2);
    for (asked, answer) in [(second, 10), (third, 12), (later, 14)] {
        assert_eq!(asked.await.unwrap().unwrap(), answer);
    }
}

/// Two batchers that are joined, and a first request of the first one, which is being executed.
async fn joined() -> [Batcher<Number>; 2] {
    let first = batcher();
    let second = first.join(Arc::clone(&first.store));
    first.asks(0);
    tokio::task::yield_now().await;
    [first, second]
}

#[tokio::test(start_paused = true)]
async fn few_requests_of_several_lanes_share_a_statement() {
    let [first, second] = joined().await;
    let asked = [first.asks(5), second.asks(6), first.asks(7)];
    tokio::task::yield_now().await;
    first.store.permits.add_permits(2);
    let answers = timeout(SOON, join_all(asked)).await.unwrap();
    assert_eq!(numbers(answers.into_iter().map(Result::unwrap).collect()), [10, 12, 14]);
    assert_eq!(first.batches(), [[6, 5, 7]], "the others have waited for this lane");
}

#[tokio::test(start_paused = true)]
async fn a_lane_with_enough_requests_does_not_wait_for_another_one() {
    let [first, second] = joined().await;
    let numbers: Vec<_> = (1..=20).collect();
    let asked: Vec<_> = numbers.iter().map(|number| second.asks(*number)).collect();
    let of_first = first.asks(50);
    tokio::task::yield_now().await;
    assert_eq!(first.batches(), [&numbers[..ENOUGH]], "the first one is still being executed");
    first.store.permits.add_permits(100);
    timeout(SOON, join_all(asked)).await.unwrap();
    timeout(SOON, of_first).await.unwrap().unwrap().unwrap();
    tokio::task::yield_now().await;
    assert!(first.shared.lock().is_at_rest());
}

#[tokio::test(start_paused = true)]
async fn no_request_is_left_behind_however_busy_the_other_lanes_are() {
    let lanes = joined().await;
    let lanes = [lanes[0].clone(), lanes[1].clone(), lanes[0].join(Arc::clone(&lanes[0].store))];
    lanes[0].store.permits.add_permits(usize::MAX >> 4);
    let busy: Vec<_> = lanes[..2].iter().flat_map(|lane| (0..40).map(|_| lane.clone())).collect();
    let busy = busy.into_iter().enumerate().map(|(at, lane)| {
        tokio::spawn(async move {
            loop {
                lane.execute(Number(u32::try_from(at).unwrap())).await.unwrap();
                tokio::task::yield_now().await;
            }
        })
    });
    let busy: Vec<_> = busy.collect();
    for _ in 0..100 {
        assert_eq!(timeout(SOON, lanes[2].execute(Number(500))).await.unwrap().unwrap(), 1000);
    }
    for task in busy {
        task.abort();
    }
}

#[test]
#[expect(clippy::async_yields_async, reason = "the test waits for the answer later, and elsewhere")]
fn a_batch_is_executed_on_the_runtime_of_a_request_that_waits() {
    // Neither runtime goes on by itself, so that no patience is at its end before the test says so.
    let runtime = || {
        let mut builder = tokio::runtime::Builder::new_current_thread();
        builder.enable_time().start_paused(true).build().unwrap()
    };
    let (ended, goes_on) = (runtime(), runtime());
    let first = batcher();
    let second = first.join(Arc::clone(&first.store));
    let ask = async |batcher: &Batcher<Number>, number| {
        let asked = batcher.asks(number);
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
