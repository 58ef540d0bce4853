//! `task-api health`: what the health check of a container runs.

use std::{
    io::{Read, Write},
    net::TcpListener,
    thread,
};

use crate::helpers::{
    SECRET,
    program::{NOWHERE, Outcome, Program, run},
    servers::ClosedPort,
};

/// Runs it for a service on that port of loopback, without any other setting.
fn health(port: u16, more: &[(&str, &str)]) -> Outcome {
    let port = port.to_string();
    let variables: Vec<_> = [("PORT", &*port)].into_iter().chain(more.iter().copied()).collect();
    run(&["health"], &variables)
}

#[track_caller]
fn assert_fails(outcome: &Outcome, words: &str) {
    assert_eq!(outcome.code, Some(1), "{}\n{}", outcome.stdout, outcome.stderr);
    assert_eq!(outcome.stdout, "");
    assert_eq!(outcome.stderr.lines().count(), 1, "{}", outcome.stderr);
    assert!(outcome.stderr.contains(words), "{}", outcome.stderr);
}

/// A server that reads the head of one request, and answers with that.
fn server_that_answers(answer: &'static str) -> (u16, thread::JoinHandle<String>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let asked = thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            let mut byte = [0];
            stream.read_exact(&mut byte).unwrap();
            head.push(byte[0]);
        }
        stream.write_all(answer.as_bytes()).unwrap();
        String::from_utf8(head).unwrap()
    });
    (port, asked)
}

#[test]
fn a_service_that_is_up_is_healthy_whatever_its_database_does() {
    let program = Program::start(&[("DATABASE_URL", NOWHERE), ("BETTER_AUTH_SECRET", SECRET)]);
    for host in ["127.0.0.1", "0.0.0.0", "localhost"] {
        // If the proxy were asked, there would be no answer.
        let proxy = "http://127.0.0.1:1";
        let variables = [("HOST", host), ("http_proxy", proxy), ("HTTP_PROXY", proxy), ("ALL_PROXY", proxy)];
        let outcome = health(program.address.port(), &variables);
        assert_eq!(outcome.code, Some(0), "{host}: {}", outcome.stderr);
        assert!(outcome.stdout.contains("the service is up"), "{}", outcome.stdout);
    }
}

#[test]
fn the_check_explains_a_service_that_is_not_there_in_a_sentence() {
    let closed = ClosedPort::new();
    let port = closed.address().port();
    let words = format!("the service does not answer at http://127.0.0.1:{port}/health/live");
    assert_fails(&health(port, &[]), &words);
}

#[test]
fn a_service_that_takes_connections_and_says_nothing_is_not_healthy() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    assert_fails(&health(listener.local_addr().unwrap().port(), &[]), "the service does not answer");
}

#[test]
fn another_answer_than_200_is_not_healthy() {
    let (port, asked) = server_that_answers("HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\n\r\n");
    assert_fails(&health(port, &[]), "answers with status 503");
    assert!(asked.join().unwrap().starts_with("GET /health/live HTTP/1.1\r\n"));
}

#[test]
fn a_port_that_is_not_known_cannot_be_checked() {
    assert_fails(&health(0, &[]), "PORT is 0");
    let outcome = run(&["health"], &[("PORT", "http")]);
    assert_eq!(outcome.code, Some(2), "{}", outcome.stderr);
    assert!(outcome.stderr.contains("PORT must be a whole number"), "{}", outcome.stderr);
}
