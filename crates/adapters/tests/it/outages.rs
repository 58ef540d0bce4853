//! What a call sees when the database is gone, full, read-only or broken, and that all is well again afterwards.

use std::time::Duration;

use futures_util::future::join_all;
use task_adapters::{
    Database, PoolOptions,
    testing::{TestDatabase, pool_options, until},
};
use task_domain::{
    TaskQuery, TaskRepository,
    testing::{new_task, task_id, user},
};

use crate::support::{
    OneByOne, STORES_CONNECTIONS, Store, changes, repository, session, unavailable, unexpected, until_held_up,
};

/// A limit that is to be reached. Each other limit is one that only a program reaches that hangs.
const SHORT: Duration = Duration::from_secs(1);

/// Ends every connection of the store and waits until they are gone.
async fn terminate_all(db: &TestDatabase, expected: usize) {
    let terminate =
        format!("SELECT pg_terminate_backend(pid, 10000)::text AS line FROM {STORES_CONNECTIONS}");
    assert_eq!(db.lines(&terminate).await, vec!["true"; expected]);
}

#[tokio::test]
async fn the_pool_replaces_idle_connections_that_the_server_has_ended_before_a_call_gets_one() {
    let store = Store::new().await;
    let task = store.task("t").await;
    // As many connections as the pool may have.
    let blocker = session(store.db.database(), "BEGIN; SELECT FROM tasks FOR UPDATE").await;
    let calls = join_all((0..10).map(|_| store.tasks.toggle(&store.ada, task.id)));
    let release = async {
        until_held_up(&store.db, 10).await;
        drop(blocker);
    };
    let (outcomes, ()) = tokio::join!(calls, release);
    assert!(outcomes.iter().all(Result::is_ok), "{outcomes:?}");

    terminate_all(&store.db, 10).await;
    let found = join_all((0..20).map(|_| store.tasks.find(&store.ada, task.id))).await;
    assert!(found.iter().all(Result::is_ok), "{found:?}");
}

#[tokio::test]
async fn of_all_calls_only_those_in_flight_notice_that_the_server_ends_their_connections() {
    let store = Store::new().await;
    let task = store.task("t").await;
    let _blocker = session(store.db.database(), "BEGIN; SELECT FROM tasks FOR UPDATE").await;
    let calls = join_all((0..5).map(|_| store.tasks.toggle(&store.ada, task.id)));
    let terminate = async {
        until_held_up(&store.db, 5).await;
        terminate_all(&store.db, 5).await;
    };
    let (outcomes, ()) = tokio::join!(calls, terminate);
    for outcome in outcomes {
        let text = unavailable(outcome);
        assert!(text.contains("terminating connection") || text.contains("connection closed"), "{text}");
    }
    assert_eq!(store.all(&store.ada).await, [task]);
}

#[tokio::test]
async fn a_server_that_has_stopped_is_unavailable_at_once_and_heals_by_itself() {
    let store = Store::new().await;
    let proxy = store.db.proxy().await;
    let tasks = repository(proxy.database(), pool_options());
    let task = tasks.create(&store.ada, new_task("t")).await.unwrap();

    proxy.refuse();
    // By no limit of time: they are minutes here.
    for _ in 0..3 {
        unavailable(tasks.find(&store.ada, task.id).await);
        unavailable(tasks.create(&store.ada, new_task("u")).await);
    }

    proxy.open();
    assert_eq!(tasks.listed(&store.ada, &TaskQuery::default()).await.unwrap(), [task]);
}

