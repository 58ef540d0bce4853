//! Traces of the real program, as a collector gets them.

mod troubles;

use opentelemetry_proto::tonic::trace::v1::{Span, span::SpanKind, status::StatusCode};
use rustix::process::Signal;
use serde_json::Value;
use task_adapters::testing::TestDatabase;

use crate::helpers::{
    Request, SECRET,
    collector::{Collector, attribute, hex},
    delete, get, patch, post,
    program::{NOWHERE, Program},
    put, request,
    servers::{database, runtime},
};

const TRACE: &str = "4bf92f3577b34da6a3ce929d0e0e4736";
const CALLER: &str = "00f067aa0ba902b7";
const TASKS: &str = "/api/{user_id}/tasks";

/// What `traceparent` says of a caller whose request is traced, or is not.
fn traceparent(sampled: bool) -> String {
    format!("00-{TRACE}-{CALLER}-0{}", u8::from(sampled))
}

/// The program over that database, with JSON for logs, and with these variables besides.
fn start(database_url: &str, variables: &[(&str, &str)]) -> Program {
    let necessary = [
        ("DATABASE_URL", database_url),
        ("BETTER_AUTH_SECRET", SECRET),
        ("LOG_FORMAT", "json"),
        ("SHUTDOWN_DRAIN_SECONDS", "0"),
    ];
    Program::start(&[&necessary, variables].concat())
}

/// Ends the program, and gives the lines that it wrote.
fn end(program: Program) -> Vec<Value> {
    program.signal(Signal::TERM);
    let (status, lines) = program.wait();
    assert_eq!(status.code(), Some(0), "{lines:#?}");
    lines.iter().map(|line| serde_json::from_str(line).unwrap()).collect()
}

/// What the program sends to a collector when it was asked that, until its end.
fn traced(
    database: &TestDatabase,
    variables: &[(&str, &str)],
    requests: &[Request],
) -> (Collector, Vec<Value>) {
    let collector = Collector::start();
    let url = collector.url();
    let program =
        start(database.url(), &[&[("OTEL_EXPORTER_OTLP_ENDPOINT", url.as_str())], variables].concat());
    for request in requests {
        request.clone().send(program.address);
    }
    let lines = end(program);
    (collector, lines)
}

/// The spans of requests, in the order in which they were answered.
fn servers(spans: &[Span]) -> Vec<&Span> {
    spans.iter().filter(|span| span.kind == SpanKind::Server as i32).collect()
}

fn has_error(span: &Span) -> bool {
    span.status.as_ref().is_some_and(|status| status.code == StatusCode::Error as i32)
}

fn answered(lines: &[Value]) -> Vec<&Value> {
    lines.iter().filter(|line| line["message"] == "answered").collect()
}

#[test]
fn a_request_is_a_span_below_its_callers_and_its_statement_is_one_below_that() {
    let runtime = runtime();
    let database = runtime.block_on(database());
    let list = get("/api/alice/tasks?status=all").by("alice").header("traceparent", traceparent(true));
    let (collector, lines) = traced(&database, &[], &[list.header("tracestate", "vendor=1")]);

    let spans = collector.spans();
    assert_eq!(spans.len(), 2, "{spans:#?}");
    let server = servers(&spans)[0];
    assert_eq!(server.name, format!("GET {TASKS}"));
    assert_eq!((hex(&server.trace_id), hex(&server.parent_span_id)), (TRACE.into(), CALLER.into()));
    assert_eq!(server.trace_state, "vendor=1");
    for (name, expected) in [
        ("http.request.method", Some("GET")),
        ("http.route", Some(TASKS)),
        ("http.response.status_code", Some("200")),
        ("network.protocol.version", Some("1.1")),
        ("url.scheme", Some("http")),
        ("server.address", Some("localhost")),
        ("server.port", None),
        ("error.type", None),
    ] {
        assert_eq!(attribute(&server.attributes, name).as_deref(), expected, "{name}");
    }
    assert!(!has_error(server));

    let client = spans.iter().find(|span| span.kind == SpanKind::Client as i32).unwrap();
    assert_eq!(client.name, "SELECT tasks");
    assert_eq!((&client.trace_id, &client.parent_span_id), (&server.trace_id, &server.span_id));
    for (name, expected) in [
        ("db.system.name", "postgresql"),
        ("db.operation.name", "SELECT"),
        ("db.collection.name", "tasks"),
        ("db.query.summary", "SELECT tasks"),
    ] {
        assert_eq!(attribute(&client.attributes, name).as_deref(), Some(expected), "{name}");
    }
    assert!(client.start_time_unix_nano >= server.start_time_unix_nano);
    assert!(client.end_time_unix_nano <= server.end_time_unix_nano);

    let line = answered(&lines)[0];
    assert_eq!(
        (line["span"]["trace_id"].as_str(), line["span"]["span_id"].as_str()),
        (Some(TRACE), Some(hex(&server.span_id).as_str()))
    );
}

