//! `IdempotencyStore`: a write and its receipt are both stored or neither is, and that once for each key.

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use diesel_async::SimpleAsyncConnection;
use futures_util::future::{join, join_all};
use task_adapters::{
    Database, PgIdempotencyStore, PgPool, PoolOptions,
    testing::{Proxy, pool_options, until},
};
use task_domain::{
    Expectation, Fingerprint, IdempotencyKey, IdempotencyStore, IdempotentRequest, Receipt, ReceiptWriter,
    Replay, RepositoryError, Task, TaskCommand, TaskOutcome, TaskRepository, UserId, Version,
    testing::{new_task, task_id, user},
};

use crate::support::{
    HELD_UP, OneByOne, Store, changes, new_task_with, next, session, toggle, unavailable, unexpected,
};

/// Whether the connections of `Fixture::once` are in a transaction, and what they say.
const CONNECTIONS: &str = "pg_stat_activity WHERE application_name = 'once' AND datname = current_database()";

struct Fixture {
    // Before the store, so that its connections are closed when that is dropped.
    once: Arc<PgIdempotencyStore>,
    store: Store,
}

impl Fixture {
    async fn new() -> Self {
        Self::with(pool_options()).await
    }

    async fn with(options: PoolOptions) -> Self {
        let store = Store::new().await;
        Self { once: once(store.db.url(), options), store }
    }

    /// Whose connections lead over a proxy.
    async fn behind_proxy(options: PoolOptions) -> (Self, Proxy) {
        let store = Store::new().await;
        let proxy = store.db.proxy().await;
        (Self { once: once(proxy.url(), options), store }, proxy)
    }

    /// Carries out a command of ada's.
    async fn run(
        &self,
        request: &IdempotentRequest,
        command: TaskCommand,
    ) -> Result<Replay, RepositoryError> {
        self.once.execute_once(&self.store.ada, request, command, IN_WORDS).await
    }

    async fn recall(&self, request: &IdempotentRequest) -> Option<Replay> {
        self.once.recall(&self.store.ada, request).await.unwrap()
    }

    /// All that is stored of all keys.
    async fn keys(&self) -> Vec<String> {
        self.store
            .db
            .lines("SELECT keys::text AS line FROM idempotency_keys AS keys ORDER BY user_id, key")
            .await
    }

    /// All that is stored of all keys and tasks.
    async fn contents(&self) -> (Vec<String>, Vec<String>) {
        (self.keys().await, self.store.contents().await)
    }

    /// Sets back when the keys were used.
    async fn age_keys(&self, interval: &str) {
        let set_back = format!("UPDATE idempotency_keys SET created_at = now() - interval '{interval}'");
        self.store.db.execute(&set_back).await;
    }

    /// Stores keys of ada's, "1" to `count`, the greatest number used first: `hours` and as many minutes ago.
    async fn insert_keys(&self, count: u16, hours: u16) {
        self.store
            .db
            .execute(&format!(
                "INSERT INTO idempotency_keys (user_id, key, fingerprint, receipt, created_at)
                 SELECT 'ada', n, sha256(''), '', now() - interval '{hours} hours' - n * interval '1 minute'
                 FROM generate_series(1, {count}) AS n"
            ))
            .await;
    }

    /// Waits until a statement of these words is held up.
    async fn until_held_up(&self, words: &str) {
        let sql =
            format!("SELECT pid::text AS line FROM {CONNECTIONS} AND {HELD_UP} AND query LIKE '%{words}%'");
        until(words, async || !self.store.db.lines(&sql).await.is_empty()).await;
    }

    /// Ends the connections that are busy with something.
    async fn terminate_busy(&self) {
        let terminate = format!(
            "SELECT pg_terminate_backend(pid, 10000)::text AS line FROM {CONNECTIONS} AND state = 'active'"
        );
        assert_eq!(self.store.db.lines(&terminate).await, ["true"]);
    }

    /// Waits until no connection is in a transaction.
    async fn until_no_transaction(&self) {
        let sql =
            format!("SELECT concat_ws(' ', state, query) AS line FROM {CONNECTIONS} AND state <> 'idle'");
        until("no transaction is open", async || self.store.db.lines(&sql).await.is_empty()).await;
    }

    /// Makes every receipt that is stored call that.
    async fn on_receipt(&self, call: &str) {
        self.store
            .db
            .execute(&format!(
                "CREATE OR REPLACE FUNCTION disturb() RETURNS trigger LANGUAGE plpgsql AS $$
                 BEGIN PERFORM {call}; RETURN NEW; END $$;
                 CREATE OR REPLACE TRIGGER disturb BEFORE UPDATE ON idempotency_keys
                 FOR EACH ROW EXECUTE FUNCTION disturb()"
            ))
            .await;
    }
}

