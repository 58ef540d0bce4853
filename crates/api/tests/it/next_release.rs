//! docs/operations.md, "Without downtime": the migrations of the next release run while the program of this one serves.

use std::{
    path::Path,
    sync::{
        Mutex,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    thread,
};

use task_adapters::testing::{LaterMigrations, TestDatabase};

use crate::helpers::{
    Answer, Request, SECRET,
    client::Connection,
    delete, get, patch, post,
    program::Program,
    put,
    servers::{database, runtime},
    until,
};

const CLIENTS: usize = 6;
/// How many requests are answered on each schema, at least.
const ENOUGH: usize = 150;

/// Clients that make use of everything, one round after the other, until `done`.
struct Load {
    answered: AtomicUsize,
    failed: Mutex<Vec<String>>,
    done: AtomicBool,
}

impl Load {
    /// Does `work` under the load, and returns what failed.
    fn during(program: &Program, work: impl FnOnce(&Self)) -> Vec<String> {
        let load =
            Self { answered: AtomicUsize::new(0), failed: Mutex::default(), done: AtomicBool::new(false) };
        thread::scope(|scope| {
            for client in 0..CLIENTS {
                let load = &load;
                scope.spawn(move || {
                    let mut connection = Connection::open(program.address);
                    let rounds = (0..).take_while(|_| !load.done.load(Ordering::Relaxed));
                    rounds.for_each(|round| load.round(&mut connection, &format!("{client}-{round}")));
                });
            }
            let outcome = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| work(&load)));
            load.done.store(true, Ordering::Relaxed);
            outcome.unwrap_or_else(|panic| std::panic::resume_unwind(panic));
        });
        load.failed.into_inner().unwrap()
    }

    /// A task from its creation to its deletion, with every operation that there is.
    fn round(&self, connection: &mut Connection, name: &str) {
        let create = post("/api/alice/tasks").json(&format!(r#"{{"title":"{name}"}}"#));
        let Some(created) = self.send(connection, create.header("Idempotency-Key", name)) else { return };
        let path = format!("/api/alice/tasks/{}", created.task().id);
        let tag = created.header("etag").unwrap();
        for request in [
            get(&path),
            put(&path).json(r#"{"description":"d"}"#).header("If-Match", tag),
            patch(&path).json(r#"{"title":"u"}"#),
            patch(format!("{path}/complete")),
            patch(format!("{path}/complete")).header("Idempotency-Key", format!("{name}-again")),
            get("/api/alice/tasks?limit=3&total=true"),
            get("/api/alice/tasks?limit=3&sort=title"),
            get("/api/alice/tasks?limit=3&status=pending"),
            get("/api/alice/tasks?limit=3&status=completed&sort=title"),
            get("/health/ready"),
            delete(&path),
        ] {
            self.send(connection, request);
        }
    }

    fn send(&self, connection: &mut Connection, request: Request) -> Option<Answer> {
        let request = request.by("alice");
        let answer = connection.send(&request);
        self.answered.fetch_add(1, Ordering::Relaxed);
        let succeeded = (200..300).contains(&answer.status);
        if !succeeded {
            let line = format!("{} {}: {} {}", request.method, request.target, answer.status, answer.text());
            self.failed.lock().unwrap().push(line);
        }
        succeeded.then_some(answer)
    }

    /// Waits until many requests more are answered.
    fn go_on(&self) {
        let answered = || self.answered.load(Ordering::Relaxed);
        let enough = answered() + ENOUGH;
        until("more requests are answered", || answered() >= enough);
    }
}

/// Runs later migrations under load and takes them back, some times, and returns what failed.
fn failures_during(folder: &str, times: usize) -> Vec<String> {
    let runtime = runtime();
    let database = runtime.block_on(database_with_rows());
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/later_migrations").join(folder);
    let later = LaterMigrations::of(folder);
    let program = Program::start(&[("DATABASE_URL", database.url()), ("BETTER_AUTH_SECRET", SECRET)]);
    Load::during(&program, |load| {
        load.go_on();
        for _ in 0..times {
            runtime.block_on(later.run(&database));
            load.go_on();
            runtime.block_on(later.revert(&database));
            load.go_on();
        }
    })
}

/// Enough rows that an index takes a moment.
async fn database_with_rows() -> TestDatabase {
    let database = database().await;
    database
        .execute("INSERT INTO tasks (user_id, title) SELECT 'bob', 'title ' || n FROM generate_series(1, 20000) AS n")
        .await;
    database
}

#[test]
fn no_request_fails_while_an_expanding_migration_runs_or_is_taken_back() {
    let failed = failures_during("expand", 3);
    assert!(failed.is_empty(), "{} failed, such as {:#?}", failed.len(), &failed[..failed.len().min(9)]);
}

/// That the test above would notice.
#[test]
fn requests_fail_while_a_migration_runs_that_the_linter_refuses() {
    let failed = failures_during("refused", 1);
    assert!(failed.iter().any(|line| line.contains(": 500 ")), "{failed:#?}");
}
