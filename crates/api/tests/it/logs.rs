//! The log lines of the real program.

use rustix::process::Signal;
use serde_json::Value;
use task_adapters::testing::TestDatabase;

use crate::helpers::{
    Request, SECRET, delete, get, patch, post,
    program::Program,
    put,
    servers::{database, runtime},
    token,
};

/// Requests of every kind by a user with a tell-tale id, about a task with a tell-tale title.
fn requests(id: i64) -> Vec<(Request, &'static str, u16)> {
    const TASKS: &str = "/api/{user_id}/tasks";
    const TASK: &str = "/api/{user_id}/tasks/{id}";
    const COMPLETE: &str = "/api/{user_id}/tasks/{id}/complete";
    let tasks = "/api/telltale-user/tasks";
    let task = format!("{tasks}/{id}");
    let body = r#"{"title":"telltale-title","description":"telltale-description"}"#;
    let by = |request: Request| request.by("telltale-user");
    vec![
        (get("/health"), "/health", 200),
        (by(get(tasks)), TASKS, 200),
        (by(get(format!("{tasks}?status=telltale-query"))), TASKS, 400),
        (by(post(tasks).json(body)), TASKS, 201),
        (by(post(tasks).json(r#"{"title":"telltale-title\u0000","telltale-member":1}"#)), TASKS, 400),
        (by(post(tasks).json(r#"{"telltale-title"}"#)), TASKS, 400),
        (by(get(&task)), TASK, 200),
        (by(put(&task).json(body)), TASK, 200),
        (by(patch(format!("{task}/complete"))), COMPLETE, 200),
        (by(put(format!("{tasks}/telltale-path")).json(body)), TASK, 400),
        (by(delete(&task)), TASK, 200),
        (by(delete(&task)), TASK, 404),
        (get(tasks).bearing("telltale-token"), TASKS, 401),
        (get(tasks).by("telltale@mail.example"), TASKS, 403),
        (get("/telltale-route"), "unknown", 401),
        (by(get("/telltale-route")), "unknown", 404),
        (by(patch(tasks)), TASKS, 405),
    ]
}

#[test]
fn each_request_is_one_line_of_json_and_no_line_identifies_a_user() {
    let runtime = runtime();
    let database = runtime.block_on(database());
    runtime.block_on(database.insert_user("telltale-user"));
    let program = Program::start(&[
        ("ENVIRONMENT", "production"),
        ("DATABASE_URL", database.url()),
        ("BETTER_AUTH_SECRET", SECRET),
        // A target or a span would take precedence over the limits of a filter of its kind.
        ("LOG_LEVEL", "trace,tokio_postgres::connect=trace,tokio_postgres::query=trace,[request]=trace"),
    ]);
    let create = post("/api/telltale-user/tasks").by("telltale-user").json(r#"{"title":"telltale-title"}"#);
    let id = create.header("X-Request-Id", "first").send(program.address).task().id;
    let requests = requests(id);
    for (number, (request, _, status)) in requests.iter().enumerate() {
        let request = request.clone().header("X-Request-Id", format!("request-{number}"));
        request.header("User-Agent", "telltale-agent").send(program.address).assert_status(*status);
    }
    program.signal(Signal::TERM);
    let (_, lines) = program.wait();

    let parsed: Vec<Value> = lines
        .iter()
        .map(|line| serde_json::from_str(line).unwrap_or_else(|_| panic!("no JSON: {line}")))
        .collect();
    for (number, (request, route, status)) in requests.iter().enumerate() {
        let id = format!("request-{number}");
        let of_request: Vec<_> = parsed
            .iter()
            .filter(|line| line["message"] == "answered" && line["span"]["request_id"] == id.as_str())
            .collect();
        assert_eq!(of_request.len(), 1, "{id}: {lines:#?}");
        let line = of_request[0];
        assert_eq!(line["route"], *route);
        assert_eq!(line["status"].to_string(), status.to_string());
        assert_eq!(line["span"]["method"], request.method.as_str());
        assert!(line["duration_us"].as_u64().unwrap() > 0);
        assert!(of_request[0]["timestamp"].is_string() && of_request[0]["level"] == "INFO");
    }
    let signature = token("telltale-user").rsplit('.').next().unwrap().to_owned();
    for line in &lines {
        // A library that logs the bytes of a text writes them as numbers.
        let bytes = format!("{:?}", b"telltale");
        let bytes = bytes.trim_matches(['[', ']']);
        for secret in ["telltale", bytes, "mail.example", SECRET, &signature, "eyJ", "Bearer", "password"] {
            assert!(!line.contains(secret), "{secret} in {line}");
        }
    }
}

/// The lines of the request `mine-1`, which the program over that database answers with `status`.
fn lines_of_a_failure(database_url: &str, status: u16) -> Vec<Value> {
    let program = Program::start(&[
        ("DATABASE_URL", database_url),
        ("BETTER_AUTH_SECRET", SECRET),
        ("LOG_FORMAT", "json"),
    ]);
    let list = get("/api/telltale-user/tasks").by("telltale-user").header("X-Request-Id", "mine-1");
    list.send(program.address).assert_status(status);
    program.signal(Signal::TERM);
    let (_, lines) = program.wait();
    assert!(lines.iter().all(|line| !line.contains("telltale")), "{lines:#?}");
    lines
        .iter()
        .map(|line| serde_json::from_str(line).unwrap())
        .filter(|line: &Value| line["span"]["request_id"] == "mine-1")
        .collect()
}

#[test]
fn a_failure_is_logged_once_with_its_cause_and_the_id_of_its_request() {
    let runtime = runtime();
    let empty = runtime.block_on(TestDatabase::empty());
    let nowhere = "postgres://telltale-login:telltale-password@127.0.0.1:1/nowhere";
    for (url, status, level, cause) in
        [(nowhere, 503, "WARN", "refused"), (empty.url(), 500, "ERROR", r#"relation "tasks" does not exist"#)]
    {
        let lines = lines_of_a_failure(url, status);
        let failures: Vec<_> = lines.iter().filter(|line| line["level"] != "INFO").collect();
        assert_eq!(failures.len(), 1, "{lines:#?}");
        assert_eq!(failures[0]["level"], level);
        assert!(failures[0]["error"].as_str().unwrap().contains(cause), "{}", failures[0]);
        assert_eq!(lines.iter().filter(|line| line["message"] == "answered").count(), 1);
    }
}

#[test]
fn lines_for_people_are_the_default_outside_production() {
    for (variables, json) in [
        (&[("ENVIRONMENT", "dev")][..], false),
        (&[("ENVIRONMENT", "staging")], false),
        (&[("ENVIRONMENT", "production")], true),
        (&[("ENVIRONMENT", "production"), ("LOG_FORMAT", "pretty")], false),
        (&[("LOG_FORMAT", "json")], true),
    ] {
        let mut all =
            vec![("DATABASE_URL", "postgres://127.0.0.1:1/nowhere"), ("BETTER_AUTH_SECRET", SECRET)];
        all.extend_from_slice(variables);
        let program = Program::start(&all);
        get("/health").send(program.address).health();
        program.wait_for("/health", |line| line.contains("/health").then_some(()));
        for line in program.lines() {
            assert_eq!(serde_json::from_str::<Value>(&line).is_ok(), json, "{variables:?}: {line}");
            assert!(!line.contains('\u{1b}'), "colours in a file: {line}");
        }
    }
}
