//! Whether the OpenAPI document takes what the service takes, and refuses what it refuses.

use serde_json::{Map, Value, json};

use crate::helpers::{
    Request, Server, get, patch, post, put,
    schema::{resolve, validator},
};

const TASKS: &str = "/api/alice/tasks";
const TASK: &str = "/api/alice/tasks/7";
const COMPLETE: &str = "/api/alice/tasks/7/complete";

fn document(server: &Server) -> Value {
    server.send(&get("/openapi.json")).assert_status(200).json()
}

/// The schema of the body of an operation.
fn body_schema(document: &Value, id: &str) -> Value {
    operation(document, id)["requestBody"]["content"]["application/json"]["schema"].clone()
}

/// The schema of a parameter of an operation.
fn parameter_schema(document: &Value, id: &str, name: &str) -> Value {
    let parameters = operation(document, id)["parameters"].as_array().unwrap();
    parameters.iter().find(|parameter| parameter["name"] == name).unwrap()["schema"].clone()
}

fn operation<'a>(document: &'a Value, id: &str) -> &'a Value {
    let items = document["paths"].as_object().unwrap().values();
    let mut operations = items.flat_map(|item| item.as_object().unwrap().values());
    operations.find(|operation| operation["operationId"] == id).unwrap()
}

/// Every way to choose one value of each member; `None` leaves the member out.
fn bodies(members: &[(&str, Vec<Option<Value>>)]) -> Vec<Value> {
    let mut bodies = vec![Map::new()];
    for (name, values) in members {
        let with = |body: &Map<String, Value>, value: &Option<Value>| {
            let mut body = body.clone();
            body.extend(value.clone().map(|value| ((*name).to_owned(), value)));
            body
        };
        bodies = bodies.iter().flat_map(|body| values.iter().map(|value| with(body, value))).collect();
    }
    bodies.into_iter().map(Value::Object).collect()
}

/// Absent, null, values of other types, and these texts.
fn texts(texts: impl IntoIterator<Item = String>) -> Vec<Option<Value>> {
    let others = [None, Some(Value::Null), Some(json!(1)), Some(json!(["t"]))];
    others.into_iter().chain(texts.into_iter().map(|text| Some(text.into()))).collect()
}

fn titles() -> Vec<Option<Value>> {
    let short =
        ["", " \t", "\u{85}", "\u{3000}\u{2003}", "\u{feff}", "\u{200b}", "t", " t ", "\0", "a\0b", "a\nb"];
    let long = ["x".repeat(200), "x".repeat(201), "🦀".repeat(200), "🦀".repeat(201)];
    texts(short.map(str::to_owned).into_iter().chain(long))
}

fn descriptions() -> Vec<Option<Value>> {
    let long = ["🦀".repeat(10_000), "🦀".repeat(10_001)];
    texts(["", " ", "d\n", "\0"].map(str::to_owned).into_iter().chain(long))
}

/// Members that no body knows, or not every one.
fn others() -> Vec<(&'static str, Vec<Option<Value>>)> {
    vec![
        ("x", vec![None, Some(json!(null)), Some(json!(1))]),
        ("completed", vec![None, Some(json!(null)), Some(json!(true)), Some(json!("true"))]),
    ]
}

/// Bodies about title and description, and about other members beside these.
fn bodies_of_a_task() -> Vec<Value> {
    let few = vec![None, Some(json!(null)), Some(json!("t")), Some(json!("\0"))];
    let beside = [vec![("title", few.clone()), ("description", few)], others()].concat();
    let mut all = bodies(&[("title", titles()), ("description", descriptions())]);
    all.extend(bodies(&beside));
    all
}

/// Fails unless the document and the service judge each of these bodies alike.
fn compare_bodies(id: &str, request: impl Fn() -> Request, bodies: &[Value]) {
    let server = Server::working();
    let document = document(&server);
    let schema = body_schema(&document, id);
    let validator = validator(&document, &schema);
    let mut taken = 0;
    for body in bodies {
        let answer = server.send(&request().by("alice").json(body));
        let is_taken = answer.status < 300;
        assert!(is_taken || answer.status == 400, "{}", answer.text());
        let short: String = body.to_string().chars().take(200).collect();
        assert_eq!(validator.is_valid(body), is_taken, "{id}: {short}: {}", answer.text());
        taken += usize::from(is_taken);
    }
    assert!(0 < taken && taken < bodies.len());
}

