//! Clients that take their time, and many at once: the service disconnects them, and no other client notices.

use std::{
    io::{ErrorKind, Write as _},
    net::{SocketAddr, TcpStream},
    time::{Duration, Instant},
};

use crate::helpers::{
    SECRET,
    client::Connection,
    get, post,
    program::{NOWHERE, Program},
    until,
};

/// How long a body may take, in these tests.
const BODY_SECONDS: u64 = 1;
/// How many connections are opened at a time: a person's shell allows a thousand files.
const CROWD: usize = 400;
/// The longest time that a body may have.
const LONGEST: u64 = 300;

/// The program over a database that is not there: what is tried here comes before it.
fn program(body_seconds: u64) -> Program {
    let seconds = body_seconds.to_string();
    Program::start(&[
        ("DATABASE_URL", NOWHERE),
        ("BETTER_AUTH_SECRET", SECRET),
        ("REQUEST_BODY_TIMEOUT_SECONDS", &seconds),
    ])
}

/// The head of a request that creates a task, with these lines about its body.
fn head(framing: &str) -> String {
    let head = post("/api/alice/tasks").by("alice").header("Content-Type", "application/json");
    let head = String::from_utf8(head.to_bytes()).unwrap();
    head.trim_end().to_owned() + "\r\n" + framing + "\r\n\r\n"
}

/// Sends a drop every now and then until the server closes the connection.
fn drip(mut connection: &TcpStream, drop: &[u8]) {
    until("the server closes the connection", || connection.write_all(drop).is_err());
}

fn assert_others_are_answered(address: SocketAddr) {
    get("/api/whoami").by("alice").send(address).assert_status(200);
}

#[test]
fn a_body_that_drips_or_never_comes_is_408_in_time_and_its_connection_ends() {
    let program = program(BODY_SECONDS);
    for (framing, begin) in [
        ("Content-Length: 100000", "{"),
        ("Content-Length: 100000", ""),
        ("Transfer-Encoding: chunked", "1\r\n{\r\n"),
    ] {
        let mut connection = Connection::open(program.address);
        connection.write(head(framing).as_bytes());
        connection.write(begin.as_bytes());
        let since = Instant::now();
        let answer = connection.read("POST");
        let took = since.elapsed();
        answer.assert_error(408, "request_timeout");
        assert_eq!(answer.header("connection"), Some("close"), "{framing}");
        assert!(took >= Duration::from_secs(BODY_SECONDS), "{framing}: {took:?}");
        assert!(connection.try_read("POST").is_none(), "the connection is open");
    }
}

#[test]
fn a_body_that_the_service_does_not_need_does_not_keep_its_connection_by_dripping() {
    let program = program(BODY_SECONDS);
    for request in [
        // Answered before the body is read: there is no token; there is no such route.
        head("Content-Length: 100000").replace("Bearer", "Basic"),
        head("Transfer-Encoding: chunked").replace("/api/alice/tasks", "/nowhere"),
    ] {
        let mut connection = Connection::open(program.address);
        connection.write(request.as_bytes());
        let status = connection.read("POST").status;
        assert!(status == 401 || status == 404, "{status}");
        let drop = if request.contains("chunked") { &b"1\r\nx\r\n"[..] } else { b"x" };
        drip(connection.stream(), drop);
    }
}

#[test]
fn the_service_disconnects_a_client_whose_head_drips() {
    let program = program(BODY_SECONDS);
    let stream = TcpStream::connect(program.address).unwrap();
    drip(&stream, b"G");
}

#[test]
fn a_crowd_of_idle_and_of_dripping_connections_holds_up_no_other_client() {
    let program = program(LONGEST);
    let crowd: Vec<_> = (0..CROWD)
        .map(|number| {
            let mut connection = Connection::open(program.address);
            match number % 3 {
                0 => {}
                1 => connection.write(b"GET /health HTTP/1.1\r\nHost: "),
                _ => connection.write(head("Content-Length: 131072").as_bytes()),
            }
            connection
        })
        .collect();
    for _ in 0..20 {
        assert_others_are_answered(program.address);
    }
    // The others have not waited for the end of the crowd: its bodies are still awaited.
    for connection in crowd.iter().skip(2).step_by(3) {
        connection.stream().set_nonblocking(true).unwrap();
        let error = connection.stream().peek(&mut [0]).expect_err("neither an answer nor an end");
        assert_eq!(error.kind(), ErrorKind::WouldBlock, "{error}");
    }
    drop(crowd);
    assert_others_are_answered(program.address);
}

#[test]
fn requests_that_are_sent_without_waiting_are_answered_in_their_order() {
    let program = program(BODY_SECONDS);
    let mut connection = Connection::open(program.address);
    let all: Vec<u8> = (0..100)
        .flat_map(|number| {
            get("/api/whoami").by("alice").header("X-Request-Id", number.to_string()).to_bytes()
        })
        .collect();
    connection.write(&all);
    for number in 0..100 {
        let answer = connection.read("GET");
        answer.assert_status(200);
        assert_eq!(answer.header("x-request-id"), Some(number.to_string().as_str()));
    }
}
