//! The databases of the tests themselves.

use task_adapters::testing::{TestDatabase, until};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
};

/// A connection whose client does not answer once the server asks for a password.
async fn half_open(db: &TestDatabase) -> TcpStream {
    let config: tokio_postgres::Config = db.url().parse().unwrap();
    let mut stream = TcpStream::connect(db.detour("").1).await.unwrap();
    let parameters = format!("user\0{}\0database\0{}\0\0", config.get_user().unwrap(), db.name());
    let length = i32::try_from(parameters.len() + 8).unwrap();
    stream.write_all(&length.to_be_bytes()).await.unwrap();
    stream.write_all(&0x0003_0000_i32.to_be_bytes()).await.unwrap();
    stream.write_all(parameters.as_bytes()).await.unwrap();
    assert_eq!(stream.read_u8().await.unwrap(), b'R', "the server asks for a password");
    stream
}

#[tokio::test]
async fn a_test_that_ends_does_not_wait_for_a_connection_that_is_being_opened() {
    let db = TestDatabase::new().await;
    let half_open = half_open(&db).await;
    drop(db);
    // PostgreSQL ends the connection when `authentication_timeout` is over.
    let mut rest = [0; 1024];
    while let Ok(length) = half_open.try_read(&mut rest) {
        assert_ne!(length, 0, "the test has waited until the server gave up");
    }
}

#[tokio::test]
async fn the_next_test_drops_the_database_of_a_test_that_has_ended_and_no_other() {
    let (ended, running) = (TestDatabase::new().await, TestDatabase::new().await);
    let name = ended.name().to_owned();
    drop(ended);
    until("the database of the ended test is gone", async || {
        let next = TestDatabase::empty().await;
        let left = next.lines("SELECT datname::text AS line FROM pg_database").await;
        assert!(left.iter().any(|database| database == running.name()));
        left.iter().all(|database| *database != name)
    })
    .await;
}
