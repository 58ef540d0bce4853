//! The real program: how it starts, how it refuses to, and how it stops.

use std::{
    io::ErrorKind,
    net::{SocketAddr, TcpListener, TcpStream},
    thread,
};

use rustix::process::Signal;
use task_adapters::testing::TestDatabase;

use crate::helpers::{
    SECRET,
    client::Connection,
    get, patch, post,
    program::{NOWHERE, Program, run},
    servers::{Session, database, runtime, until_waiting},
    until,
};

#[test]
fn the_program_names_every_fault_of_the_settings_at_once_and_no_secret() {
    let outcome = run(
        &[],
        &[
            ("ENVIRONMENT", "live"),
            ("DATABASE_URL", "mysql://root:hunter2@db/tasks"),
            ("BETTER_AUTH_SECRET", "hunter2-is-too-short"),
            ("CORS_ORIGINS", "https://app.example.com,*"),
            ("PORT", "70000"),
            ("AUTH_LEEWAY_SECONDS", "61"),
            ("LOG_LEVEL", "info,task_api=loud"),
            ("LOG_FORMAT", "xml"),
            ("DATABASE_DEADLINE_MS", "5001"),
            ("DATABASE_POOL_SIZE", "31"),
            ("SHUTDOWN_TIMEOUT_SECONDS", "soon"),
            ("WORKERS", "0"),
        ],
    );
    assert_eq!(outcome.code, Some(2), "{}", outcome.stderr);
    for variable in [
        "ENVIRONMENT",
        "DATABASE_URL",
        "BETTER_AUTH_SECRET",
        "CORS_ORIGINS",
        "PORT",
        "AUTH_LEEWAY_SECONDS",
        "LOG_LEVEL",
        "LOG_FORMAT",
        "DATABASE_DEADLINE_MS",
        "DATABASE_POOL_SIZE",
        "SHUTDOWN_TIMEOUT_SECONDS",
        "WORKERS",
    ] {
        let told = outcome.stderr.lines().any(|line| line.trim_start().starts_with(&format!("{variable} ")));
        assert!(told, "{variable} is not told: {}", outcome.stderr);
        assert!(outcome.stderr.contains(&format!("{variable}=")), "{variable} has no example");
    }
    assert!(!outcome.stderr.contains("hunter2") && !outcome.stdout.contains("hunter2"), "{}", outcome.stderr);
}

#[test]
fn without_the_necessary_settings_both_are_named() {
    let outcome = run(&[], &[("DATABASE_URL", " "), ("BETTER_AUTH_SECRET", "")]);
    assert_eq!(outcome.code, Some(2));
    for variable in ["DATABASE_URL must be set", "BETTER_AUTH_SECRET must be set"] {
        assert!(outcome.stderr.contains(variable), "{}", outcome.stderr);
    }
}

#[test]
fn an_origin_that_is_not_exact_stops_the_start() {
    for (origins, environment) in [
        ("https://a.example,", "dev"),
        (",", "dev"),
        ("https://a.example,,https://b.example", "dev"),
        ("*", "dev"),
        ("null", "dev"),
        ("https://a.example/", "dev"),
        ("https://a.example/app", "dev"),
        ("https://*.example", "dev"),
        ("a.example", "dev"),
        ("https://A.example", "dev"),
        ("https://a.example:443", "dev"),
        ("https://user@a.example", "dev"),
        ("https://a.example?x", "dev"),
        ("ftp://a.example", "dev"),
        ("http://a.example", "production"),
    ] {
        let outcome = run(
            &[],
            &[
                ("ENVIRONMENT", environment),
                ("DATABASE_URL", NOWHERE),
                ("BETTER_AUTH_SECRET", SECRET),
                ("CORS_ORIGINS", origins),
                // Were it to start after all, it would find the port taken.
                ("HOST", "192.0.2.1"),
            ],
        );
        assert_eq!(outcome.code, Some(2), "{origins}: {}", outcome.stderr);
        assert!(outcome.stderr.contains("CORS_ORIGINS"), "{}", outcome.stderr);
    }
}

#[test]
fn origins_are_trimmed_and_taken_as_they_are() {
    let program = Program::start(&[
        ("DATABASE_URL", NOWHERE),
        ("BETTER_AUTH_SECRET", SECRET),
        ("ENVIRONMENT", "production"),
        ("CORS_ORIGINS", "  https://a.example ,\thttp://localhost:3000,https://b.example:8443 "),
    ]);
    for origin in ["https://a.example", "http://localhost:3000", "https://b.example:8443"] {
        let answer = get("/health").header("Origin", origin).send(program.address);
        assert_eq!(answer.header("access-control-allow-origin"), Some(origin));
    }
    assert_eq!(get("/health").send(program.address).health().environment, "production");
}