fn once(url: &str, options: PoolOptions) -> Arc<PgIdempotencyStore> {
    let database = Database::parse(&format!("{url}&application_name=once")).unwrap();
    Arc::new(PgIdempotencyStore::new(Arc::new(PgPool::new(&database, options).unwrap())))
}

/// A pool of one connection.
fn one() -> PoolOptions {
    PoolOptions { max: 1, ..pool_options() }
}

/// A receipt that says everything of its outcome.
const IN_WORDS: ReceiptWriter = ReceiptWriter(in_words);

fn in_words(outcome: &TaskOutcome) -> Receipt {
    Receipt(format!("{outcome:?}\0\u{ff}").into_bytes())
}

/// A request of that key, always for the same thing.
fn request(key: &str) -> IdempotentRequest {
    IdempotentRequest { key: IdempotencyKey::parse(key).unwrap(), fingerprint: Fingerprint([7; 32]) }
}

/// A request of that key for something else.
fn other_request(key: &str) -> IdempotentRequest {
    let mut fingerprint = [7; 32];
    fingerprint[31] = 8;
    IdempotentRequest { fingerprint: Fingerprint(fingerprint), ..request(key) }
}

fn create(title: &str) -> TaskCommand {
    TaskCommand::Create(new_task(title))
}

fn receipt(once: &Replay) -> &Receipt {
    match once {
        Replay::First(receipt) | Replay::Again(receipt) => receipt,
        other => panic!("no receipt: {other:?}"),
    }
}

#[tokio::test]
async fn a_repeated_request_is_answered_as_the_first_one_and_does_nothing() {
    let fixture = Fixture::new().await;
    let first = fixture.run(&request("k"), create("t")).await.unwrap();
    let tasks = fixture.store.all(&fixture.store.ada).await;
    assert_eq!(first, Replay::First(in_words(&TaskOutcome::Created(tasks[0].clone()))));
    assert_eq!(tasks.len(), 1);

    let contents = fixture.contents().await;
    // The answer is the first one's, whatever has become of the task, and whatever command comes with it.
    for command in [create("t"), create("other"), toggle(tasks[0].id)] {
        let again = fixture.run(&request("k"), command).await.unwrap();
        assert_eq!(again, Replay::Again(receipt(&first).clone()));
    }
    assert_eq!(fixture.recall(&request("k")).await, Some(Replay::Again(receipt(&first).clone())));
    assert_eq!(fixture.contents().await, contents);
    fixture.store.tasks.delete(&fixture.store.ada, tasks[0].id).await.unwrap();
    assert_eq!(receipt(&fixture.run(&request("k"), create("t")).await.unwrap()), receipt(&first));
    assert_eq!(fixture.store.contents().await, [""; 0]);
}

#[tokio::test]
async fn another_request_of_the_same_key_is_a_mismatch_and_does_nothing() {
    let fixture = Fixture::new().await;
    fixture.run(&request("k"), create("t")).await.unwrap();
    let contents = fixture.contents().await;
    assert_eq!(fixture.run(&other_request("k"), create("u")).await.unwrap(), Replay::Mismatch);
    assert_eq!(fixture.recall(&other_request("k")).await, Some(Replay::Mismatch));
    assert_eq!(fixture.contents().await, contents);
    assert!(matches!(fixture.run(&request("k"), create("t")).await.unwrap(), Replay::Again(_)));
}

#[tokio::test]
async fn the_receipt_is_what_the_writer_made_of_the_outcome_of_each_kind() {
    let fixture = Fixture::new().await;
    let ada = &fixture.store.ada;
    let task = fixture.store.tasks.create(ada, new_task_with("t", "d")).await.unwrap();
    let (id, stale) = (task.id, Expectation::OneOf(vec![Version::new(99).unwrap()]));
    let current = |task: &Task| Expectation::OneOf(vec![task.version]);

    let created = fixture.run(&request("create"), create("u")).await.unwrap();
    let new = fixture.store.tasks.find(ada, task_id(id.get() + 1)).await.unwrap().unwrap();
    assert_eq!(created, Replay::First(in_words(&TaskOutcome::Created(new))));

    let command = TaskCommand::Update { id, expected: current(&task), changes: changes(Some("new"), None) };
    let updated = fixture.run(&request("update"), command).await.unwrap();
    let task = fixture.store.tasks.find(ada, id).await.unwrap().unwrap();
    assert_eq!((task.title.as_str(), task.version), ("new", next(Version::FIRST)));
    assert_eq!(updated, Replay::First(in_words(&TaskOutcome::Updated(task.clone()))));

    let toggled = fixture.run(&request("toggle"), toggle(id)).await.unwrap();
    let task = fixture.store.tasks.find(ada, id).await.unwrap().unwrap();
    assert!(task.is_completed());
    assert_eq!(toggled, Replay::First(in_words(&TaskOutcome::Updated(task.clone()))));

    let unexpected =
        fixture.run(&request("stale"), TaskCommand::Toggle { id, expected: stale }).await.unwrap();
    assert_eq!(unexpected, Replay::First(in_words(&TaskOutcome::VersionMismatch(task.clone()))));

    let command = TaskCommand::Delete { id, expected: current(&task) };
    let deleted = fixture.run(&request("delete"), command).await.unwrap();
    assert_eq!(deleted, Replay::First(in_words(&TaskOutcome::Deleted)));
    let gone = fixture.run(&request("gone"), toggle(id)).await.unwrap();
    assert_eq!(gone, Replay::First(in_words(&TaskOutcome::NotFound)));

    let contents = fixture.contents().await;
    assert_eq!(contents.0.len(), 6);
    for (key, first) in [
        ("create", created),
        ("update", updated),
        ("toggle", toggled),
        ("stale", unexpected),
        ("delete", deleted),
        ("gone", gone),
    ] {
        let again = fixture.run(&request(key), create("again")).await.unwrap();
        assert_eq!(again, Replay::Again(receipt(&first).clone()), "{key}");
    }
    assert_eq!(fixture.contents().await, contents);
}

