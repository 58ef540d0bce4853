//! The pool: how long a call waits, how many connections there are, and what happens to those whose caller has left.

use std::{sync::Arc, time::Duration};

use futures_util::future::{join_all, try_join_all};
use task_adapters::{
    PgPool, PgTaskRepository, PoolOptions,
    testing::{HUNG, TestDatabase, pool_options, until},
};
use task_domain::{RepositoryError, Task, TaskQuery, TaskRepository, testing::new_task};

use crate::support::{
    OneByOne, STORES_CONNECTIONS, Store, changes, session, states, unavailable, unexpected, until_held_up,
};

/// A limit that is to be reached. Each other limit is `HUNG`: a call that does not end by this one ends by none.
const SHORT: Duration = Duration::from_millis(300);

/// A pool of one connection.
fn one() -> PoolOptions {
    PoolOptions { max: 1, ..pool_options() }
}

/// A store with these limits, and a task of ada's. Its connection is open: a busy machine may not open it within them.
async fn limited(options: PoolOptions) -> (Store, Task) {
    let store = Store::with(options).await;
    store.db.execute("INSERT INTO tasks (user_id, title) VALUES ('ada', 't')").await;
    let mut task = None;
    until("there is a connection", async || {
        let listed = store.tasks.listed(&store.ada, &TaskQuery::default()).await;
        task = listed.ok().and_then(|mut tasks| tasks.pop());
        task.is_some()
    })
    .await;
    (store, task.unwrap())
}

/// Makes every update of a task do that.
async fn on_update(db: &TestDatabase, what: &str) {
    db.execute(&format!(
        "CREATE FUNCTION disturb() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN {what}; RETURN NEW; END $$;
         CREATE TRIGGER disturb BEFORE UPDATE ON tasks FOR EACH ROW EXECUTE FUNCTION disturb()",
    ))
    .await;
}

/// Makes every update of a task run for ever.
async fn stall_updates(db: &TestDatabase) {
    on_update(db, "PERFORM pg_sleep(3600)").await;
}

/// The server's process behind each connection of the store.
async fn backends(db: &TestDatabase) -> Vec<String> {
    db.lines(&format!("SELECT pid::text AS line FROM {STORES_CONNECTIONS} ORDER BY pid")).await
}

/// Flips the task in the background.
fn toggle_in_background(
    store: &Arc<Store>,
    task: &Task,
) -> tokio::task::JoinHandle<Result<Option<Task>, String>> {
    let (store, id) = (Arc::clone(store), task.id);
    tokio::spawn(
        async move { store.tasks.toggle(&store.ada, id).await.map_err(|error| format!("{error:?}")) },
    )
}

#[tokio::test]
async fn connections_are_opened_when_they_are_first_needed() {
    let store = Store::new().await;
    assert_eq!(states(&store.db).await, [""; 0]);
    store.all(&store.ada).await;
    assert_eq!(states(&store.db).await, ["idle"]);
}

#[tokio::test]
async fn a_call_waits_for_a_connection_no_longer_than_it_may() {
    let (store, task) = limited(PoolOptions { wait: SHORT, ..one() }).await;
    let store = Arc::new(store);
    let blocker = session(store.db.database(), "BEGIN; SELECT FROM tasks FOR UPDATE").await;
    let toggle = toggle_in_background(&store, &task);
    until_held_up(&store.db, 1).await;

    let text = unavailable(store.tasks.find(&store.ada, task.id).await);
    assert!(text.contains("Timeout occurred while waiting for a slot"), "{text}");

    drop(blocker);
    assert!(toggle.await.unwrap().unwrap().unwrap().is_completed());
    until("the connection is free again", async || store.tasks.find(&store.ada, task.id).await.is_ok()).await;
}

#[tokio::test]
async fn the_pool_refuses_the_call_that_comes_when_too_many_wait_and_no_other() {
    let store = Arc::new(Store::with(PoolOptions { max_requests: 3, ..pool_options() }).await);
    let task = store.task("t").await;
    let blocker = session(store.db.database(), "BEGIN; SELECT FROM tasks FOR UPDATE").await;
    let waiting: Vec<_> = (0..3).map(|_| toggle_in_background(&store, &task)).collect();
    until_held_up(&store.db, 1).await;
    // A place is taken when a call is made, which is before its statement is under way.
    let refused =
        async || matches!(store.tasks.find(&store.ada, task.id).await, Err(RepositoryError::Overloaded));
    until("three calls have their places", refused).await;
    drop(blocker);
    for toggle in waiting {
        toggle.await.unwrap().unwrap().unwrap();
    }
    // All places are free again, also those of the refused calls.
    let reads = (0..3).map(|_| store.tasks.find(&store.ada, task.id));
    assert_eq!(try_join_all(reads).await.unwrap().len(), 3);
}