/// The operations that read a body, by their names in the document.
fn requests_with_a_body() -> [(&'static str, Request); 4] {
    [
        ("create_task", post(TASKS)),
        ("update_task", put(TASK)),
        ("patch_task", patch(TASK)),
        ("complete_task", patch(COMPLETE)),
    ]
}

#[test]
fn the_document_takes_the_bodies_of_a_create_that_the_service_takes() {
    compare_bodies("create_task", || post(TASKS), &bodies_of_a_task());
}

#[test]
fn the_document_takes_the_bodies_of_an_update_that_the_service_takes() {
    let bodies = bodies_of_a_task();
    for refused in [json!({}), json!({"title": null}), json!({"title": null, "description": null})] {
        assert!(bodies.contains(&refused));
    }
    compare_bodies("update_task", || put(TASK), &bodies);
}

#[test]
fn the_document_takes_the_patches_that_the_service_takes() {
    compare_bodies("patch_task", || patch(TASK), &bodies_of_a_task());
}

#[test]
fn the_document_takes_the_completions_that_the_service_takes() {
    compare_bodies("complete_task", || patch(COMPLETE), &bodies(&others()));
}

#[test]
fn the_document_takes_no_body_that_is_no_object() {
    let server = Server::working();
    let document = document(&server);
    for (id, request) in requests_with_a_body() {
        let schema = body_schema(&document, id);
        for body in [json!(null), json!(true), json!(1), json!("title"), json!([]), json!([{"title": "t"}])] {
            assert!(!validator(&document, &schema).is_valid(&body), "{id}: {body}");
            server.send(&request.clone().by("alice").json(&body)).assert_error(400, "invalid_json");
        }
    }
}

/// A generator makes a limit for forms of `maxLength`, and what is trimmed cannot be said beside it.
#[test]
fn a_title_that_fits_only_once_it_is_trimmed_is_the_one_that_the_document_refuses_and_the_service_takes() {
    let server = Server::working();
    let document = document(&server);
    let body = json!({ "title": format!(" {} ", "x".repeat(200)) });
    for (id, request) in
        [("create_task", post(TASKS)), ("update_task", put(TASK)), ("patch_task", patch(TASK))]
    {
        assert!(!validator(&document, &body_schema(&document, id)).is_valid(&body));
        assert!(server.send(&request.by("alice").json(&body)).status < 300, "{id}");
    }
}

#[test]
fn the_document_takes_the_task_ids_that_the_service_takes() {
    let server = Server::working();
    let document = document(&server);
    let validator = validator(&document, &parameter_schema(&document, "get_task", "id"));
    for (id, is_taken) in [
        (json!(1), true),
        (json!(7), true),
        (json!(i64::MAX), true),
        (json!(0), false),
        (json!(-1), false),
        (json!(9_223_372_036_854_775_808_u64), false),
        (json!(1.5), false),
        (json!("x"), false),
    ] {
        let text = id.as_str().map_or_else(|| id.to_string(), str::to_owned);
        let answer = server.send(&get(format!("{TASKS}/{text}")).by("alice"));
        assert_eq!((validator.is_valid(&id), answer.status != 400), (is_taken, is_taken), "{id}");
    }
}

#[test]
fn the_document_takes_the_parameters_of_a_list_that_the_service_takes() {
    let server = Server::working();
    let document = document(&server);
    let is_valid = |name: &str, value: &Value| {
        validator(&document, &parameter_schema(&document, "list_tasks", name)).is_valid(value)
    };
    for (name, values) in [
        (
            "status",
            [json!("all"), json!("pending"), json!("completed"), json!("ALL"), json!("done"), json!("")],
        ),
        ("sort", [json!("created"), json!("title"), json!("id"), json!("-title"), json!("Title"), json!("")]),
        ("limit", [json!(1), json!(1000), json!(0), json!(1001), json!(-1), json!("x")]),
        ("total", [json!(true), json!(false), json!(1), json!("yes"), json!(""), json!("TRUE")]),
        ("cursor", [json!(""), json!("a"), json!("a.b"), json!("-"), json!("_"), json!("~")]),
    ] {
        for value in values {
            let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
            let answer = server.send(&get(format!("{TASKS}?{name}={text}")).by("alice"));
            // Only the service can know which cursors there are.
            let is_taken = answer.status == 200 || answer.json()["error"] == "invalid_cursor";
            assert_eq!(is_valid(name, &value), is_taken, "{name}={value}: {}", answer.text());
        }
    }
}

#[test]
fn the_document_takes_the_headers_that_the_service_takes() {
    let server = Server::working();
    let document = document(&server);
    let tags = [
        "*",
        "\"1\"",
        "W/\"1\"",
        "\"1\", \"2\"",
        "\"a,b\", W/\"\"",
        "1",
        "\"1",
        "1\"",
        "\"a b\"",
        "w/\"1\"",
        "*, \"1\"",
        "\"1\" \"2\"",
        "**",
        ",",
    ];
    let keys = [
        "a",
        "8e03978e-40d5-43dd-bc93-6894a57f9324",
        "\"a\"",
        "\"a\\\"b\\\\\"",
        "a\"b",
        "~",
        "a b",
        "\"a",
        "\"a b\"",
        "\"\"",
        "\"a\\b\"",
        "\"a\"b",
        "\"a\";q=1",
        "a\u{e9}",
    ];
    let longest = [254, 255, 256].map(|length| "k".repeat(length));
    let quoted = [254, 255, 256].map(|length| format!("\"{}\"", "k".repeat(length)));
    let keys = keys.into_iter().map(str::to_owned).chain(longest).chain(quoted);
    let tags = || tags.into_iter().map(str::to_owned);
    for (id, name, request, values) in [
        ("get_task", "If-None-Match", get(TASK), tags().collect()),
        ("update_task", "If-Match", put(TASK).json(r#"{"title":"t"}"#), tags().collect()),
        ("create_task", "Idempotency-Key", post(TASKS).json("{}"), keys.collect::<Vec<_>>()),
    ] {
        let validator = validator(&document, &parameter_schema(&document, id, name));
        for value in values {
            let answer = server.send(&request.clone().by("alice").header(name, &value));
            let is_refused = answer.status == 400 && answer.json()["error"] == "invalid_header";
            assert_eq!(validator.is_valid(&json!(value)), !is_refused, "{name}: {value}");
        }
    }
}

#[test]
fn every_body_example_is_one_that_the_service_takes() {
    let server = Server::working();
    let document = document(&server);
    for (id, request) in requests_with_a_body() {
        let schema = body_schema(&document, id);
        let answer = server.send(&request.by("alice").json(&resolve(&document, &schema)["example"]));
        assert!(answer.status < 300, "{id}: {}", answer.text());
    }
}