#[tokio::test]
async fn a_network_that_swallows_everything_is_unavailable_by_the_deadline_and_heals_by_itself() {
    let store = Store::new().await;
    let proxy = store.db.proxy().await;
    let tasks = repository(proxy.database(), PoolOptions { max: 2, deadline: SHORT, ..pool_options() });
    let task = store.task("t").await;
    // A busy machine may not open a connection within the deadline.
    let found = async || tasks.find(&store.ada, task.id).await.is_ok();
    until("there is a connection", &found).await;

    proxy.swallow();
    for outcome in join_all((0..6).map(|_| tasks.find(&store.ada, task.id))).await {
        unavailable(outcome);
    }
    // If no connection is left a new one is opened, which may not take as long as everything together may.
    let waits = repository(proxy.database(), PoolOptions { wait: SHORT, ..pool_options() });
    unavailable(waits.find(&store.ada, task.id).await);

    proxy.open();
    until("it heals", &found).await;
}

#[tokio::test]
async fn a_connection_that_is_cut_in_mid_statement_is_unavailable_and_replaced() {
    let store = Store::new().await;
    let proxy = store.db.proxy().await;
    let tasks = repository(proxy.database(), PoolOptions { max: 1, ..pool_options() });
    let task = tasks.create(&store.ada, new_task("t")).await.unwrap();

    let blocker = session(store.db.database(), "BEGIN; SELECT FROM tasks FOR UPDATE").await;
    let cut = async {
        until_held_up(&store.db, 1).await;
        proxy.cut();
    };
    let (outcome, ()) = tokio::join!(tasks.toggle(&store.ada, task.id), cut);
    unavailable(outcome);
    drop(blocker);
    assert_eq!(tasks.find(&store.ada, task.id).await.unwrap().map(|task| task.id), Some(task.id));
}

#[tokio::test]
async fn a_database_that_is_not_there_is_unavailable() {
    let db = TestDatabase::empty().await;
    let elsewhere = Database::parse(&db.url().replace(db.name(), "no_such_database")).unwrap();
    let text =
        unavailable(repository(&elsewhere, pool_options()).listed(&user("ada"), &TaskQuery::default()).await);
    assert!(text.contains("no_such_database"), "{text}");
}

#[tokio::test]
async fn a_read_only_database_can_be_read_and_takes_no_writes_until_it_is_one_no_more() {
    let store = Store::new().await;
    let task = store.task("t").await;
    store
        .db
        .execute(&format!("ALTER DATABASE {} SET default_transaction_read_only = on", store.db.name()))
        .await;
    let tasks = repository(store.db.database(), PoolOptions { max: 1, ..pool_options() });
    let (ada, id) = (&store.ada, task.id);
    unavailable(tasks.create(ada, new_task("u")).await);
    unavailable(tasks.update(ada, id, changes(Some("u"), None)).await);
    unavailable(tasks.toggle(ada, id).await);
    unavailable(tasks.delete(ada, id).await);
    assert_eq!(tasks.find(ada, id).await.unwrap().as_ref(), Some(&task));
    assert_eq!(tasks.listed(ada, &TaskQuery::default()).await.unwrap(), [task]);
    // After a failover it is another server, to which the old connections do not lead.
    let writable = format!("ALTER DATABASE {} RESET default_transaction_read_only", store.db.name());
    store.db.execute(&format!("SET transaction_read_only = off; {writable}")).await;
    unavailable(tasks.toggle(ada, id).await);
    assert!(tasks.toggle(ada, id).await.unwrap().unwrap().is_completed());
}

#[tokio::test]
async fn a_server_with_no_room_for_another_connection_is_unavailable_until_there_is() {
    let store = Store::new().await;
    // A role of its own, since superusers are let in all the same.
    let role = store.db.name();
    store
        .db
        .execute(&format!(
            "CREATE ROLE {role} LOGIN PASSWORD 'x' CONNECTION LIMIT 1; GRANT ALL ON ALL TABLES IN SCHEMA public TO {role}"
        ))
        .await;
    let (scheme, rest) = store.db.url().split_once("://").unwrap();
    let address = rest.split_once('@').map_or(rest, |(_, address)| address);
    let database = Database::parse(&format!("{scheme}://{role}:x@{address}")).unwrap();
    let (first, second) = (repository(&database, pool_options()), repository(&database, pool_options()));

    let query = TaskQuery::default();
    assert_eq!(first.listed(&store.ada, &query).await.unwrap(), []);
    let text = unavailable(second.listed(&store.ada, &query).await);
    assert!(text.contains("too many connections"), "{text}");
    store.db.execute(&format!("ALTER ROLE {role} CONNECTION LIMIT 2")).await;
    assert_eq!(second.listed(&store.ada, &query).await.unwrap(), []);

    drop((first, second));
    store.db.execute(&format!("DROP OWNED BY {role}; DROP ROLE {role}")).await;
}