#[tokio::test]
async fn a_key_that_was_never_used_is_not_recalled_and_recalling_writes_nothing() {
    let fixture = Fixture::new().await;
    fixture.run(&request("used"), create("t")).await.unwrap();
    let contents = fixture.contents().await;
    let read_only =
        format!("ALTER DATABASE {} SET default_transaction_read_only = on", fixture.store.db.name());
    fixture.store.db.execute(&read_only).await;
    let reader = once(fixture.store.db.url(), one());
    for _ in 0..3 {
        assert_eq!(reader.recall(&fixture.store.ada, &request("new")).await.unwrap(), None);
        let known = reader.recall(&fixture.store.ada, &request("used")).await.unwrap();
        assert!(matches!(known, Some(Replay::Again(_))), "{known:?}");
    }
    assert_eq!(fixture.contents().await, contents);
}

#[tokio::test]
async fn of_fifty_requests_of_one_key_at_once_one_is_carried_out() {
    let fixture = Fixture::new().await;
    // Two pools, as two workers have.
    let other = once(fixture.store.db.url(), pool_options());
    let key = request("k");
    let task = fixture.store.task("t").await;
    let outcomes = join_all((0..50).map(|number| {
        let once = if number % 2 == 0 { &fixture.once } else { &other };
        once.execute_once(&fixture.store.ada, &key, toggle(task.id), IN_WORDS)
    }))
    .await;
    let toggled = fixture.store.tasks.find(&fixture.store.ada, task.id).await.unwrap().unwrap();
    assert!(toggled.is_completed());
    assert_eq!(toggled.version, next(task.version));

    let written = in_words(&TaskOutcome::Updated(toggled));
    let mut first = 0;
    for outcome in outcomes {
        match outcome.unwrap() {
            Replay::First(receipt) => {
                assert_eq!(receipt, written);
                first += 1;
            }
            Replay::Again(receipt) => assert_eq!(receipt, written),
            Replay::InProgress => {}
            Replay::Mismatch => panic!("they all ask for the same"),
        }
    }
    assert_eq!(first, 1);
    assert_eq!(fixture.recall(&key).await, Some(Replay::Again(written)));
}

#[tokio::test]
async fn each_of_many_repetitions_at_once_gets_the_answer_of_the_request_that_was_carried_out() {
    let fixture = Fixture::new().await;
    let key = request("k");
    let first = fixture.run(&key, create("t")).await.unwrap();
    let again = Replay::Again(receipt(&first).clone());
    for _ in 0..10 {
        let run = join_all((0..10).map(|_| fixture.run(&key, create("t"))));
        let recall = join_all((0..10).map(|_| fixture.recall(&key)));
        let (run, recalled) = join(run, recall).await;
        for outcome in run {
            assert_eq!(outcome.unwrap(), again);
        }
        assert_eq!(recalled, vec![Some(again.clone()); 10]);
    }
    assert_eq!(fixture.store.contents().await.len(), 1);
}

