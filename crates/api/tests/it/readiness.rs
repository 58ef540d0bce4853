//! `/health/ready`: whether requests can be served, and what is missing.

use std::{
    net::SocketAddr,
    time::{Duration, Instant},
};

use task_adapters::testing::TestDatabase;

use crate::helpers::{
    Stack, get, head,
    servers::{runtime, start},
    until,
};

/// Waits until it says that. It looks once in a second, and on a busy machine a look may not come to its end.
fn until_ready(address: SocketAddr, expected: [&str; 3]) {
    let readiness = || get("/health/ready").send(address).readiness();
    until(&format!("it says {expected:?}"), || readiness() == expected);
}

#[test]
fn a_service_with_its_database_is_ready_and_needs_no_token_to_say_so() {
    let stack = Stack::new();
    until_ready(stack.address, ["ok", "ok", "ok"]);
    stack.send(&head("/health/ready")).assert_status(200);
    stack.send(&get("/health/ready/")).assert_status(401);
}

#[test]
fn pending_migrations_are_named() {
    let stack = Stack::new();
    stack.execute("DELETE FROM __diesel_schema_migrations WHERE version = (SELECT max(version) FROM __diesel_schema_migrations)");
    until_ready(stack.address, ["ok", "pending", "ok"]);
    stack.execute("DROP TABLE __diesel_schema_migrations");
    // Longer than a look counts.
    std::thread::sleep(Duration::from_millis(1100));
    until_ready(stack.address, ["ok", "pending", "ok"]);
}

#[test]
fn a_database_that_is_gone_is_named_and_found_again() {
    let runtime = runtime();
    let database = runtime.block_on(TestDatabase::new());
    let proxy = runtime.block_on(database.proxy());
    let (address, _stop) = start(proxy.url(), &[]);
    until_ready(address, ["ok", "ok", "ok"]);
    proxy.swallow();
    until_ready(address, ["unavailable", "unknown", "ok"]);
    get("/health").send(address).health();
    proxy.cut();
    proxy.open();
    until_ready(address, ["ok", "ok", "ok"]);
}

#[test]
fn a_key_set_that_was_never_fetched_is_named() {
    let nowhere = ("AUTH_JWKS_URL", "http://127.0.0.1:1/jwks");
    let stack = Stack::with(&[nowhere]);
    until_ready(stack.address, ["ok", "ok", "not_fetched"]);
}

#[test]
fn many_requests_make_the_database_work_once_in_a_second() {
    let stack = Stack::new();
    until_ready(stack.address, ["ok", "ok", "ok"]);
    let looks = "SELECT xact_commit::text AS line FROM pg_stat_database WHERE datname = current_database()";
    // What is looked at once, at the start, does not count; and a session publishes a moment later what it did.
    std::thread::sleep(Duration::from_millis(1500));
    let before: i64 = stack.lines(looks)[0].parse().unwrap();
    let since = Instant::now();
    for _ in 0..300 {
        assert_eq!(stack.send(&get("/health/ready")).status, 200);
    }
    std::thread::sleep(Duration::from_millis(1500));
    let transactions = stack.lines(looks)[0].parse::<i64>().unwrap() - before;
    let seconds = i64::try_from(since.elapsed().as_secs()).unwrap();
    assert!(transactions < 20 + seconds, "{transactions} transactions in {seconds} s");
}