#[test]
fn the_program_explains_a_port_that_is_taken_in_one_sentence() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().port().to_string();
    let variables = [("DATABASE_URL", NOWHERE), ("BETTER_AUTH_SECRET", SECRET), ("PORT", &*port)];
    let outcome = run(&[], &variables);
    assert_eq!(outcome.code, Some(1), "{}", outcome.stderr);
    let expected = format!("cannot listen on 127.0.0.1:{port}: another program uses this port");
    assert!(outcome.stderr.contains(&expected), "{}", outcome.stderr);
    assert!(
        !outcome.stderr.contains("panicked") && !outcome.stderr.contains("os error"),
        "{}",
        outcome.stderr
    );
    assert_eq!(outcome.stderr.trim_end().lines().count(), 1);
    let all = outcome.stdout + &outcome.stderr;
    assert!(!all.contains("hunter2") && !all.contains(SECRET));
}

#[test]
fn an_unknown_command_is_refused_with_help() {
    let outcome = run(&["server"], &[]);
    assert_eq!(outcome.code, Some(2));
    assert!(outcome.stderr.contains("--help"), "{}", outcome.stderr);
    let help = run(&["--help"], &[]);
    assert_eq!(help.code, Some(0));
    for word in ["serve", "migrate"] {
        assert!(help.stdout.contains(word), "{}", help.stdout);
    }
}

#[test]
fn the_program_starts_while_the_database_is_down_says_so_and_works_once_it_is_up() {
    let runtime = runtime();
    let (database, proxy) = runtime.block_on(async {
        let database = database().await;
        let proxy = database.proxy().await;
        proxy.refuse();
        (database, proxy)
    });
    let program = Program::start(&[("DATABASE_URL", proxy.url()), ("BETTER_AUTH_SECRET", SECRET)]);
    program.wait_for("the database does not answer", |line| line.contains("WARN").then_some(()));
    get("/health").send(program.address).health();
    let list = get("/api/alice/tasks").by("alice");
    list.send(program.address).assert_error(503, "unavailable");
    proxy.open();
    until("it works", || list.send(program.address).status == 200);
    drop(database);
}

#[test]
fn the_program_says_at_its_start_that_migrations_are_missing_and_applies_none() {
    let runtime = runtime();
    let empty = runtime.block_on(TestDatabase::empty());
    let program = Program::start(&[("DATABASE_URL", empty.url()), ("BETTER_AUTH_SECRET", SECRET)]);
    program.wait_for("migrate run", |line| line.contains("task-api migrate run").then_some(()));
    let tables = "SELECT tablename::text AS line FROM pg_tables WHERE schemaname = 'public'";
    assert_eq!(runtime.block_on(empty.lines(tables)), [] as [String; 0]);
}

/// Whether new connections are refused.
fn is_closed(address: SocketAddr) -> bool {
    matches!(TcpStream::connect(address), Err(error) if error.kind() == ErrorKind::ConnectionRefused)
}