#[tokio::test]
async fn while_a_request_is_carried_out_its_key_is_in_progress_at_once_and_no_other_key_is() {
    let fixture = Fixture::new().await;
    let (ada, bob) = (&fixture.store.ada, &fixture.store.bob);
    let task = fixture.store.task("t").await;
    let blocker = session(fixture.store.db.database(), "BEGIN; SELECT FROM tasks FOR UPDATE").await;
    let key = request("k");
    let others = async {
        fixture.until_held_up("UPDATE tasks").await;
        // None of these waits for the lock, which is held until all of them are answered.
        assert_eq!(fixture.run(&key, toggle(task.id)).await.unwrap(), Replay::InProgress);
        // Whether it asks for the same is known only to the first one.
        assert_eq!(fixture.run(&other_request("k"), create("u")).await.unwrap(), Replay::InProgress);
        assert_eq!(fixture.recall(&key).await, Some(Replay::InProgress));
        assert_eq!(fixture.once.recall(bob, &key).await.unwrap(), None);
        assert_eq!(fixture.recall(&request("l")).await, None);
        let of_bob = fixture.once.execute_once(bob, &key, create("b"), IN_WORDS).await.unwrap();
        assert!(matches!(of_bob, Replay::First(_)), "{of_bob:?}");
        let of_other_key = fixture.run(&request("l"), create("l")).await.unwrap();
        assert!(matches!(of_other_key, Replay::First(_)), "{of_other_key:?}");
        drop(blocker);
    };
    let (first, ()) = join(fixture.run(&key, toggle(task.id)), others).await;
    let toggled = fixture.store.tasks.find(ada, task.id).await.unwrap().unwrap();
    let written = in_words(&TaskOutcome::Updated(toggled));
    assert_eq!(first.unwrap(), Replay::First(written.clone()));
    assert_eq!(fixture.run(&key, toggle(task.id)).await.unwrap(), Replay::Again(written));
}

#[tokio::test]
async fn nothing_is_stored_for_an_unknown_user_and_the_key_works_once_there_is_one() {
    let fixture = Fixture::with(one()).await;
    let (stranger, key) = (user("stranger"), request("k"));
    for _ in 0..2 {
        let outcome = fixture.once.execute_once(&stranger, &key, create("t"), IN_WORDS).await;
        assert!(matches!(outcome, Err(RepositoryError::UnknownUser)), "{outcome:?}");
        assert_eq!(fixture.contents().await, (Vec::new(), Vec::new()));
        assert_eq!(fixture.once.recall(&stranger, &key).await.unwrap(), None);
    }
    fixture.store.db.insert_user("stranger").await;
    let outcome = fixture.once.execute_once(&stranger, &key, create("t"), IN_WORDS).await.unwrap();
    assert!(matches!(outcome, Replay::First(_)), "{outcome:?}");
    assert_eq!(fixture.store.all(&stranger).await.len(), 1);
}

#[tokio::test]
async fn an_unknown_owner_finds_no_task_and_nothing_is_stored() {
    let fixture = Fixture::with(one()).await;
    let id = fixture.store.task("t").await.id;
    let (stranger, not_found) = (user("stranger"), Replay::First(in_words(&TaskOutcome::NotFound)));
    let contents = fixture.contents().await;
    for (key, command) in [
        ("t", toggle(id)),
        ("t", toggle(id)),
        ("d", TaskCommand::Delete { id, expected: Expectation::Any }),
        ("u", TaskCommand::Update { id, expected: Expectation::Any, changes: changes(Some("u"), None) }),
        ("s", TaskCommand::Toggle { id, expected: Expectation::OneOf(vec![Version::FIRST]) }),
    ] {
        let outcome = fixture.once.execute_once(&stranger, &request(key), command, IN_WORDS).await.unwrap();
        assert_eq!(outcome, not_found, "{key}");
        assert_eq!(fixture.once.recall(&stranger, &request(key)).await.unwrap(), None);
    }
    assert_eq!(fixture.contents().await, contents);
    fixture.until_no_transaction().await;
}

#[tokio::test]
async fn only_the_owners_foreign_key_of_the_keys_says_that_there_is_nothing_to_store() {
    let fixture = Fixture::new().await;
    let rename =
        "ALTER TABLE idempotency_keys RENAME CONSTRAINT idempotency_keys_user_id_fkey TO another_fkey";
    fixture.store.db.execute(rename).await;
    let outcome =
        fixture.once.execute_once(&user("stranger"), &request("k"), toggle(task_id(1)), IN_WORDS).await;
    let text = unexpected(outcome);
    assert!(text.contains("another_fkey"), "{text}");
}

#[tokio::test]
async fn a_write_whose_receipt_cannot_be_stored_is_taken_back_and_the_key_works_later() {
    let fixture = Fixture::with(one()).await;
    let db = &fixture.store.db;
    let task = fixture.store.task("t").await;
    let contents = fixture.contents().await;
    db.execute("ALTER TABLE idempotency_keys ADD CONSTRAINT no_receipts CHECK (octet_length(receipt) < 9)")
        .await;
    for command in
        [create("u"), toggle(task.id), TaskCommand::Delete { id: task.id, expected: Expectation::Any }]
    {
        let text = unexpected(fixture.run(&request("k"), command).await);
        assert!(text.contains("no_receipts"), "{text}");
        assert_eq!(fixture.contents().await, contents);
        assert_eq!(fixture.recall(&request("k")).await, None);
    }
    db.execute("ALTER TABLE idempotency_keys DROP CONSTRAINT no_receipts").await;
    let outcome = fixture.run(&request("k"), toggle(task.id)).await.unwrap();
    assert!(matches!(outcome, Replay::First(_)), "{outcome:?}");
    assert!(fixture.store.tasks.find(&fixture.store.ada, task.id).await.unwrap().unwrap().is_completed());
}

