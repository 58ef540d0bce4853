//! docs/api.md, "Common errors", 503: the database goes away in every way that it can, and comes back.

use std::{thread, time::Duration};

use task_adapters::testing::{Proxy, TestDatabase};
use tokio::{runtime::Runtime, sync::oneshot};

use crate::helpers::{
    Answer, Request, delete, get, patch, post, put,
    servers::{Session, database, runtime, start, until_waiting},
    until,
};

/// Limits that are to be reached.
const IMPATIENT: [(&str, &str); 2] = [("DATABASE_POOL_WAIT_MS", "1000"), ("DATABASE_DEADLINE_MS", "2000")];

/// The server, and a way to its database that can be blocked.
struct Detour {
    address: std::net::SocketAddr,
    proxy: Proxy,
    runtime: Runtime,
    database: TestDatabase,
    _stop: oneshot::Sender<()>,
}

impl Detour {
    /// Without limits of time.
    fn new() -> Self {
        Self::with(&[])
    }

    fn with(variables: &[(&str, &str)]) -> Self {
        let runtime = runtime();
        let (database, proxy) = runtime.block_on(async {
            let database = database().await;
            let proxy = database.proxy().await;
            (database, proxy)
        });
        let (address, stop) = start(proxy.url(), variables);
        Self { address, proxy, runtime, database, _stop: stop }
    }

    fn send(&self, request: &Request) -> Answer {
        request.send(self.address)
    }

    /// Every operation is 503, all at the same time; what needs no database works.
    fn assert_unavailable(&self) {
        thread::scope(|scope| {
            // Twice, so that every connection that was open is tried.
            for request in operations().into_iter().chain(operations()) {
                scope.spawn(move || {
                    let answer = self.send(&request);
                    answer.assert_error(503, "unavailable");
                    let seconds: u32 = answer.header("retry-after").unwrap().parse().unwrap();
                    assert!((1..=60).contains(&seconds));
                });
            }
            scope.spawn(|| {
                self.send(&get("/health")).health();
                self.send(&get("/api/alice/tasks")).assert_error(401, "unauthorized");
                self.send(&get("/api/bob/tasks").by("alice")).assert_error(403, "forbidden");
                let create = post("/api/alice/tasks").by("alice");
                self.send(&create.json("{")).assert_error(400, "invalid_json");
            });
        });
    }

