mod sharing;

use diesel::{QueryableByName, sql_types::Text};
use diesel_async::{RunQueryDsl, SimpleAsyncConnection as _};
use futures_util::future::join_all;

use super::*;
use crate::testing::{HUNG, TestDatabase, pool_options, until};

const NEVER: Duration = Duration::from_hours(1);
/// A limit that is to be reached.
const SHORT: Duration = Duration::from_millis(100);
/// What a statement calls to wait at the gate.
const GATE: &str = "pg_advisory_xact_lock_shared(1)";

/// Keeps statements from coming to their end until it is dropped.
struct Gate(#[expect(dead_code, reason = "its session holds the lock")] AsyncPgConnection);

impl Gate {
    async fn closed(db: &TestDatabase) -> Self {
        let mut session = db.database().connect().await.unwrap();
        session.batch_execute("SELECT pg_advisory_lock(1)").await.unwrap();
        Self(session)
    }
}

/// Waits until so many statements wait at the gate.
async fn until_at_the_gate(db: &TestDatabase, number: usize) {
    let waiting = "SELECT pid::text AS line FROM pg_locks JOIN pg_database AS d ON d.oid = database
                   WHERE datname = current_database() AND locktype = 'advisory' AND NOT granted";
    until("they wait at the gate", async || db.lines(waiting).await.len() == number).await;
}

/// Opens so many connections of a pool: all of them are in use at the same time.
async fn open_all(db: &TestDatabase, pool: &PgPool, number: usize) {
    let gate = Gate::closed(db).await;
    let sql = format!("SELECT {GATE}::text AS text");
    let calls = join_all((0..number).map(|_| text(pool, &sql)));
    let open = async {
        until_at_the_gate(db, number).await;
        drop(gate);
    };
    let (outcomes, ()) = tokio::join!(calls, open);
    assert!(outcomes.iter().all(Result::is_ok), "{outcomes:?}");
}

/// A pool of one connection.
fn one() -> PoolOptions {
    PoolOptions { max: 1, ..pool_options() }
}

async fn text(pool: &PgPool, sql: &str) -> Result<String, RepositoryError> {
    #[derive(QueryableByName)]
    struct Row {
        #[diesel(sql_type = Text)]
        text: String,
    }
    Ok(pool.run(async |connection| diesel::sql_query(sql).get_result::<Row>(connection).await).await?.text)
}

async fn backend(pool: &PgPool) -> String {
    text(pool, "SELECT pg_backend_pid()::text AS text").await.unwrap()
}

#[tokio::test]
async fn a_session_has_its_limits_and_plans_each_statement_once() {
    let db = TestDatabase::empty().await;
    let options = PoolOptions {
        statement_timeout: Duration::from_millis(123_456),
        lock_timeout: Duration::from_millis(56_789),
        deadline: Duration::from_millis(89_012),
        ..pool_options()
    };
    let pool = PgPool::new(db.database(), options).unwrap();
    for (setting, value) in [
        ("statement_timeout", "123456ms"),
        ("lock_timeout", "56789ms"),
        ("idle_in_transaction_session_timeout", "89012ms"),
        ("plan_cache_mode", "force_generic_plan"),
        ("enable_seqscan", "off"),
    ] {
        let shown = text(&pool, &format!("SELECT current_setting('{setting}') AS text")).await.unwrap();
        assert_eq!(shown, value, "{setting}");
    }
}

#[tokio::test]
async fn a_connection_that_answers_its_ping_is_kept() {
    let db = TestDatabase::empty().await;
    let idle = Idle { before_ping: Duration::ZERO, ping_timeout: HUNG, before_close: NEVER };
    let pool = PgPool::with_idle(db.database(), one(), idle).unwrap();
    let first = backend(&pool).await;
    assert_eq!(backend(&pool).await, first);
}

#[tokio::test]
async fn an_idle_connection_that_a_firewall_has_forgotten_is_replaced_before_it_is_used() {
    let db = TestDatabase::empty().await;
    let proxy = db.proxy().await;
    let idle = Idle { before_ping: Duration::ZERO, ping_timeout: SHORT, before_close: NEVER };
    let pool = PgPool::with_idle(proxy.database(), one(), idle).unwrap();
    let first = backend(&pool).await;
    proxy.forget();
    assert_ne!(backend(&pool).await, first);
    assert_eq!(proxy.swallowed_queries(), 1, "the ping");
}

#[tokio::test]
async fn a_connection_in_use_is_not_pinged() {
    let db = TestDatabase::empty().await;
    let proxy = db.proxy().await;
    let options = PoolOptions { deadline: Duration::from_secs(1), ..one() };
    let idle = Idle { before_ping: NEVER, ping_timeout: HUNG, before_close: NEVER };
    let pool = PgPool::with_idle(proxy.database(), options, idle).unwrap();
    // A busy machine may not open the connection within the deadline.
    until("there is a connection", async || text(&pool, "SELECT 'x' AS text").await.is_ok()).await;
    proxy.forget();
    let outcome = text(&pool, "SELECT 'x' AS text").await;
    assert!(matches!(outcome, Err(RepositoryError::Unavailable(_))), "{outcome:?}");
    // The call that has failed closed the connection.
    until("there is another connection", async || text(&pool, "SELECT 'x' AS text").await.is_ok()).await;
}

#[tokio::test]
async fn one_ping_finds_out_about_all_connections_that_were_cut_together() {
    let db = TestDatabase::empty().await;
    let proxy = db.proxy().await;
    let options = PoolOptions { max: 6, ..pool_options() };
    let idle = Idle { before_ping: Duration::ZERO, ping_timeout: SHORT, before_close: NEVER };
    let pool = PgPool::with_idle(proxy.database(), options, idle).unwrap();
    open_all(&db, &pool, 6).await;
    proxy.forget();
    assert_eq!(text(&pool, "SELECT 'x' AS text").await.unwrap(), "x");
    assert_eq!(proxy.swallowed_queries(), 1);
}

#[tokio::test]
async fn connections_beyond_min_idle_are_closed_when_they_have_long_been_idle() {
    let db = TestDatabase::empty().await;
    let options = PoolOptions { min_idle: 2, max: 6, ..pool_options() };
    for (before_close, left) in [(NEVER, 6), (Duration::ZERO, 2)] {
        let idle = Idle { before_ping: NEVER, ping_timeout: HUNG, before_close };
        let pool = PgPool::with_idle(db.database(), options.clone(), idle).unwrap();
        open_all(&db, &pool, 6).await;
        assert_eq!(pool.connections.status().size, 6);
        pool.close_idle();
        assert_eq!(pool.connections.status().size, left);
        backend(&pool).await;
    }
}

#[tokio::test]
async fn what_a_pool_shows_of_itself_holds_no_address() {
    let database = Database::parse("postgres://someone:s3cret@somewhere/d?sslmode=disable").unwrap();
    let shown = format!("{:?}", PgPool::new(&database, pool_options()).unwrap());
    assert!(shown.contains("max_size: 10"), "{shown}");
    assert!(!shown.contains("some") && !shown.contains("s3cret"), "{shown}");
}