#[tokio::test]
async fn a_write_that_fails_leaves_no_key_behind() {
    let fixture = Fixture::with(one()).await;
    let db = &fixture.store.db;
    db.execute("ALTER TABLE tasks ADD CONSTRAINT no_secrets CHECK (title <> 'secret')").await;
    let text = unexpected(fixture.run(&request("k"), create("secret")).await);
    assert!(text.contains("no_secrets"), "{text}");
    assert_eq!(fixture.contents().await, (Vec::new(), Vec::new()));
    let outcome = fixture.run(&request("k"), create("no secret")).await.unwrap();
    assert!(matches!(outcome, Replay::First(_)), "{outcome:?}");
}

#[tokio::test]
async fn a_connection_that_the_server_ends_in_mid_transaction_stores_nothing_and_the_key_works_at_once() {
    let fixture = Fixture::with(one()).await;
    let task = fixture.store.task("t").await;
    let contents = fixture.contents().await;
    let key = request("k");

    // In the write.
    let blocker = session(fixture.store.db.database(), "BEGIN; SELECT FROM tasks FOR UPDATE").await;
    let end = async {
        fixture.until_held_up("UPDATE tasks").await;
        fixture.terminate_busy().await;
    };
    let (outcome, ()) = join(fixture.run(&key, toggle(task.id)), end).await;
    unavailable(outcome);
    drop(blocker);
    assert_eq!(fixture.contents().await, contents);

    // Between the write and the commit.
    fixture.on_receipt("pg_sleep(3600)").await;
    let end = async {
        fixture.until_held_up("UPDATE idempotency_keys").await;
        fixture.terminate_busy().await;
    };
    let (outcome, ()) = join(fixture.run(&key, toggle(task.id)), end).await;
    unavailable(outcome);
    assert_eq!(fixture.contents().await, contents);

    fixture.on_receipt("NULL").await;
    assert!(matches!(fixture.run(&key, toggle(task.id)).await.unwrap(), Replay::First(_)));
    let toggled = fixture.store.tasks.find(&fixture.store.ada, task.id).await.unwrap().unwrap();
    assert_eq!(toggled.version, next(task.version));
}

#[tokio::test]
async fn a_connection_that_is_cut_in_mid_transaction_stores_nothing_and_the_key_works_when_the_server_has_noticed()
 {
    let (fixture, proxy) = Fixture::behind_proxy(one()).await;
    let task = fixture.store.task("t").await;
    let contents = fixture.contents().await;
    let key = request("k");
    let blocker = session(fixture.store.db.database(), "SELECT pg_advisory_lock(1)").await;
    fixture.on_receipt("pg_advisory_xact_lock_shared(1)").await;
    let cut = async {
        fixture.until_held_up("UPDATE idempotency_keys").await;
        proxy.cut();
    };
    let (outcome, ()) = join(fixture.run(&key, toggle(task.id)), cut).await;
    unavailable(outcome);
    // The server still works on it, and does not know yet that no client will commit.
    assert_eq!(fixture.recall(&key).await, Some(Replay::InProgress));
    drop(blocker);
    fixture.until_no_transaction().await;
    assert_eq!(fixture.contents().await, contents);
    assert!(matches!(fixture.run(&key, toggle(task.id)).await.unwrap(), Replay::First(_)));
    let toggled = fixture.store.tasks.find(&fixture.store.ada, task.id).await.unwrap().unwrap();
    assert_eq!(toggled.version, next(task.version));
}

