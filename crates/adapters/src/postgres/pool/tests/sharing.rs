//! Reads that share a connection.

use diesel::{QueryableByName, sql_types::Text};
use diesel_async::RunQueryDsl;
use futures_util::future::join_all;

use super::super::*;
use crate::testing::{TestDatabase, pool_options};

/// Finds the server's process, after so many seconds.
struct Backend(f32);

impl Read for Backend {
    type Output = String;

    async fn read(&self, mut connection: &AsyncPgConnection) -> QueryResult<String> {
        #[derive(QueryableByName)]
        struct Row {
            #[diesel(sql_type = Text)]
            text: String,
        }
        let sql = format!("SELECT pg_backend_pid()::text AS text FROM pg_sleep({})", self.0);
        Ok(diesel::sql_query(sql).get_result::<Row>(&mut connection).await?.text)
    }
}

fn pool(db: &TestDatabase, max: usize) -> PgPool {
    PgPool::new(db.database(), PoolOptions { max, ..pool_options() }).unwrap()
}

async fn kill(db: &TestDatabase, backend: &str) {
    db.lines(&format!("SELECT pg_terminate_backend({backend})::text AS line")).await;
}

#[tokio::test]
async fn reads_at_the_same_time_share_one_connection() {
    let db = TestDatabase::empty().await;
    let pool = pool(&db, 4);
    let backends = join_all((0..50).map(|_| pool.read(Backend(0.0)))).await;
    let first = backends[0].as_ref().unwrap();
    assert!(backends.iter().all(|backend| backend.as_ref().unwrap() == first));
    assert_eq!(pool.connections.status().size, 1);
    assert_eq!(pool.connections.status().available, 1, "the last one gives it back");
}

#[tokio::test]
async fn a_write_never_waits_behind_reads() {
    let db = TestDatabase::empty().await;
    let pool = pool(&db, 2);
    let reads = async { join_all((0..4).map(|_| pool.read(Backend(0.3)))).await };
    let write = async {
        tokio::time::sleep(Duration::from_millis(100)).await;
        let begun = Instant::now();
        pool.run(async |connection| Backend(0.0).read(connection).await).await.unwrap();
        begun.elapsed()
    };
    let (reads, took) = tokio::join!(reads, write);
    assert!(reads.iter().all(Result::is_ok));
    assert!(took < Duration::from_millis(600), "{took:?}: the reads take 1.2 s");
}

#[tokio::test]
async fn the_only_connection_is_not_shared() {
    let db = TestDatabase::empty().await;
    let pool = pool(&db, 1);
    let reads = async { join_all((0..4).map(|_| pool.read(Backend(0.1)))).await };
    let write = pool.run(async |connection| Backend(0.0).read(connection).await);
    let (reads, write) = tokio::join!(reads, write);
    assert!(reads.iter().all(Result::is_ok) && write.is_ok());
}

#[tokio::test]
async fn reads_whose_connection_is_cut_are_repeated_on_others() {
    let db = TestDatabase::empty().await;
    let pool = pool(&db, 4);
    let backend = pool.read(Backend(0.0)).await.unwrap();
    let reads = async { join_all((0..3).map(|_| pool.read(Backend(0.2)))).await };
    let cut = async {
        tokio::time::sleep(Duration::from_millis(100)).await;
        kill(&db, &backend).await;
    };
    let (reads, ()) = tokio::join!(reads, cut);
    for read in reads {
        assert_ne!(read.unwrap(), backend);
    }
}

#[tokio::test]
async fn no_read_joins_a_connection_on_which_a_read_was_dropped() {
    let db = TestDatabase::empty().await;
    let pool = pool(&db, 4);
    let backend = pool.read(Backend(0.0)).await.unwrap();
    let (left, joined) = tokio::join!(
        tokio::time::timeout(Duration::from_millis(100), pool.read(Backend(0.5))),
        pool.read(Backend(0.0)),
    );
    assert!(left.is_err());
    assert_eq!(joined.unwrap(), backend, "it came before that");
    assert_ne!(pool.read(Backend(0.0)).await.unwrap(), backend);
}

#[tokio::test]
async fn a_read_that_takes_too_long_is_not_repeated() {
    let db = TestDatabase::empty().await;
    let options = PoolOptions { max: 4, statement_timeout: Duration::from_millis(300), ..pool_options() };
    let pool = PgPool::new(db.database(), options).unwrap();
    let begun = Instant::now();
    assert!(matches!(pool.read(Backend(5.0)).await, Err(RepositoryError::Unavailable(_))));
    assert!(begun.elapsed() < Duration::from_millis(600), "{:?}", begun.elapsed());
}

#[tokio::test]
async fn a_connection_that_is_too_old_is_not_shared_any_more() {
    let db = TestDatabase::empty().await;
    let options = PoolOptions { max: 4, max_age: Duration::from_millis(200), ..pool_options() };
    let pool = PgPool::new(db.database(), options).unwrap();
    let late = async {
        tokio::time::sleep(Duration::from_millis(300)).await;
        pool.read(Backend(0.0)).await.unwrap()
    };
    let (early, late) = tokio::join!(pool.read(Backend(0.6)), late);
    assert_ne!(early.unwrap(), late);
}