#[tokio::test]
async fn a_call_that_waits_gets_the_connection_that_comes_free() {
    let store = Store::with(one()).await;
    let task = store.task("t").await;
    let blocker = session(store.db.database(), "BEGIN; SELECT FROM tasks FOR UPDATE").await;
    let release = async {
        until_held_up(&store.db, 1).await;
        drop(blocker);
        Ok(())
    };
    let toggles = try_join_all((0..6).map(|_| store.tasks.toggle(&store.ada, task.id)));
    tokio::try_join!(toggles, release).unwrap();
    assert_eq!(states(&store.db).await, ["idle"]);
}

#[tokio::test]
async fn there_are_never_more_connections_than_the_pool_may_have() {
    let store = Arc::new(Store::with(PoolOptions { max: 3, ..pool_options() }).await);
    let task = store.task("t").await;
    let blocker = session(store.db.database(), "BEGIN; SELECT FROM tasks FOR UPDATE").await;
    let toggles: Vec<_> = (0..20).map(|_| toggle_in_background(&store, &task)).collect();
    until_held_up(&store.db, 3).await;
    // Further calls do not make it more: time enough for them to try, on a machine with nothing else to do.
    tokio::time::sleep(SHORT).await;
    assert_eq!(states(&store.db).await, ["active"; 3]);
    drop(blocker);
    for toggle in toggles {
        toggle.await.unwrap().unwrap().unwrap();
    }
    assert_eq!(states(&store.db).await, ["idle"; 3]);
}

#[tokio::test]
async fn a_statement_that_takes_too_long_is_given_up_by_the_server() {
    let (store, task) = limited(PoolOptions { statement_timeout: SHORT, ..one() }).await;
    stall_updates(&store.db).await;
    let text = unavailable(store.tasks.toggle(&store.ada, task.id).await);
    assert!(text.contains("statement timeout"), "{text}");
    // Nothing is wrong with the connection: it is used again.
    let backend = backends(&store.db).await;
    until("it is used again", async || store.tasks.find(&store.ada, task.id).await.is_ok()).await;
    assert_eq!(backends(&store.db).await, backend);
}

#[tokio::test]
async fn a_statement_that_waits_too_long_for_a_lock_is_given_up_by_the_server() {
    let (store, task) = limited(PoolOptions { lock_timeout: SHORT, ..one() }).await;
    let blocker = session(store.db.database(), "BEGIN; SELECT FROM tasks FOR UPDATE").await;
    let text = unavailable(store.tasks.update(&store.ada, task.id, changes(Some("u"), None)).await);
    assert!(text.contains("lock timeout"), "{text}");
    drop(blocker);
    until(
        "nothing has changed",
        async || matches!(store.tasks.find(&store.ada, task.id).await, Ok(Some(found)) if found == task),
    )
    .await;
}

#[tokio::test]
async fn creating_waits_no_longer_than_it_may_for_a_user_who_is_being_deleted() {
    let (store, _) = limited(PoolOptions { lock_timeout: SHORT, ..one() }).await;
    let _deletion = session(store.db.database(), "BEGIN; DELETE FROM users WHERE id = 'ada'").await;
    let text = unavailable(store.tasks.create(&store.ada, new_task("t")).await);
    assert!(text.contains("lock timeout"), "{text}");
}

#[tokio::test]
async fn a_time_limit_of_the_server_is_understood_in_every_language_of_the_server() {
    let (store, task) = limited(PoolOptions { statement_timeout: SHORT, ..one() }).await;
    // What it says with `lc_messages = 'de_DE'`, which is not installed everywhere.
    let german =
        "RAISE 'Anweisung wird abgebrochen wegen Zeitüberschreitung der Anfrage' USING ERRCODE = '57014'";
    on_update(&store.db, &format!("PERFORM pg_sleep(3600); EXCEPTION WHEN query_canceled THEN {german}"))
        .await;
    let text = unavailable(store.tasks.toggle(&store.ada, task.id).await);
    assert!(text.contains("Anweisung wird abgebrochen"), "{text}");
}

#[tokio::test]
async fn an_unforeseen_failure_is_unexpected_and_harms_no_other_call() {
    let store = Store::with(one()).await;
    let task = store.task("t").await;
    on_update(&store.db, "RAISE 'out of cheese'").await;
    let text = unexpected(store.tasks.toggle(&store.ada, task.id).await);
    assert!(text.contains("out of cheese"), "{text}");
    assert_eq!(store.all(&store.ada).await, [task]);
}