#[tokio::test]
async fn a_deadlock_is_unavailable_since_the_same_call_may_succeed_later() {
    let store = Store::new().await;
    let task = store.task("t").await;
    store
        .db
        .execute(
            "CREATE FUNCTION fail() RETURNS trigger LANGUAGE plpgsql AS $$
             BEGIN RAISE 'deadlock detected' USING ERRCODE = '40P01'; END $$;
             CREATE TRIGGER fail BEFORE UPDATE ON tasks FOR EACH ROW EXECUTE FUNCTION fail()",
        )
        .await;
    unavailable(store.tasks.toggle(&store.ada, task.id).await);
}

#[tokio::test]
async fn a_missing_table_is_unexpected() {
    let store = Store::new().await;
    store.db.execute("ALTER TABLE tasks RENAME TO elsewhere").await;
    let text = unexpected(store.tasks.find(&store.ada, task_id(1)).await);
    assert!(text.contains("relation \"tasks\" does not exist"), "{text}");
    store.db.execute("ALTER TABLE elsewhere RENAME TO tasks").await;
    assert_eq!(store.tasks.find(&store.ada, task_id(1)).await.unwrap(), None);
}

#[tokio::test]
async fn a_row_that_breaks_a_rule_is_unexpected_and_named_and_hides_no_other() {
    let store = Store::new().await;
    let (good, bad) = (store.task("good").await, store.task("bad").await);
    store.db.execute(&format!("UPDATE tasks SET title = E'\\t \\u3000' WHERE id = {}", bad.id.get())).await;
    let named = format!("task {} in the database breaks a rule: title must not be empty", bad.id.get());
    for outcome in [
        store.tasks.find(&store.ada, bad.id).await.map(|_| ()),
        store.tasks.listed(&store.ada, &TaskQuery::default()).await.map(|_| ()),
        store.tasks.toggle(&store.ada, bad.id).await.map(|_| ()),
    ] {
        let text = unexpected(outcome);
        assert!(text.contains(&named), "{text}");
    }
    assert_eq!(store.tasks.find(&store.ada, good.id).await.unwrap(), Some(good));
}

#[tokio::test]
async fn the_text_of_a_failure_holds_no_values_of_the_row() {
    let store = Store::new().await;
    store.db.execute("ALTER TABLE tasks ADD CONSTRAINT no_secrets CHECK (title <> 'secret')").await;
    let outcome = store.tasks.create(&store.ada, new_task("secret")).await;
    assert!(!format!("{outcome:?}").contains("secret\""), "{outcome:?}");
    let text = unexpected(outcome);
    assert!(text.contains("constraint no_secrets") && !text.contains("(ada"), "{text}");
}

#[tokio::test]
async fn a_column_that_changes_its_type_under_the_service_fails_no_call_twice() {
    let store = Store::with(PoolOptions { max: 1, ..pool_options() }).await;
    let task = store.task("t").await;
    assert_eq!(store.tasks.find(&store.ada, task.id).await.unwrap().as_ref(), Some(&task));
    store.db.execute("ALTER TABLE tasks ALTER title TYPE varchar(200) COLLATE \"C\"").await;
    // The statement that the connection has prepared gives the old type, and the server refuses to carry it out.
    let text = unavailable(store.tasks.find(&store.ada, task.id).await);
    assert!(text.contains("cached plan must not change result type"), "{text}");
    assert_eq!(store.tasks.find(&store.ada, task.id).await.unwrap(), Some(task));
}
