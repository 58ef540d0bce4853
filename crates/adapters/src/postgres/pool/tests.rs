mod sharing;

use diesel::{QueryableByName, sql_types::Text};
use diesel_async::RunQueryDsl;
use futures_util::future::join_all;

use super::*;
use crate::testing::{TestDatabase, pool_options};

const NEVER: Duration = Duration::from_hours(1);

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
        statement_timeout: Duration::from_millis(1234),
        lock_timeout: Duration::from_millis(567),
        deadline: Duration::from_millis(8901),
        ..pool_options()
    };
    let pool = PgPool::new(db.database(), options).unwrap();
    for (setting, value) in [
        ("statement_timeout", "1234ms"),
        ("lock_timeout", "567ms"),
        ("idle_in_transaction_session_timeout", "8901ms"),
        ("plan_cache_mode", "force_generic_plan"),
        ("enable_seqscan", "off"),
    ] {
        let shown = text(&pool, &format!("SELECT current_setting('{setting}') AS text")).await.unwrap();
        assert_eq!(shown, value, "{setting}");
    }
}

#[tokio::test]
async fn an_idle_connection_that_a_firewall_has_forgotten_is_replaced_before_it_is_used() {
    let db = TestDatabase::empty().await;
    let proxy = db.proxy().await;
    let idle = Idle { before_ping: Duration::ZERO, before_close: NEVER };
    let options = PoolOptions { max: 1, ..pool_options() };
    let pool = PgPool::with_idle(proxy.database(), options, idle).unwrap();
    let first = backend(&pool).await;
    assert_eq!(backend(&pool).await, first, "a connection that answers is kept");

    proxy.forget();
    let begun = Instant::now();
    assert_ne!(backend(&pool).await, first);
    assert!(begun.elapsed() >= PING_TIMEOUT, "there was a ping without an answer");
    assert!(begun.elapsed() < PING_TIMEOUT * 4, "{:?}", begun.elapsed());
}

#[tokio::test]
async fn a_connection_in_use_is_not_pinged() {
    let db = TestDatabase::empty().await;
    let proxy = db.proxy().await;
    let options = PoolOptions { max: 1, deadline: Duration::from_secs(1), ..pool_options() };
    let pool = PgPool::with_idle(proxy.database(), options, Idle { before_ping: NEVER, before_close: NEVER })
        .unwrap();
    let first = backend(&pool).await;
    proxy.forget();
    // It was not pinged, so the first request finds out, and closes the connection.
    let outcome = text(&pool, "SELECT 'x' AS text").await;
    assert!(matches!(outcome, Err(RepositoryError::Unavailable(_))), "{outcome:?}");
    assert_ne!(backend(&pool).await, first);
}

#[tokio::test]
async fn what_cut_one_idle_connection_costs_one_ping_and_not_one_for_each() {
    let db = TestDatabase::empty().await;
    let proxy = db.proxy().await;
    let options = PoolOptions { max: 6, deadline: PING_TIMEOUT * 3, ..pool_options() };
    let idle = Idle { before_ping: Duration::ZERO, before_close: NEVER };
    let pool = PgPool::with_idle(proxy.database(), options, idle).unwrap();
    let asleep = "SELECT pg_sleep(0.2)::text AS text";
    join_all((0..6).map(|_| text(&pool, asleep)))
        .await
        .into_iter()
        .for_each(|outcome| drop(outcome.unwrap()));
    proxy.forget();
    // Six pings one after the other would take longer than the deadline.
    assert_eq!(text(&pool, "SELECT 'x' AS text").await.unwrap(), "x");
}

#[tokio::test]
async fn connections_beyond_min_idle_are_closed_when_they_have_long_been_idle() {
    let db = TestDatabase::empty().await;
    let options = PoolOptions { min_idle: 2, max: 6, ..pool_options() };
    for (before_close, left) in [(NEVER, 6), (Duration::ZERO, 2)] {
        let idle = Idle { before_ping: NEVER, before_close };
        let pool = PgPool::with_idle(db.database(), options.clone(), idle).unwrap();
        let asleep = "SELECT pg_sleep(0.2)::text AS text";
        join_all((0..6).map(|_| text(&pool, asleep)))
            .await
            .into_iter()
            .for_each(|outcome| drop(outcome.unwrap()));
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