    /// Every operation works again without a restart.
    fn assert_heals(&self) {
        let list = get("/api/alice/tasks").by("alice");
        // Each of the workers has its own connections.
        let mut in_a_row = 0;
        until("the server heals", || {
            in_a_row = if self.send(&list).status == 200 { in_a_row + 1 } else { 0 };
            in_a_row == 20
        });
        let create = post("/api/alice/tasks").by("alice").json(r#"{"title":"after"}"#);
        until("it takes writes", || self.send(&create).status == 201);
    }

    /// Opens connections on every worker.
    fn warm_up(&self) {
        thread::scope(|scope| {
            for _ in 0..8 {
                let list = get("/api/alice/tasks").by("alice");
                scope.spawn(move || until("it is answered", || self.send(&list).status == 200));
            }
        });
    }
}

fn operations() -> [Request; 8] {
    [
        get("/api/alice/tasks"),
        post("/api/alice/tasks").json(r#"{"title":"t"}"#),
        get("/api/alice/tasks/7"),
        put("/api/alice/tasks/7").json(r#"{"title":"t"}"#),
        delete("/api/alice/tasks/7"),
        patch("/api/alice/tasks/7").json("{}"),
        patch("/api/alice/tasks/7/complete"),
        patch("/api/alice/tasks/7/complete").header("Idempotency-Key", "k"),
    ]
    .map(|request| request.by("alice"))
}

#[test]
fn a_database_that_goes_away_is_503_and_heals_by_itself() {
    let detour = Detour::new();
    detour.warm_up();
    detour.proxy.refuse();
    detour.assert_unavailable();
    detour.assert_unavailable();
    detour.proxy.open();
    detour.assert_heals();
}

#[test]
fn a_database_that_was_never_there_is_503_until_it_comes() {
    let detour = Detour::new();
    detour.proxy.refuse();
    detour.assert_unavailable();
    detour.proxy.open();
    detour.assert_heals();
}

#[test]
fn a_database_that_takes_connections_and_never_answers_is_503_in_time() {
    let detour = Detour::with(&IMPATIENT);
    detour.proxy.swallow();
    detour.assert_unavailable();
    detour.proxy.open();
    detour.assert_heals();
}

#[test]
fn a_network_that_swallows_what_is_under_way_is_503_in_time() {
    let detour = Detour::with(&IMPATIENT);
    detour.warm_up();
    detour.proxy.swallow();
    detour.assert_unavailable();
    detour.proxy.open();
    detour.assert_heals();
}

#[test]
fn connections_that_are_cut_are_replaced() {
    let detour = Detour::new();
    for _ in 0..5 {
        detour.warm_up();
        detour.proxy.cut();
        // Time for the news to arrive, without which a request may be in flight that notices.
        thread::sleep(Duration::from_millis(50));
        // Those that were idle are known to be closed; no request has to pay for it.
        for request in operations() {
            let status = detour.send(&request).status;
            assert!([200, 201, 404].contains(&status), "{status}");
        }
    }
}

#[test]
fn a_backend_that_is_terminated_in_mid_statement_is_503() {
    let detour = Detour::new();
    let create = post("/api/alice/tasks").by("alice").json(r#"{"title":"t"}"#);
    let task = detour.send(&create).task();
    let toggle = patch(format!("/api/alice/tasks/{}/complete", task.id)).by("alice");
    let holder = Session::open(&detour.runtime, &detour.database);
    holder.lock_tasks();
    thread::scope(|scope| {
        scope.spawn(|| detour.send(&toggle).assert_error(503, "unavailable"));
        let terminate = "SELECT pg_terminate_backend(pid)::text AS line FROM pg_stat_activity
            WHERE datname = current_database() AND wait_event_type = 'Lock'";
        until("a session waits for the lock", || {
            !detour.runtime.block_on(detour.database.lines(terminate)).is_empty()
        });
    });
    holder.unlock();
    detour.assert_heals();
}

#[test]
fn a_lock_that_is_not_released_is_503_in_time_and_nothing_is_changed() {
    let detour = Detour::with(&[("DATABASE_LOCK_TIMEOUT_MS", "500")]);
    let create = post("/api/alice/tasks").by("alice").json(r#"{"title":"t"}"#);
    let task = detour.send(&create).task();
    let path = format!("/api/alice/tasks/{}", task.id);
    let holder = Session::open(&detour.runtime, &detour.database);
    holder.lock_tasks();
    thread::scope(|scope| {
        for request in [put(&path).json(r#"{"title":"u"}"#), patch(format!("{path}/complete")), delete(&path)]
        {
            let detour = &detour;
            scope.spawn(move || detour.send(&request.by("alice")).assert_error(503, "unavailable"));
        }
    });
    // Reading waits for no lock.
    assert_eq!(detour.send(&get(&path).by("alice")).task(), task);
    holder.unlock();
    assert_eq!(detour.send(&get(&path).by("alice")).task(), task);
    detour.send(&delete(&path).by("alice")).assert_status(200);
}

#[test]
fn when_no_connection_comes_free_it_is_503_in_time() {
    let runtime = runtime();
    let database = runtime.block_on(database());
    let variables = [
        ("WORKERS", "1"),
        ("DATABASE_POOL_MAX", "2"),
        ("DATABASE_POOL_SIZE", "1"),
        ("DATABASE_POOL_WAIT_MS", "500"),
    ];
    let (address, _stop) = start(database.url(), &variables);
    let task = post("/api/alice/tasks").by("alice").json(r#"{"title":"t"}"#).send(address).task();
    let holder = Session::open(&runtime, &database);
    holder.lock_tasks();
    thread::scope(|scope| {
        let path = format!("/api/alice/tasks/{}/complete", task.id);
        scope.spawn(move || assert!(patch(path).by("alice").send(address).task().completed));
        until_waiting(&runtime, &database, 1);
        get("/api/alice/tasks").by("alice").send(address).assert_error(503, "unavailable");
        holder.unlock();
    });
}

#[test]
fn the_client_hears_nothing_of_a_database_without_tables() {
    let runtime = runtime();
    let empty = runtime.block_on(TestDatabase::empty());
    let (address, _stop) = start(empty.url(), &[]);
    let answer = get("/api/alice/tasks").by("alice").send(address);
    answer.assert_error(500, "internal");
    assert!(!answer.text().contains("tasks"), "{}", answer.text());
    get("/health").send(address).health();
}