#[test]
fn a_stop_finishes_what_is_in_flight_and_takes_nothing_new() {
    let runtime = runtime();
    let database = runtime.block_on(database());
    for signal in [Signal::TERM, Signal::INT] {
        let program = Program::start(&[
            ("DATABASE_URL", database.url()),
            ("BETTER_AUTH_SECRET", SECRET),
            ("SHUTDOWN_TIMEOUT_SECONDS", "3600"),
        ]);
        let address = program.address;
        let task = post("/api/alice/tasks").by("alice").json(r#"{"title":"t"}"#).send(address).task();
        // An idle connection must not hold up the end.
        let mut idle = Connection::open(address);
        idle.send(&get("/health"));

        let holder = Session::open(&runtime, &database);
        holder.lock_tasks();
        let toggle = patch(format!("/api/alice/tasks/{}/complete", task.id)).by("alice");
        let in_flight: Vec<_> = (0..2)
            .map(|_| {
                let toggle = toggle.clone();
                thread::spawn(move || toggle.send(address).task())
            })
            .collect();
        until_waiting(&runtime, &database, 2);
        program.signal(signal);
        until("it takes no new connections", || is_closed(address));
        holder.unlock();
        let mut completed: Vec<_> =
            in_flight.into_iter().map(|thread| thread.join().unwrap().completed).collect();
        completed.sort_unstable();
        assert_eq!(completed, [false, true], "what was in flight is answered");
        let (status, lines) = program.wait();
        assert_eq!(status.code(), Some(0), "{lines:#?}");
        assert!(lines.iter().any(|line| line.contains("stopped")), "{lines:#?}");
    }
    // And the database has no connection of it any more.
    let left = "SELECT pid::text AS line FROM pg_stat_activity WHERE datname = current_database()
        AND application_name = 'task-api' AND pid <> pg_backend_pid()";
    until("PostgreSQL has closed its connections", || runtime.block_on(database.lines(left)).is_empty());
}

#[test]
fn a_stop_waits_no_longer_than_its_limit() {
    let runtime = runtime();
    let database = runtime.block_on(database());
    let program = Program::start(&[
        ("DATABASE_URL", database.url()),
        ("BETTER_AUTH_SECRET", SECRET),
        ("SHUTDOWN_TIMEOUT_SECONDS", "1"),
        ("REQUEST_BODY_TIMEOUT_SECONDS", "300"),
    ]);
    // A client that never sends the rest of its body.
    let mut stuck = Connection::open(program.address);
    let whole = post("/api/alice/tasks").by("alice").json(r#"{"title":"t"}"#).to_bytes();
    stuck.write(&whole[..whole.len() - 3]);
    get("/health").send(program.address).health();
    program.signal(Signal::TERM);
    // Not when the body is given up, which is later than any test waits.
    let (status, lines) = program.wait();
    assert_eq!(status.code(), Some(0), "{lines:#?}");
}

#[test]
fn a_second_signal_ends_the_program_at_once() {
    let program = Program::start(&[
        ("DATABASE_URL", NOWHERE),
        ("BETTER_AUTH_SECRET", SECRET),
        ("SHUTDOWN_TIMEOUT_SECONDS", "3600"),
        ("REQUEST_BODY_TIMEOUT_SECONDS", "300"),
    ]);
    let mut stuck = Connection::open(program.address);
    let whole = post("/api/alice/tasks").by("alice").json(r#"{"title":"t"}"#).to_bytes();
    stuck.write(&whole[..whole.len() - 3]);
    get("/health").send(program.address).health();
    program.signal(Signal::TERM);
    program.wait_for("stopping", |line| line.contains("stopping").then_some(()));
    program.signal(Signal::TERM);
    let (status, lines) = program.wait();
    assert_eq!(status.code(), Some(1), "{lines:#?}");
}

#[test]
fn the_time_in_which_it_serves_on_ends_by_itself() {
    let program = Program::start(&[
        ("DATABASE_URL", NOWHERE),
        ("BETTER_AUTH_SECRET", SECRET),
        ("SHUTDOWN_DRAIN_SECONDS", "1"),
    ]);
    get("/health").send(program.address).health();
    program.signal(Signal::TERM);
    let (status, lines) = program.wait();
    assert_eq!(status.code(), Some(0), "{lines:#?}");
}

#[test]
fn before_it_ends_it_serves_on_says_that_it_is_not_ready_and_ends_every_connection_after_its_answer() {
    let runtime = runtime();
    let database = runtime.block_on(database());
    let program = Program::start(&[
        ("DATABASE_URL", database.url()),
        ("BETTER_AUTH_SECRET", SECRET),
        ("SHUTDOWN_DRAIN_SECONDS", "300"),
    ]);
    let mut kept = Connection::open(program.address);
    let list = get("/api/alice/tasks").by("alice");
    assert_eq!(kept.send(&list).assert_status(200).header("connection"), None);
    get("/health/ready").send(program.address).assert_status(200);

    program.signal(Signal::TERM);
    program.wait_for("stopping", |line| line.contains("stopping").then_some(()));
    let unready = get("/health/ready").send(program.address);
    assert_eq!((unready.status, unready.json()["status"].as_str()), (503, Some("stopping")));
    assert!(unready.header("retry-after").is_some());
    get("/health/live").send(program.address).health();
    // A client that is connected already is answered, and so is a new one; both have to open another connection then.
    assert_eq!(kept.send(&list).assert_status(200).header("connection"), Some("close"));
    assert!(kept.try_read("GET").is_none(), "the connection is ended");
    let create = post("/api/alice/tasks").by("alice").json(r#"{"title":"in the last moment"}"#);
    assert_eq!(create.send(program.address).assert_status(201).header("connection"), Some("close"));

    program.signal(Signal::TERM);
    let (status, lines) = program.wait();
    assert_eq!(status.code(), Some(1), "{lines:#?}");
}
