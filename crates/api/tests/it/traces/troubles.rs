//! Collectors that are not as they should be.

use std::{
    net::TcpListener,
    time::{Duration, Instant},
};

use rustix::process::Signal;

use super::{end, start};
use crate::helpers::{client::Connection, collector::Collector, get, post, program::NOWHERE};

#[test]
fn the_collector_may_be_down_or_silent_and_nobody_waits_for_it() {
    let silent = Collector::start();
    silent.fall_silent();
    let nobody = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let nobody = format!("http://{nobody}");
    for (endpoint, timeout, warnings) in [(silent.url(), "300", 1), (silent.url(), "", 0), (nobody, "", 1)] {
        let program = start(
            NOWHERE,
            &[
                ("OTEL_EXPORTER_OTLP_ENDPOINT", &endpoint),
                ("OTEL_EXPORTER_OTLP_TIMEOUT", timeout),
                ("LOG_LEVEL", "warn,task_api::startup=info"),
            ],
        );
        let mut connection = Connection::open(program.address);
        let mut slowest = Duration::ZERO;
        // More than are sent at a time.
        for _ in 0..2_000 {
            let began = Instant::now();
            connection.send(&get("/health")).assert_status(200);
            slowest = slowest.max(began.elapsed());
        }
        assert!(slowest < Duration::from_secs(1), "{endpoint}: {slowest:?}");
        if warnings > 0 {
            program.wait_for("a warning", |line| line.contains("cannot be sent").then_some(()));
        }
        drop(connection);
        let began = Instant::now();
        let lines = end(program);
        assert!(began.elapsed() < Duration::from_secs(5), "{endpoint}: {:?}", began.elapsed());
        let told =
            lines.iter().filter(|line| line["message"].as_str().unwrap().contains("traces cannot be sent"));
        assert_eq!(told.count(), warnings, "{lines:#?}");
        let of_sdk = lines.iter().filter(|line| line["target"] == "opentelemetry_sdk");
        assert!(of_sdk.count() <= 1, "that the end came before the last spans were sent: {lines:#?}");
    }
}

#[test]
fn a_second_signal_does_not_wait_for_the_collector() {
    let silent = Collector::start();
    silent.fall_silent();
    let program = start(NOWHERE, &[("OTEL_EXPORTER_OTLP_ENDPOINT", &silent.url())]);
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
    let (status, lines) = program.wait(Duration::from_secs(10));
    assert_eq!(status.code(), Some(1), "{lines:#?}");
    assert!(began.elapsed() < Duration::from_secs(2), "{:?}: {lines:#?}", began.elapsed());
}

#[test]
fn a_collector_that_refuses_is_told_of_once_and_that_it_takes_spans_again_too() {
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
    let told =
        |text: &str| lines.iter().filter(|line| line["message"].as_str().unwrap().starts_with(text)).count();
    assert_eq!((told("traces cannot be sent"), told("traces are sent again")), (1, 1));
    assert!(collector.posted().len() > 3, "they were sent in several posts");
}