#[tokio::test]
async fn a_call_past_its_deadline_ends_and_its_connection_is_not_handed_on() {
    let (store, task) = limited(PoolOptions { deadline: SHORT, ..one() }).await;
    stall_updates(&store.db).await;
    unavailable(store.tasks.toggle(&store.ada, task.id).await);
    assert_next_call_has_its_own_connection(&store, &task).await;
}

#[tokio::test]
async fn a_call_that_its_caller_drops_does_not_hand_its_connection_on() {
    let store = Store::with(one()).await;
    let task = store.task("t").await;
    stall_updates(&store.db).await;
    tokio::select! {
        outcome = store.tasks.toggle(&store.ada, task.id) => panic!("{outcome:?}"),
        () = until_held_up(&store.db, 1) => {}
    }
    assert_next_call_has_its_own_connection(&store, &task).await;
}

#[tokio::test]
async fn a_call_whose_task_is_aborted_does_not_hand_its_connection_on() {
    let store = Arc::new(Store::with(one()).await);
    let task = store.task("t").await;
    stall_updates(&store.db).await;
    let toggle = toggle_in_background(&store, &task);
    until_held_up(&store.db, 1).await;
    toggle.abort();
    assert!(toggle.await.unwrap_err().is_cancelled());
    assert_next_call_has_its_own_connection(&store, &task).await;
}

/// The server still works on the statement that was left; the next call is not kept waiting by it.
async fn assert_next_call_has_its_own_connection(store: &Store, task: &Task) {
    let states = async |expected: &[&str]| states(&store.db).await == expected;
    until("the statement goes on", async || states(&["active"]).await).await;
    until(
        "the next call is answered",
        async || matches!(store.tasks.find(&store.ada, task.id).await, Ok(Some(found)) if found == *task),
    )
    .await;
    until("it has a connection of its own", async || states(&["active", "idle"]).await).await;
}

#[tokio::test]
async fn many_dropped_calls_leave_the_pool_as_large_as_it_was() {
    let store = Store::with(PoolOptions { max: 3, ..pool_options() }).await;
    let task = store.task("t").await;
    for patience in 0..60 {
        // Some are dropped while they wait for a connection, some while it is opened, some in mid-statement.
        let calls = join_all((0..5).map(|_| store.tasks.toggle(&store.ada, task.id)));
        let _ = tokio::time::timeout(Duration::from_micros(patience * 250), calls).await;
    }
    let blocker = session(store.db.database(), "BEGIN; SELECT FROM tasks FOR UPDATE").await;
    let calls = join_all((0..3).map(|_| store.tasks.toggle(&store.ada, task.id)));
    let release = async {
        until_held_up(&store.db, 3).await;
        drop(blocker);
    };
    let (outcomes, ()) = tokio::join!(calls, release);
    assert!(outcomes.iter().all(Result::is_ok), "{outcomes:?}");
}

#[tokio::test]
async fn a_connection_is_kept_until_it_is_too_old() {
    for (max_age, kept) in [(HUNG, true), (SHORT, false)] {
        let store = Store::with(PoolOptions { max_age, ..one() }).await;
        store.all(&store.ada).await;
        let first = backends(&store.db).await;
        tokio::time::sleep(SHORT).await;
        store.all(&store.ada).await;
        until("the other one is closed", async || backends(&store.db).await.len() == 1).await;
        assert_eq!(backends(&store.db).await == first, kept, "{max_age:?}");
    }
}

#[tokio::test]
async fn a_closed_pool_closes_its_connections_and_takes_no_more_calls() {
    let db = TestDatabase::new().await;
    db.insert_user("ada").await;
    let pool = Arc::new(PgPool::new(db.database(), pool_options()).unwrap());
    let tasks = PgTaskRepository::new(Arc::clone(&pool));
    let ada = task_domain::testing::user("ada");
    let task = tasks.create(&ada, new_task("t")).await.unwrap();

    let blocker = session(db.database(), "BEGIN; SELECT FROM tasks FOR UPDATE").await;
    let close = async {
        until_held_up(&db, 1).await;
        pool.close();
        unavailable(tasks.find(&ada, task.id).await);
        drop(blocker);
    };
    // What is in flight comes to its end.
    let (toggled, ()) = tokio::join!(tasks.toggle(&ada, task.id), close);
    assert!(toggled.unwrap().unwrap().is_completed());
    until("the connections are closed", async || states(&db).await.is_empty()).await;
}