#[test]
fn every_kind_of_statement_has_its_name_and_no_span_identifies_a_user() {
    let runtime = runtime();
    let database = runtime.block_on(database());
    runtime.block_on(database.insert_user("telltale-user"));
    let tasks = "/api/telltale-user/tasks";
    let first = format!("{tasks}/1");
    let body = r#"{"title":"telltale-title","description":"telltale-description"}"#;
    let keyed = |request: Request, key: &str| request.header("Idempotency-Key", key);
    let requests = [
        post(tasks).json(body),
        get(&first),
        put(&first).json(r#"{"title":"telltale-other"}"#),
        patch(format!("{first}/complete")),
        keyed(post(tasks).json(body), "telltale-key"),
        keyed(patch(format!("{first}/complete")), "telltale-key-2"),
        keyed(delete(&first), "telltale-key-3"),
        delete(format!("{tasks}/2")),
        get(format!("{tasks}?status=telltale-query")),
        get("/telltale-route"),
    ];
    let requests = requests.map(|request| request.by("telltale-user").header("User-Agent", "telltale-agent"));
    let secret = ("OTEL_EXPORTER_OTLP_HEADERS", "api-key=telltale-secret");
    let (collector, lines) = traced(&database, &[secret, ("LOG_LEVEL", "debug")], &requests);

    let spans = collector.spans();
    let statements: Vec<_> = spans.iter().filter(|span| span.kind == SpanKind::Client as i32).collect();
    let names: Vec<_> = statements.iter().map(|span| span.name.as_str()).collect();
    assert_eq!(
        names,
        [
            "INSERT tasks",
            "SELECT tasks",
            "UPDATE tasks",
            "UPDATE tasks",
            "INSERT idempotency_keys INSERT tasks",
            "INSERT idempotency_keys UPDATE tasks",
            "INSERT idempotency_keys DELETE tasks",
            "DELETE tasks",
        ]
    );
    assert_eq!(servers(&spans).len(), requests.len());
    for posted in collector.posted() {
        assert!(
            posted.head.starts_with("post /v1/traces http/1.1")
                && posted.head.contains("api-key: telltale-secret")
        );
        assert!(posted.head.contains("content-type: application/x-protobuf"), "{}", posted.head);
        assert!(!posted.body.windows(8).any(|bytes| bytes == b"telltale"));
        assert!(!posted.body.windows(3).any(|bytes| bytes == b"eyJ"), "a token");
    }
    for line in &lines {
        assert!(!line.to_string().contains("telltale"), "{line}");
    }
}

#[test]
fn only_a_fault_of_the_server_is_an_error_and_unknown_methods_and_routes_have_one_name() {
    let collector = Collector::start();
    let program = start(NOWHERE, &[("OTEL_EXPORTER_OTLP_ENDPOINT", &collector.url())]);
    let list = || get("/api/alice/tasks").by("alice");
    list().send(program.address).assert_status(503);
    get("/api/bob/tasks").by("alice").send(program.address).assert_status(403);
    get("/made/up").by("alice").send(program.address).assert_status(404);
    request("BREW", "/api/alice/tasks").by("alice").send(program.address).assert_status(405);
    end(program);

    let spans = collector.spans();
    let told: Vec<_> = servers(&spans)
        .into_iter()
        .map(|span| {
            let of = |name| attribute(&span.attributes, name);
            let status = of("http.response.status_code").unwrap();
            (span.name.clone(), status, of("http.request.method").unwrap(), of("error.type"), has_error(span))
        })
        .collect();
    let row = |name: &str, status: &str, method: &str, error: Option<&str>| {
        (name.to_owned(), status.to_owned(), method.to_owned(), error.map(str::to_owned), error.is_some())
    };
    assert_eq!(
        told,
        [
            row(&format!("GET {TASKS}"), "503", "GET", Some("503")),
            row(&format!("GET {TASKS}"), "403", "GET", None),
            row("GET", "404", "GET", None),
            row(&format!("HTTP {TASKS}"), "405", "_OTHER", None),
        ]
    );
    let statement = spans.iter().find(|span| span.name == "SELECT tasks").unwrap();
    assert!(has_error(statement));
    assert_eq!(attribute(&statement.attributes, "error.type").as_deref(), Some("unavailable"));
    assert!(servers(&spans).iter().all(|span| span.parent_span_id.is_empty()), "no other span called them");
}

#[test]
fn a_caller_that_is_not_traced_is_not_but_its_trace_is_in_the_log() {
    let runtime = runtime();
    let database = runtime.block_on(database());
    let list = get("/api/alice/tasks").by("alice").header("traceparent", traceparent(false));
    let (collector, lines) = traced(&database, &[], &[list]);
    assert!(collector.posted().is_empty());
    assert_eq!(answered(&lines)[0]["span"]["trace_id"], TRACE);
}

#[test]
fn a_caller_that_cannot_be_understood_is_none() {
    let runtime = runtime();
    let database = runtime.block_on(database());
    let health = get("/health");
    let requests = [
        health.clone().header("traceparent", "00-telltale"),
        health.clone().header("traceparent", traceparent(true).to_uppercase()),
        health.clone().header("traceparent", traceparent(true)).header("traceparent", traceparent(true)),
        health.header("tracestate", "vendor=1"),
    ];
    let (collector, _) = traced(&database, &[], &requests);
    let spans = collector.spans();
    let traces: std::collections::HashSet<_> = spans.iter().map(|span| span.trace_id.clone()).collect();
    assert_eq!((spans.len(), traces.len()), (requests.len(), requests.len()), "each has a trace of its own");
    for span in spans {
        assert!(
            hex(&span.trace_id) != TRACE && span.parent_span_id.is_empty() && span.trace_state.is_empty()
        );
    }
}

#[test]
fn the_sampler_decides_and_its_kind_says_whether_the_caller_counts() {
    let runtime = runtime();
    let database = runtime.block_on(database());
    let health = || get("/health");
    let requests = [
        health(),
        health().header("traceparent", traceparent(true)),
        health().header("traceparent", traceparent(false)),
    ];
    for (sampler, ratio, sent) in [
        ("always_on", "", 3),
        ("always_off", "", 0),
        ("parentbased_always_off", "", 1),
        ("parentbased_traceidratio", "0", 1),
        ("traceidratio", "1", 3),
    ] {
        let variables = [("OTEL_TRACES_SAMPLER", sampler), ("OTEL_TRACES_SAMPLER_ARG", ratio)];
        let (collector, _) = traced(&database, &variables, &requests);
        assert_eq!(collector.spans().len(), sent, "{sampler} {ratio}");
    }
}

#[test]
fn the_service_says_who_it_is() {
    let runtime = runtime();
    let database = runtime.block_on(database());
    let attributes = ("OTEL_RESOURCE_ATTRIBUTES", "service.namespace=shop,team=a%2Cb");
    for (name, expected) in [("", "task-api"), ("tasks-of-shop", "tasks-of-shop")] {
        let variables = [attributes, ("OTEL_SERVICE_NAME", name), ("ENVIRONMENT", "staging")];
        let (collector, _) = traced(&database, &variables, &[get("/health")]);
        let export = collector.posted()[0].export();
        let resource = export.resource_spans[0].resource.clone().unwrap();
        for (name, value) in [
            ("service.name", expected),
            ("service.version", env!("CARGO_PKG_VERSION")),
            ("service.namespace", "shop"),
            ("team", "a,b"),
            ("deployment.environment.name", "staging"),
            ("telemetry.sdk.language", "rust"),
        ] {
            assert_eq!(attribute(&resource.attributes, name).as_deref(), Some(value), "{name}");
        }
    }
}

/// Every connection that the program opens by HTTP would go to the collector, which is also its proxy here.
#[test]
fn nothing_is_sent_unless_a_collector_is_named() {
    let runtime = runtime();
    let database = runtime.block_on(database());
    let named = ("OTEL_EXPORTER_OTLP_ENDPOINT", "http://collector.invalid:4318");
    for (variables, sent) in
        [(&[named][..], true), (&[named, ("OTEL_SDK_DISABLED", "true")], false), (&[], false)]
    {
        let collector = Collector::start();
        let proxy = collector.url();
        let program = start(database.url(), &[&[("HTTP_PROXY", proxy.as_str())], variables].concat());
        let list = get("/api/alice/tasks").by("alice").header("traceparent", traceparent(true));
        list.send(program.address).assert_status(200);
        let lines = end(program);
        assert_eq!(!collector.posted().is_empty(), sent, "{variables:?}");
        let line = answered(&lines)[0];
        assert_eq!(line["span"].get("trace_id").is_some(), sent, "{line}");
    }
}

/// A platform sets these variables for all its programs.
#[test]
fn a_protocol_that_is_not_spoken_switches_traces_off_and_the_service_starts() {
    let program = Program::start(&[
        ("DATABASE_URL", NOWHERE),
        ("BETTER_AUTH_SECRET", SECRET),
        ("OTEL_EXPORTER_OTLP_ENDPOINT", "http://127.0.0.1:1"),
        ("OTEL_EXPORTER_OTLP_PROTOCOL", "grpc"),
        ("OTEL_EXPORTER_OTLP_HEADERS", "hunter2"),
    ]);
    get("/health").send(program.address).health();
    program.signal(Signal::TERM);
    let (status, lines) = program.wait();
    assert_eq!(status.code(), Some(0), "{lines:#?}");
    let text = lines.concat();
    assert!(text.contains("no traces are sent: OTEL_EXPORTER_OTLP_PROTOCOL"), "{text}");
    assert!(!text.contains("hunter2"), "{text}");
}