#[tokio::test]
async fn a_request_that_is_repeated_until_it_is_answered_takes_effect_once_however_often_connections_are_cut()
{
    let (fixture, proxy) = Fixture::behind_proxy(pool_options()).await;
    let task = fixture.store.task("t").await;
    let answered = AtomicUsize::new(0);
    let until_answered = async |key: IdempotentRequest, command: TaskCommand| {
        for tries in 0.. {
            match fixture.run(&key, command.clone()).await {
                Ok(Replay::First(_) | Replay::Again(_)) => {
                    answered.fetch_add(1, Ordering::Relaxed);
                    return tries;
                }
                Ok(Replay::InProgress) | Err(RepositoryError::Unavailable(_)) => {
                    tokio::time::sleep(Duration::from_millis(5)).await;
                }
                other => panic!("{other:?}"),
            }
        }
        unreachable!("it repeats until there is an answer")
    };
    let worker = async |number: u16| {
        let mut repeated = 0;
        for round in 0..50 {
            let create = until_answered(request(&format!("c{number}-{round}")), create("c")).await;
            let toggle = until_answered(request(&format!("t{number}-{round}")), toggle(task.id)).await;
            repeated += create + toggle;
        }
        repeated
    };
    let cut = async {
        // The workers are always in the midst of five requests when they have been given so many answers.
        for count in (15..450).step_by(15) {
            until("more requests are answered", async || answered.load(Ordering::Relaxed) >= count).await;
            proxy.cut();
        }
    };
    let (repeated, ()) = join(join_all((0..5).map(worker)), cut).await;
    println!("repeated by each worker: {repeated:?}");
    assert!(repeated.iter().sum::<u16>() > 5, "hardly any request noticed");
    assert_eq!(fixture.keys().await.len(), 500);
    assert_eq!(fixture.store.contents().await.len(), 251);
    let toggled = fixture.store.tasks.find(&fixture.store.ada, task.id).await.unwrap().unwrap();
    assert_eq!((toggled.version.get(), toggled.is_completed()), (251, false));
}

#[tokio::test]
async fn a_call_that_is_dropped_in_mid_transaction_leaves_none_open_on_a_connection_of_the_pool() {
    let fixture = Fixture::with(one()).await;
    let task = fixture.store.task("t").await;
    let contents = fixture.contents().await;
    let (once, ada, key) = (Arc::clone(&fixture.once), fixture.store.ada.clone(), request("k"));
    let blocker = session(fixture.store.db.database(), "BEGIN; SELECT FROM tasks FOR UPDATE").await;
    let call = {
        let key = key.clone();
        tokio::spawn(async move {
            once.execute_once(&ada, &key, toggle(task.id), IN_WORDS).await.map_err(|error| error.to_string())
        })
    };
    fixture.until_held_up("UPDATE tasks").await;
    call.abort();
    assert!(call.await.unwrap_err().is_cancelled());

    // The pool has one connection, and it is a good one: these do not wait for the one that was left.
    assert_eq!(fixture.recall(&key).await, Some(Replay::InProgress));
    assert!(matches!(fixture.run(&request("l"), create("l")).await.unwrap(), Replay::First(_)));
    drop(blocker);
    fixture.until_no_transaction().await;
    assert_eq!(fixture.contents().await.1.len(), contents.1.len() + 1);
    assert_eq!(fixture.store.tasks.find(&fixture.store.ada, task.id).await.unwrap(), Some(task.clone()));
    assert!(matches!(fixture.run(&key, toggle(task.id)).await.unwrap(), Replay::First(_)));
}

/// diesel-async has an open report, number 198, on what a future leaves behind that is dropped around its `BEGIN`.
#[tokio::test]
async fn calls_that_are_dropped_at_any_moment_leave_a_pool_of_one_in_order_and_nothing_half_done() {
    let fixture = Fixture::with(one()).await;
    fixture.run(&request("warm"), create("t")).await.unwrap();
    let calls: u64 = 150;
    for number in 0..calls {
        let key = request(&number.to_string());
        let patience = Duration::from_micros(number * 20);
        let _ = tokio::time::timeout(patience, fixture.run(&key, create("t"))).await;
        if number % 3 == 0 {
            let _ = tokio::time::timeout(patience / 2, fixture.recall(&key)).await;
        }
        if number % 10 == 0 {
            // The next call is served, on a connection without a transaction.
            assert_eq!(fixture.recall(&request("new")).await, None);
            fixture.until_no_transaction().await;
        }
    }
    fixture.until_no_transaction().await;
    // Each write is there with its key, or neither is.
    let stored = fixture.keys().await.len();
    assert_eq!(fixture.store.contents().await.len(), stored);
    println!("{stored} of {calls} came to their end");
    assert!((stored as u64) < calls, "none was dropped in time");
    for number in 0..calls {
        fixture.run(&request(&number.to_string()), create("t")).await.unwrap();
    }
    assert_eq!(fixture.store.contents().await.len() as u64, calls + 1);
    let connections = format!("SELECT state AS line FROM {CONNECTIONS}");
    until("the others are closed", async || fixture.store.db.lines(&connections).await == ["idle"]).await;
}

