//! `METRICS_ADDR`: what happens, as numbers, on an address of its own.

use std::net::{SocketAddr, TcpListener};

use crate::helpers::{
    client::{Connection, exchange},
    get, post,
    program::{NOWHERE, Program, run},
    servers::{database, runtime},
    tokens::SECRET,
    until,
};

/// The lines of metrics, and the head of the answer that they came in.
fn scrape(address: SocketAddr) -> (String, Vec<String>) {
    let request = format!("GET /metrics HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n");
    let answer = String::from_utf8(exchange(address, request.as_bytes()).unwrap()).unwrap();
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    (head.to_lowercase(), body.lines().map(str::to_owned).collect())
}

/// The address in the line that says where metrics are served.
fn metrics_address(line: &str) -> Option<SocketAddr> {
    let (_, rest) = line.split_once("serving metrics")?;
    rest.split_once('[')?.1.split_once(']')?.0.parse().ok()
}

#[test]
fn metrics_count_requests_connections_and_limits_name_the_version_and_hold_no_data_of_a_user() {
    let runtime = runtime();
    let database = runtime.block_on(database());
    let program = Program::start(&[
        ("DATABASE_URL", database.url()),
        ("BETTER_AUTH_SECRET", SECRET),
        ("METRICS_ADDR", "127.0.0.1:0"),
        ("RATE_LIMIT_PER_MINUTE", "3"),
        ("CLIENT_CONNECTIONS_MAX", "100"),
    ]);
    let metrics = program.wait_for("serving metrics", metrics_address);
    let create = post("/api/alice/tasks").by("alice").json(r#"{"title":"buy milk"}"#);
    create.send(program.address).assert_status(201);
    for status in [200, 200, 429] {
        get("/api/alice/tasks").by("alice").send(program.address).assert_status(status);
    }
    get("/nowhere").send(program.address).assert_status(401);
    // No client reaches metrics where the API is.
    get("/metrics").send(program.address).assert_status(401);

    let (head, lines) = scrape(metrics);
    assert!(
        head.starts_with("http/1.1 200") && head.contains("content-type: text/plain; version=0.0.4"),
        "{head}"
    );
    let count = |labels: &str| format!("http_server_request_duration_seconds_count{{{labels}}}");
    let tasks = "route=\"/api/{user_id}/tasks\"";
    for expected in [
        format!("{} 1", count(&format!("method=\"POST\",{tasks},status=\"201\""))),
        format!("{} 2", count(&format!("method=\"GET\",{tasks},status=\"200\""))),
        format!("{} 1", count(&format!("method=\"GET\",{tasks},status=\"429\""))),
        format!("{} 2", count("method=\"GET\",route=\"unknown\",status=\"401\"")),
        "task_api_rate_limited_total{limit=\"user\"} 1".to_owned(),
        format!("task_api_build_info{{version=\"{}\"}} 1", env!("CARGO_PKG_VERSION")),
        "task_api_db_waiting_requests 0".to_owned(),
        "task_api_db_connections_max 28".to_owned(),
        "task_api_client_connections_max 100".to_owned(),
    ] {
        assert!(lines.contains(&expected), "{expected}\n\n{lines:#?}");
    }
    let open = |state: &str| {
        let name = format!("task_api_db_connections{{state=\"{state}\"}} ");
        lines.iter().find_map(|line| line.strip_prefix(&name)?.parse::<u32>().ok()).unwrap()
    };
    assert!((1..=28).contains(&(open("in_use") + open("idle"))), "{lines:#?}");
    let all = lines.join("\n");
    assert!(!all.contains("alice") && !all.contains("milk") && !all.contains("nowhere"), "{all}");
}

#[test]
fn clients_are_counted_for_as_long_as_they_are_connected() {
    let program = Program::start(&[
        ("DATABASE_URL", NOWHERE),
        ("BETTER_AUTH_SECRET", SECRET),
        ("METRICS_ADDR", "127.0.0.1:0"),
    ]);
    let metrics = program.wait_for("serving metrics", metrics_address);
    let until_connected = |number: usize| {
        let expected = format!("task_api_client_connections {number}");
        until(&expected, || scrape(metrics).1.contains(&expected));
    };
    until_connected(0);
    let mut clients: Vec<_> = (0..3).map(|_| Connection::open(program.address)).collect();
    // Each asks twice, and counts once.
    for client in &mut clients {
        for _ in 0..2 {
            client.write(&get("/health/live").to_bytes());
            client.read("GET").assert_status(200);
        }
    }
    until_connected(3);
    clients.truncate(1);
    until_connected(1);
}

#[test]
fn nothing_but_metrics_is_served_there() {
    let nowhere = ("DATABASE_URL", "postgres://127.0.0.1:1/nowhere");
    let program = Program::start(&[nowhere, ("BETTER_AUTH_SECRET", SECRET), ("METRICS_ADDR", "127.0.0.1:0")]);
    let metrics = program.wait_for("serving metrics", metrics_address);
    assert!(scrape(metrics).0.starts_with("http/1.1 200"), "the database is not needed for them");
    for target in ["/", "/health", "/api/alice/tasks", "/metrics/"] {
        let request = format!("GET {target} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
        let answer = exchange(metrics, request.as_bytes()).unwrap();
        assert!(answer.starts_with(b"HTTP/1.1 404"), "{target}");
    }
}

#[test]
fn an_address_that_is_taken_or_is_none_stops_the_start() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let nowhere = ("DATABASE_URL", "postgres://127.0.0.1:1/nowhere");
    let with = |address: &str| {
        run(&[], &[nowhere, ("BETTER_AUTH_SECRET", SECRET), ("PORT", "0"), ("METRICS_ADDR", address)])
    };
    let outcome = with(&address);
    assert_eq!(outcome.code, Some(1));
    assert!(outcome.stderr.contains(&format!("cannot serve metrics on {address}")), "{}", outcome.stderr);
    let outcome = with("9464");
    assert_eq!(outcome.code, Some(2));
    assert!(outcome.stderr.contains("METRICS_ADDR must be an address with a port"), "{}", outcome.stderr);
}
