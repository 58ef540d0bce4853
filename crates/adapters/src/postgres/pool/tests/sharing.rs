//! Reads that share a connection.

use diesel::{QueryableByName, sql_types::Text};
use diesel_async::RunQueryDsl;
use futures_util::future::join_all;

use super::{super::*, GATE, Gate, SHORT, until_at_the_gate};
use crate::testing::{TestDatabase, pool_options};

/// Finds the server's process.
#[derive(Clone, Copy)]
enum Backend {
    AtOnce,
    BehindTheGate,
}

impl Read for Backend {
    type Output = String;

    async fn read(&self, mut connection: &AsyncPgConnection) -> QueryResult<String> {
        #[derive(QueryableByName)]
        struct Row {
            #[diesel(sql_type = Text)]
            text: String,
        }
        let sql = match self {
            Self::AtOnce => "SELECT pg_backend_pid()::text AS text".to_owned(),
            Self::BehindTheGate => format!("SELECT pg_backend_pid()::text AS text FROM {GATE}"),
        };
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
    let backends = join_all((0..50).map(|_| pool.read(Backend::AtOnce))).await;
    let first = backends[0].as_ref().unwrap();
    assert!(backends.iter().all(|backend| backend.as_ref().unwrap() == first));
    assert_eq!(pool.connections.status().size, 1);
    assert_eq!(pool.connections.status().available, 1, "the last one gives it back");
}

#[tokio::test]
async fn a_write_never_waits_behind_reads() {
    let db = TestDatabase::empty().await;
    let pool = pool(&db, 2);
    let gate = Gate::closed(&db).await;
    let reads = join_all((0..4).map(|_| pool.read(Backend::BehindTheGate)));
    let write = async {
        until_at_the_gate(&db, 1).await;
        pool.run(async |connection| Backend::AtOnce.read(connection).await).await.unwrap();
        drop(gate);
    };
    let (reads, ()) = tokio::join!(reads, write);
    assert!(reads.iter().all(Result::is_ok), "{reads:?}");
}

#[tokio::test]
async fn the_only_connection_is_not_shared() {
    let db = TestDatabase::empty().await;
    let pool = pool(&db, 1);
    let gate = Gate::closed(&db).await;
    let reads = join_all((0..4).map(|_| pool.read(Backend::BehindTheGate)));
    let write = pool.run(async |connection| Backend::AtOnce.read(connection).await);
    let open = async {
        until_at_the_gate(&db, 1).await;
        assert_eq!(pool.usage().waiting, 4, "three reads and the write");
        drop(gate);
    };
    let (reads, write, ()) = tokio::join!(reads, write, open);
    assert!(reads.iter().all(Result::is_ok) && write.is_ok(), "{reads:?} {write:?}");
}

#[tokio::test]
async fn reads_whose_connection_is_cut_are_repeated_on_others() {
    let db = TestDatabase::empty().await;
    let pool = pool(&db, 4);
    let backend = pool.read(Backend::AtOnce).await.unwrap();
    let gate = Gate::closed(&db).await;
    let reads = join_all((0..3).map(|_| pool.read(Backend::BehindTheGate)));
    let cut = async {
        until_at_the_gate(&db, 1).await;
        kill(&db, &backend).await;
        drop(gate);
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
    let backend = pool.read(Backend::AtOnce).await.unwrap();
    let gate = Gate::closed(&db).await;
    let leaving = async {
        tokio::select! {
            _ = pool.read(Backend::BehindTheGate) => panic!("the gate is closed"),
            () = until_at_the_gate(&db, 1) => {}
        }
        drop(gate);
    };
    let ((), joined) = tokio::join!(leaving, pool.read(Backend::AtOnce));
    assert_eq!(joined.unwrap(), backend, "it came before that");
    assert_ne!(pool.read(Backend::AtOnce).await.unwrap(), backend);
}

#[tokio::test]
async fn a_read_that_takes_too_long_is_not_repeated() {
    let db = TestDatabase::empty().await;
    let options = PoolOptions { max: 4, statement_timeout: SHORT, ..pool_options() };
    let pool = PgPool::new(db.database(), options).unwrap();
    let _gate = Gate::closed(&db).await;
    assert!(matches!(pool.read(Backend::BehindTheGate).await, Err(RepositoryError::Unavailable(_))));
    assert!(pool.connections.status().size <= 1, "a repeated read has a connection of its own");
}

#[tokio::test]
async fn a_connection_that_is_too_old_is_not_shared_any_more() {
    let db = TestDatabase::empty().await;
    let options = PoolOptions { max: 4, max_age: SHORT, ..pool_options() };
    let pool = PgPool::new(db.database(), options).unwrap();
    let gate = Gate::closed(&db).await;
    let late = async {
        until_at_the_gate(&db, 1).await;
        tokio::time::sleep(SHORT).await;
        let late = pool.read(Backend::AtOnce).await.unwrap();
        drop(gate);
        late
    };
    let (early, late) = tokio::join!(pool.read(Backend::BehindTheGate), late);
    assert_ne!(early.unwrap(), late);
}