#[tokio::test]
async fn the_keys_of_different_users_have_nothing_to_do_with_each_other() {
    let fixture = Fixture::new().await;
    let (ada, bob) = (&fixture.store.ada, &fixture.store.bob);
    // Owners and keys that would be the same if they were put together.
    fixture.store.db.insert_user("bobk").await;
    let run = async |owner: &UserId, request: &IdempotentRequest| {
        fixture.once.execute_once(owner, request, create("t"), IN_WORDS).await.unwrap()
    };
    for (owner, key) in [(ada, request("kk")), (bob, other_request("kk")), (&user("bobk"), request("k"))] {
        assert_eq!(fixture.once.recall(owner, &key).await.unwrap(), None);
        assert!(matches!(run(owner, &key).await, Replay::First(_)), "{owner:?}");
        assert_eq!(fixture.store.all(owner).await.len(), 1);
    }
    assert_eq!(run(bob, &request("kk")).await, Replay::Mismatch);
    assert!(matches!(run(ada, &request("kk")).await, Replay::Again(_)));
    assert_eq!(fixture.keys().await.len(), 3);
}

#[tokio::test]
async fn an_expired_key_is_as_if_it_had_never_been_used_and_is_replaced() {
    let fixture = Fixture::new().await;
    let key = request("k");
    let first = fixture.run(&key, create("t")).await.unwrap();
    fixture.age_keys("23 hours 50 minutes").await;
    assert_eq!(fixture.recall(&key).await, Some(Replay::Again(receipt(&first).clone())));
    assert_eq!(fixture.run(&other_request("k"), create("u")).await.unwrap(), Replay::Mismatch);

    for (number, other) in [other_request("k"), key.clone()].into_iter().enumerate() {
        fixture.age_keys("24 hours").await;
        assert_eq!(fixture.recall(&other).await, None);
        let begun = fixture.store.now().await;
        let again = fixture.run(&other, create("u")).await.unwrap();
        assert!(matches!(again, Replay::First(_)), "{again:?}");
        assert_ne!(receipt(&again), receipt(&first));
        assert_eq!(fixture.recall(&other).await, Some(Replay::Again(receipt(&again).clone())));
        assert_eq!(fixture.store.contents().await.len(), number + 2);
        let fresh = format!("SELECT key AS line FROM idempotency_keys WHERE created_at >= '{begun}'");
        assert_eq!(fixture.store.db.lines(&fresh).await, ["k"], "it is remembered from now on");
        assert_eq!(fixture.keys().await.len(), 1);
    }
}

#[tokio::test]
async fn deleting_a_user_deletes_that_users_keys_and_no_others() {
    let fixture = Fixture::new().await;
    for owner in [&fixture.store.ada, &fixture.store.bob] {
        fixture.once.execute_once(owner, &request("k"), create("t"), IN_WORDS).await.unwrap();
    }
    fixture.store.db.execute("DELETE FROM users WHERE id = 'ada'").await;
    assert_eq!(fixture.recall(&request("k")).await, None);
    assert_eq!(fixture.keys().await.len(), 1);
    let kept = fixture.once.recall(&fixture.store.bob, &request("k")).await.unwrap();
    assert!(matches!(kept, Some(Replay::Again(_))), "{kept:?}");
}

#[tokio::test]
async fn a_write_waits_for_a_user_who_is_being_deleted_and_finds_nothing_then() {
    let fixture = Fixture::new().await;
    let task = fixture.store.task("t").await;
    let deletion = "BEGIN; DELETE FROM users WHERE id = 'ada'";
    let mut deletion = session(fixture.store.db.database(), deletion).await;
    let commit = async {
        fixture.until_held_up("INSERT INTO idempotency_keys").await;
        deletion.batch_execute("COMMIT").await.unwrap();
    };
    let (outcome, ()) = join(fixture.run(&request("k"), toggle(task.id)), commit).await;
    assert_eq!(outcome.unwrap(), Replay::First(in_words(&TaskOutcome::NotFound)));
    assert_eq!(fixture.contents().await, (Vec::new(), Vec::new()));
}

#[tokio::test]
async fn neither_a_write_nor_the_deletion_of_its_user_is_a_deadlock() {
    let fixture = Fixture::new().await;
    let (tasks, db) = (&fixture.store.tasks, &fixture.store.db);
    for round in 0..30_u64 {
        let id = format!("user {round}");
        db.insert_user(&id).await;
        let owner = user(&id);
        let task = tasks.create(&owner, new_task("t")).await.unwrap();
        let writes = join_all((0..6).map(|number| {
            let (fixture, owner) = (&fixture, &owner);
            async move {
                let key = request(&number.to_string());
                fixture.once.execute_once(owner, &key, toggle(task.id), IN_WORDS).await.unwrap()
            }
        }));
        let delete = async {
            tokio::time::sleep(Duration::from_micros(round * 150)).await;
            db.execute(&format!("DELETE FROM users WHERE id = '{id}'")).await;
        };
        join(writes, delete).await;
    }
    assert_eq!(fixture.contents().await, (Vec::new(), Vec::new()));
}

