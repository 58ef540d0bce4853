//! Collectors that are not as they should be.

use std::{
    thread,
    time::{Duration, Instant},
};

use rustix::process::Signal;

use super::{end, start};
use crate::helpers::{
    client::Connection, collector::Collector, get, post, program::NOWHERE, servers::ClosedPort,
};

/// The longest that the program waits for a collector. A request that took so long would have waited for it.
const LONGEST: Duration = Duration::from_mins(1);

#[test]
fn the_collector_may_be_down_or_silent_and_no_request_waits_for_it() {
    let silent = Collector::start();
    silent.fall_silent();
    let closed = ClosedPort::new();
    let (silent, closed) = (silent.url(), format!("http://{}", closed.address()));
    thread::scope(|scope| {
        for (endpoint, timeout, warnings) in
            [(&silent, "300", 1), (&silent, "60000", 0), (&closed, "60000", 1)]
        {
            scope.spawn(move || assert_does_not_wait(endpoint, timeout, warnings));
        }
    });
}

/// Sends more requests than there are spans in a post, and ends the program.
fn assert_does_not_wait(endpoint: &str, timeout: &str, warnings: usize) {
    let program = start(
        NOWHERE,
        &[
            ("OTEL_EXPORTER_OTLP_ENDPOINT", endpoint),
            ("OTEL_EXPORTER_OTLP_TIMEOUT", timeout),
            ("LOG_LEVEL", "warn,task_api::startup=info"),
        ],
    );
    let mut connection = Connection::open(program.address);
    let mut slowest = Duration::ZERO;
    for _ in 0..2_000 {
        let began = Instant::now();
        connection.send(&get("/health")).assert_status(200);
        slowest = slowest.max(began.elapsed());
    }
    assert!(slowest < LONGEST, "{endpoint}: {slowest:?}");
    if warnings > 0 {
        program.wait_for("a warning", |line| line.contains("cannot be sent").then_some(()));
    }
    drop(connection);
    let began = Instant::now();
    let lines = end(program);
    assert!(began.elapsed() < LONGEST, "{endpoint}: {:?}", began.elapsed());
    let said =
        lines.iter().filter(|line| line["message"].as_str().unwrap().contains("traces cannot be sent"));
    assert_eq!(said.count(), warnings, "{lines:#?}");
    let of_sdk = lines.iter().filter(|line| line["target"] == "opentelemetry_sdk");
    assert!(of_sdk.count() <= 1, "that the end came before the last spans were sent: {lines:#?}");
}

#[test]
fn a_second_signal_does_not_wait_for_the_collector() {
    let silent = Collector::start();
    silent.fall_silent();
    let variables =
        [("OTEL_EXPORTER_OTLP_ENDPOINT", &*silent.url()), ("OTEL_EXPORTER_OTLP_TIMEOUT", "60000")];
    let program = start(NOWHERE, &variables);
    get("/health").send(program.address).health();
    // A client that never sends the rest of its body.
    let mut stuck = Connection::open(program.address);
    let whole = post("/api/alice/tasks").by("alice").json(r#"{"title":"t"}"#).to_bytes();
    stuck.write(&whole[..whole.len() - 3]);
    get("/health").send(program.address).health();
    program.signal(Signal::TERM);
    program.wait_for("stopping", |line| line.contains("stopping").then_some(()));
    program.signal(Signal::TERM);
    let began = Instant::now();
    let (status, lines) = program.wait();
    assert_eq!(status.code(), Some(1), "{lines:#?}");
    assert!(began.elapsed() < LONGEST, "{:?}: {lines:#?}", began.elapsed());
}

#[test]
fn the_program_logs_once_that_a_collector_refuses_and_once_that_it_takes_spans_again() {
    let collector = Collector::start();
    collector.answer(401);
    let program = start(NOWHERE, &[("OTEL_EXPORTER_OTLP_ENDPOINT", &collector.url())]);
    let mut connection = Connection::open(program.address);
    for _ in 0..3_000 {
        connection.send(&get("/health")).assert_status(200);
    }
    collector.wait_for_a_post();
    let warning =
        program.wait_for("a warning", |line| line.contains("traces cannot be sent").then(|| line.to_owned()));
    assert!(warning.contains("401") && warning.contains("WARN"), "{warning}");
    collector.answer(200);
    get("/health").send(program.address).health();
    drop(connection);
    let lines = end(program);
    let said =
        |text: &str| lines.iter().filter(|line| line["message"].as_str().unwrap().starts_with(text)).count();
    assert_eq!((said("traces cannot be sent"), said("traces are sent again")), (1, 1));
    assert!(collector.posted().len() > 3, "they were sent in several posts");
}
