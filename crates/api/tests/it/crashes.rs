//! docs/api.md, "Idempotency", the promise: a client that repeats a request with its key until it gets an answer
//! has had the effect exactly once, even when the server was killed at any point in between.

use std::{
    net::SocketAddr,
    sync::{
        RwLock,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    thread,
    time::Duration,
};

use rustix::process::Signal;

use crate::helpers::{
    Dice, Request, SECRET, get, patch, post,
    program::Program,
    servers::{database, runtime},
    until,
};

const CLIENTS: usize = 4;
const KILLS: usize = 20;

/// A program that is killed and started again while clients talk to it.
struct Mortal {
    url: String,
    address: RwLock<SocketAddr>,
    /// How many requests have been answered.
    answered: AtomicUsize,
}

impl Mortal {
    fn start(url: &str) -> (Self, Program) {
        let program = Self::program(url);
        (
            Self {
                url: url.to_owned(),
                address: RwLock::new(program.address),
                answered: AtomicUsize::new(0),
            },
            program,
        )
    }

    fn program(url: &str) -> Program {
        Program::start(&[
            ("DATABASE_URL", url),
            ("BETTER_AUTH_SECRET", SECRET),
            ("LOG_LEVEL", "warn,task_api::startup=info"),
        ])
    }

    /// Sends a request again and again, blindly, until it is answered.
    fn insist(&self, request: &Request) -> u16 {
        loop {
            let address = *self.address.read().unwrap();
            match request.try_send(address).map(|answer| answer.status) {
                Ok(409 | 503) | Err(_) => thread::sleep(Duration::from_millis(10)),
                Ok(status) => {
                    self.answered.fetch_add(1, Ordering::Relaxed);
                    return status;
                }
            }
        }
    }

    /// Kills the program `KILLS` times and starts another one, each time when another part of `count` requests has been
    /// answered, and then at a random moment. Ends when the clients are done.
    fn kill_now_and_then(&self, mut program: Program, count: usize, done: &AtomicBool) {
        let mut dice = Dice(0xdead);
        let is_done = || done.load(Ordering::Relaxed);
        for kill in 0..KILLS {
            let enough = count * kill / (KILLS + 1);
            until("more requests are answered", || {
                self.answered.load(Ordering::Relaxed) >= enough || is_done()
            });
            thread::sleep(Duration::from_micros(dice.roll(20_000) as u64));
            program.signal(Signal::KILL);
            program.wait();
            program = Self::program(&self.url);
            *self.address.write().unwrap() = program.address;
        }
        until("all requests are answered", is_done);
    }
}

/// Has `count` requests sent by several clients while the program is killed.
fn under_fire(url: &str, count: usize, request: impl Fn(usize) -> Request + Sync, expected: u16) {
    let (mortal, program) = Mortal::start(url);
    let (next, done) = (AtomicUsize::new(0), AtomicBool::new(false));
    thread::scope(|scope| {
        let killer = scope.spawn(|| mortal.kill_now_and_then(program, count, &done));
        let clients: Vec<_> = (0..CLIENTS)
            .map(|_| {
                scope.spawn(|| {
                    loop {
                        let number = next.fetch_add(1, Ordering::Relaxed);
                        if number >= count {
                            break;
                        }
                        assert_eq!(mortal.insist(&request(number)), expected);
                    }
                })
            })
            .collect();
        let outcomes: Vec<_> = clients.into_iter().map(thread::ScopedJoinHandle::join).collect();
        done.store(true, Ordering::Relaxed);
        for outcome in outcomes {
            outcome.unwrap();
        }
        killer.join().unwrap();
    });
}

#[test]
fn two_thousand_creates_that_are_repeated_blindly_make_two_thousand_tasks() {
    let runtime = runtime();
    let database = runtime.block_on(database());
    let create = |number: usize| {
        let body = serde_json::json!({ "title": format!("t{number}") });
        post("/api/alice/tasks").by("alice").json(&body).header("Idempotency-Key", format!("k{number}"))
    };
    under_fire(database.url(), 2000, create, 201);
    let counts = "SELECT count(*) || ' tasks of ' || count(DISTINCT title) || ' titles' AS line FROM tasks";
    assert_eq!(runtime.block_on(database.lines(counts)), ["2000 tasks of 2000 titles"]);
}

#[test]
fn toggles_that_are_repeated_blindly_count_once_each() {
    const TOGGLES: u16 = 501;
    let runtime = runtime();
    let database = runtime.block_on(database());
    let task = {
        let program = Mortal::program(database.url());
        post("/api/alice/tasks").by("alice").json(r#"{"title":"t"}"#).send(program.address).task()
    };
    let path = format!("/api/alice/tasks/{}/complete", task.id);
    let toggle = |number: usize| patch(&path).by("alice").header("Idempotency-Key", format!("k{number}"));
    under_fire(database.url(), usize::from(TOGGLES), toggle, 200);
    let program = Mortal::program(database.url());
    let after = get(format!("/api/alice/tasks/{}", task.id)).by("alice").send(program.address).task();
    assert_eq!((after.completed, after.version), (true, 1 + i64::from(TOGGLES)));
}

#[test]
fn a_key_outlives_the_program_that_it_was_used_with() {
    let runtime = runtime();
    let database = runtime.block_on(database());
    let create = post("/api/alice/tasks").by("alice").json(r#"{"title":"t"}"#).header("Idempotency-Key", "k");
    let first = create.send(Mortal::program(database.url()).address);
    let again = create.send(Mortal::program(database.url()).address);
    assert_eq!((again.status, &again.body), (201, &first.body));
    assert_eq!(again.header("idempotency-replayed"), Some("true"));
}