#[tokio::test]
async fn every_key_of_up_to_255_characters_is_a_key_of_its_own() {
    let fixture = Fixture::new().await;
    let every: String = (0x21..=0x7eu8).map(char::from).collect();
    let mut keys: Vec<String> = every.chars().map(String::from).collect();
    keys.extend(
        ["');DROP/**/TABLE/**/idempotency_keys;--", "\\'\"$1%s?", "\"k\"", "null", &every].map(str::to_owned),
    );
    let longest: String = every.chars().cycle().take(255).collect();
    keys.extend([longest[..254].to_owned(), format!("{}!", &longest[..254]), longest]);
    let mut firsts = Vec::new();
    for key in &keys {
        firsts.push(fixture.run(&request(key), create(&"t".repeat(key.len().min(200)))).await.unwrap());
        assert!(matches!(firsts.last(), Some(Replay::First(_))), "{key}");
    }
    for (key, first) in keys.iter().zip(&firsts) {
        assert_eq!(fixture.recall(&request(key)).await, Some(Replay::Again(receipt(first).clone())), "{key}");
    }
    assert_eq!(fixture.keys().await.len(), keys.len());
}

#[tokio::test]
async fn only_expired_keys_are_forgotten_the_oldest_first_and_no_more_than_so_many() {
    let fixture = Fixture::new().await;
    // The last ten are expired, "20" the longest.
    fixture.insert_keys(20, 0).await;
    fixture
        .store
        .db
        .execute(
            "UPDATE idempotency_keys SET created_at = created_at - interval '24 hours' WHERE key::int > 10",
        )
        .await;
    let left =
        async || fixture.store.db.lines("SELECT key AS line FROM idempotency_keys ORDER BY key::int").await;
    let up_to = |last: u16| (1..=last).map(|number| number.to_string()).collect::<Vec<_>>();
    assert_eq!(fixture.once.forget_expired(0).await.unwrap(), 0);
    assert_eq!(left().await, up_to(20));
    assert_eq!(fixture.once.forget_expired(4).await.unwrap(), 4);
    assert_eq!(left().await, up_to(16));
    assert_eq!(fixture.once.forget_expired(1).await.unwrap(), 1);
    assert_eq!(left().await, up_to(15));
    assert_eq!(fixture.once.forget_expired(u16::MAX).await.unwrap(), 5);
    assert_eq!(fixture.once.forget_expired(u16::MAX).await.unwrap(), 0);
    assert_eq!(left().await, up_to(10));
}

#[tokio::test]
async fn many_may_forget_at_once_and_share_the_work() {
    let fixture = Fixture::new().await;
    fixture.insert_keys(2000, 25).await;
    let forget = async || {
        let mut all = 0;
        loop {
            match fixture.once.forget_expired(50).await.unwrap() {
                0 => return all,
                some => {
                    assert!(some <= 50);
                    all += some;
                }
            }
        }
    };
    let forgotten = join_all((0..8).map(|_| forget())).await;
    println!("{forgotten:?}");
    assert_eq!(forgotten.iter().sum::<usize>(), 2000, "{forgotten:?}");
    assert_eq!(fixture.keys().await, [""; 0]);
}

#[tokio::test]
async fn forgetting_does_not_wait_for_a_key_that_another_session_forgets_or_replaces() {
    let fixture = Fixture::new().await;
    fixture.insert_keys(10, 25).await;
    let locked = "BEGIN; SELECT FROM idempotency_keys WHERE key IN ('10', '3') FOR UPDATE";
    let other = session(fixture.store.db.database(), locked).await;
    assert_eq!(fixture.once.forget_expired(5).await.unwrap(), 5);
    assert_eq!(fixture.once.forget_expired(50).await.unwrap(), 3);
    drop(other);
    let mut forgotten = 0;
    until("the other two are forgotten", async || {
        forgotten += fixture.once.forget_expired(50).await.unwrap();
        forgotten == 2
    })
    .await;
}

#[tokio::test]
async fn an_expired_key_may_be_used_again_and_forgotten_at_the_same_time() {
    let fixture = Fixture::new().await;
    fixture.insert_keys(100, 25).await;
    let keys: Vec<IdempotentRequest> = (1..=100).map(|number| request(&number.to_string())).collect();
    let uses = join_all(keys.iter().map(|key| fixture.run(key, create("t"))));
    let (outcomes, forgotten) = join(uses, join_all((0..20).map(|_| fixture.once.forget_expired(7)))).await;
    for outcome in outcomes {
        assert!(matches!(outcome.unwrap(), Replay::First(_)));
    }
    let forgotten: usize = forgotten.into_iter().map(Result::unwrap).sum();
    assert!(forgotten <= 100, "{forgotten}");
    // None that is in use was forgotten.
    for key in &keys {
        assert!(matches!(fixture.recall(key).await, Some(Replay::Again(_))), "{key:?}");
    }
    assert_eq!(fixture.contents().await.0.len(), 100);
}
