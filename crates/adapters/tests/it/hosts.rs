//! A database with several hosts, of which the one that can be written to is to be found in time.

use task_adapters::{Database, testing::pool_options};
use task_domain::testing::new_task;
use tokio::net::TcpListener;

use crate::support::{OneByOne as _, Store, repository};

/// The database of the store at one of these addresses, of which `HERE` is where it really is.
fn at(store: &Store, addresses: &str, attributes: &str) -> Database {
    let (_, here) = store.db.detour("");
    let (url, _) = store.db.detour(&addresses.replace("HERE", &here));
    let separator = if url.contains('?') { '&' } else { '?' };
    Database::parse(&format!("{url}{separator}target_session_attrs={attributes}")).unwrap()
}

/// An address that takes connections and never answers: a server that stands still.
async fn silent() -> (TcpListener, String) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap().to_string();
    (listener, address)
}

#[tokio::test]
async fn a_host_that_stands_still_does_not_keep_another_one_from_being_found() {
    let store = Store::new().await;
    let (_listener, silent) = silent().await;
    for addresses in
        [format!("{silent},HERE"), format!("HERE,{silent}"), format!("{silent},127.0.0.1:1,HERE")]
    {
        let tasks = repository(&at(&store, &addresses, "read-write"), pool_options());
        tasks.create(&store.ada, new_task("t")).await.unwrap();
    }
}

#[tokio::test]
async fn a_host_that_refuses_is_passed_over_at_once() {
    let store = Store::new().await;
    let database =
        at(&store, "127.0.0.1:1,127.0.0.1:2,127.0.0.1:3,127.0.0.1:4,127.0.0.1:5,HERE", "read-write");
    // No limit of time ends the attempt at one that does not answer: they are minutes here.
    repository(&database, pool_options()).create(&store.ada, new_task("t")).await.unwrap();
}

#[tokio::test]
async fn a_server_that_is_not_what_is_asked_for_is_passed_over() {
    let store = Store::new().await;
    // No server of the tests is a standby, so that each of these can be written to.
    let error = at(&store, "HERE,HERE", "read-only").connect().await.err().unwrap().to_string();
    assert_eq!(error.matches("database is not read only").count(), 2, "{error}");
}

#[tokio::test]
async fn where_no_host_can_be_used_each_says_why() {
    let database = Database::parse("postgres://127.0.0.1:1,127.0.0.1:2/d?target_session_attrs=read-write");
    let text = database.unwrap().connect().await.err().unwrap().to_string();
    assert_eq!(text.matches("refused").count(), 2, "{text}");
    assert!(text.contains("127.0.0.1:1") && text.contains("127.0.0.1:2"), "{text}");
}
