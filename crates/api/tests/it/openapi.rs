//! The OpenAPI document, and whether the answers are what it says.

use std::collections::BTreeSet;

use serde_json::{Value, json};
use task_domain::{RepositoryError, testing::MockTaskRepository};

use crate::helpers::{
    Request, Server, delete, get, patch, post, put,
    schema::{assert_valid, resolve},
};

fn document() -> Value {
    Server::without_port().send(&get("/openapi.json")).assert_status(200).json()
}

const METHODS: [&str; 8] = ["get", "put", "post", "delete", "options", "head", "patch", "trace"];

/// Path, method and operation of everything in the document.
fn operations(document: &Value) -> Vec<(&str, &'static str, &Value)> {
    let mut operations = Vec::new();
    for (path, item) in document["paths"].as_object().unwrap() {
        for (name, operation) in item.as_object().unwrap() {
            let method = METHODS.into_iter().find(|method| method == name);
            operations.push((path.as_str(), method.expect("a method"), operation));
        }
    }
    operations
}

#[test]
fn the_document_is_openapi_3_1_with_the_configured_title_and_version() {
    let document = document();
    assert!(document["openapi"].as_str().unwrap().starts_with("3.1."));
    assert_eq!(
        (&document["info"]["title"], &document["info"]["version"]),
        (&json!("Tasks"), &json!("1.2.3"))
    );
    let known = [
        "openapi",
        "info",
        "jsonSchemaDialect",
        "servers",
        "paths",
        "webhooks",
        "components",
        "security",
        "tags",
        "externalDocs",
    ];
    assert!(document.as_object().unwrap().keys().all(|key| known.contains(&key.as_str())));
}

#[test]
fn every_reference_leads_somewhere_and_no_schema_is_left_over() {
    fn collect(value: &Value, references: &mut BTreeSet<String>) {
        match value {
            Value::Object(members) => {
                for (name, member) in members {
                    match member.as_str() {
                        Some(reference) if name == "$ref" => drop(references.insert(reference.to_owned())),
                        _ => collect(member, references),
                    }
                }
            }
            Value::Array(items) => items.iter().for_each(|item| collect(item, references)),
            _ => {}
        }
    }
    let document = document();
    let mut references = BTreeSet::new();
    collect(&document, &mut references);
    for reference in &references {
        assert!(document.pointer(&reference[1..]).is_some(), "{reference} leads nowhere");
    }
    for name in document["components"]["schemas"].as_object().unwrap().keys() {
        assert!(references.contains(&format!("#/components/schemas/{name}")), "nothing uses {name}");
    }
}

/// `NewTask` beside `Task`: Go calls the constructor of the one as the other.
#[test]
fn no_schema_is_called_as_the_constructor_of_another() {
    let document = document();
    let schemas = document["components"]["schemas"].as_object().unwrap();
    for name in schemas.keys() {
        assert!(!schemas.contains_key(&format!("New{name}")), "New{name} and {name}");
    }
}

/// A link of an identifier that names two licences leads nowhere.
#[test]
fn the_licence_has_an_address_and_no_identifier() {
    let licence = &document()["info"]["license"];
    assert!(licence["url"].as_str().unwrap().starts_with("https://"), "{licence}");
    assert_eq!(licence.get("identifier"), None);
}

/// Every operation with its parameters (`?` for the query, `:` for a header) and its statuses.
const CONTRACT: [(&str, &str, &str); 11] = [
    ("get /health", "", "200 500"),
    ("get /health/live", "", "200 500"),
    ("get /health/ready", "", "200 500 503"),
    ("get /api/whoami", "", "200 401 429 500 503"),
    (
        "get /api/{user_id}/tasks",
        "user_id ?status ?sort ?limit ?cursor ?total",
        "200 400 401 403 429 500 503",
    ),
    (
        "post /api/{user_id}/tasks",
        "user_id Idempotency-Key:",
        "201 400 401 403 408 409 413 415 422 429 500 503",
    ),
    ("get /api/{user_id}/tasks/{id}", "user_id id If-None-Match:", "200 304 400 401 403 404 429 500 503"),
    (
        "put /api/{user_id}/tasks/{id}",
        "user_id id If-Match: Idempotency-Key:",
        "200 400 401 403 404 408 409 412 413 415 422 429 500 503",
    ),
    (
        "patch /api/{user_id}/tasks/{id}",
        "user_id id If-Match: Idempotency-Key:",
        "200 400 401 403 404 408 409 412 413 415 422 429 500 503",
    ),
    (
        "delete /api/{user_id}/tasks/{id}",
        "user_id id If-Match: Idempotency-Key:",
        "200 400 401 403 404 409 412 422 429 500 503",
    ),
    (
        "patch /api/{user_id}/tasks/{id}/complete",
        "user_id id If-Match: Idempotency-Key:",
        "200 400 401 403 404 408 409 412 413 415 422 429 500 503",
    ),
];

/// The names of an operation's parameters, marked with their places as in [`CONTRACT`].
fn parameters_of(operation: &Value) -> String {
    let mark = |parameter: &Value| {
        let name = parameter["name"].as_str().unwrap();
        match parameter["in"].as_str() {
            Some("path") => name.to_owned(),
            Some("query") => format!("?{name}"),
            Some("header") => format!("{name}:"),
            place => panic!("{name} in {place:?}"),
        }
    };
    let parameters = operation["parameters"].as_array().into_iter().flatten();
    parameters.map(mark).collect::<Vec<_>>().join(" ")
}

#[test]
fn operations_parameters_and_statuses_are_those_of_the_contract() {
    let document = document();
    let found: BTreeSet<_> = operations(&document)
        .into_iter()
        .map(|(path, method, operation)| {
            let statuses = operation["responses"].as_object().unwrap().keys();
            let statuses = statuses.map(String::as_str).collect::<Vec<_>>().join(" ");
            (format!("{method} {path}"), parameters_of(operation), statuses)
        })
        .collect();
    let expected = CONTRACT.map(|(operation, parameters, statuses)| {
        (operation.to_owned(), parameters.to_owned(), statuses.to_owned())
    });
    assert_eq!(found, BTreeSet::from(expected));
}

#[test]
fn operation_ids_are_unique_and_every_operation_says_what_it_does() {
    let document = document();
    let operations = operations(&document);
    let ids: BTreeSet<_> =
        operations.iter().map(|(_, _, operation)| operation["operationId"].as_str().unwrap()).collect();
    assert_eq!(ids.len(), operations.len());
    for (path, method, operation) in operations {
        assert!(operation["summary"].as_str().is_some_and(|text| text.ends_with('.')), "{method} {path}");
    }
}

#[test]
fn everything_but_health_needs_the_bearer_token() {
    let document = document();
    let schemes = document["components"]["securitySchemes"].as_object().unwrap();
    assert_eq!(schemes.len(), 1);
    let (name, scheme) = schemes.iter().next().unwrap();
    assert_eq!(
        (&scheme["type"], &scheme["scheme"], &scheme["bearerFormat"]),
        (&json!("http"), &json!("bearer"), &json!("JWT"))
    );
    for (path, method, operation) in operations(&document) {
        let public = ["/health", "/health/live", "/health/ready"].contains(&path);
        let expected = if public { json!([{}]) } else { json!([{ name: [] }]) };
        assert_eq!(operation["security"], expected, "{method} {path}");
    }
}

#[test]
fn every_parameter_is_described_and_those_of_the_path_are_in_its_template() {
    let document = document();
    for (path, method, operation) in operations(&document) {
        let parameters = operation["parameters"].as_array().cloned().unwrap_or_default();
        let in_path = parameters.iter().filter(|parameter| parameter["in"] == "path");
        let named: Vec<_> = in_path.map(|parameter| parameter["name"].as_str().unwrap()).collect();
        let template = path.split('/').filter_map(|segment| segment.strip_prefix('{')?.strip_suffix('}'));
        assert_eq!(named, template.collect::<Vec<_>>(), "{method} {path}");
        for parameter in &parameters {
            assert_eq!(parameter["required"] == true, parameter["in"] == "path", "{parameter}");
            assert!(!parameter["schema"].is_null() && parameter["description"].is_string());
        }
    }
}

#[test]
fn the_query_of_a_list_says_what_it_can_be_and_what_it_is_by_default() {
    let document = document();
    let parameters = document["paths"]["/api/{user_id}/tasks"]["get"]["parameters"].as_array().unwrap();
    let of = |name| &parameters.iter().find(|parameter| parameter["name"] == name).unwrap()["schema"];
    assert_eq!(of("status")["enum"], json!(["all", "pending", "completed"]));
    assert_eq!(of("status")["default"], "all");
    assert_eq!(of("sort")["enum"], json!(["created", "title"]));
    assert_eq!(of("sort")["default"], "created");
}

#[test]
fn every_answer_is_described_with_its_headers() {
    let document = document();
    for (path, method, operation) in operations(&document) {
        let idempotent = parameters_of(operation).contains("Idempotency-Key:");
        for (status, response) in operation["responses"].as_object().unwrap() {
            let at = format!("{method} {path} {status}");
            let response = resolve(&document, response);
            assert!(response["description"].as_str().is_some_and(|text| !text.is_empty()), "{at}");
            let schema = &response["content"]["application/json"]["schema"];
            assert_eq!(schema.is_object(), status != "304", "{at}");
            let mut expected = vec!["X-Request-Id"];
            expected.extend(match status.as_str() {
                "201" => Some("Location"),
                "401" => Some("WWW-Authenticate"),
                "409" | "429" | "503" => Some("Retry-After"),
                "304" | "412" => Some("ETag"),
                "415" if operation["operationId"] == "patch_task" => Some("Accept-Patch"),
                _ => None,
            });
            expected.extend(match schema["$ref"].as_str() {
                Some("#/components/schemas/Task") => Some("ETag"),
                Some("#/components/schemas/TaskList") => Some("Link"),
                _ => None,
            });
            let knows_the_user = operation["security"] != json!([{}]) && status != "401";
            expected
                .extend(knows_the_user.then_some(["RateLimit", "RateLimit-Policy"]).into_iter().flatten());
            let is_kept = matches!(status.as_str(), "200" | "201" | "404" | "412");
            expected.extend((idempotent && is_kept).then_some("Idempotency-Replayed"));
            expected.sort_unstable();
            let found: Vec<_> = response["headers"].as_object().unwrap().keys().collect();
            assert_eq!(found, expected, "{at}");
        }
    }
}

#[test]
fn every_error_has_an_example_that_is_valid_itself() {
    let document = document();
    let mut codes = BTreeSet::new();
    for (path, method, operation) in operations(&document) {
        for (status, response) in operation["responses"].as_object().unwrap() {
            let content = &resolve(&document, response)["content"]["application/json"];
            for example in content["examples"].as_object().into_iter().flatten() {
                assert_valid(&document, &content["schema"], &example.1["value"]);
                if content["schema"]["$ref"] == "#/components/schemas/Error" {
                    assert_eq!(example.1["value"]["error"], example.0.as_str());
                    codes.insert(example.0.clone());
                }
            }
            if status.as_str() >= "400" {
                assert!(
                    content["examples"].as_object().is_some_and(|examples| !examples.is_empty()),
                    "{method} {path} {status}"
                );
            }
        }
        if let Some(content) = operation["requestBody"]["content"].get("application/json") {
            let is_optional = operation["operationId"] == "complete_task";
            assert_eq!(operation["requestBody"]["required"] == true, !is_optional);
            let example = &resolve(&document, &content["schema"])["example"];
            assert_valid(&document, &content["schema"], example);
        }
    }
    let expected = [
        "empty_update",
        "forbidden",
        "idempotency_in_progress",
        "idempotency_mismatch",
        "internal",
        "invalid_cursor",
        "invalid_header",
        "invalid_json",
        "invalid_path",
        "invalid_query",
        "not_found",
        "payload_too_large",
        "precondition_failed",
        "rate_limited",
        "request_timeout",
        "unauthorized",
        "unavailable",
        "unknown_user",
        "unsupported_media_type",
        "validation_failed",
    ];
    assert_eq!(codes.iter().map(String::as_str).collect::<Vec<_>>(), expected);
}

#[test]
fn every_answer_is_what_the_document_says() {
    let document = document();
    let working = Server::working();
    let mut port = MockTaskRepository::new();
    port.expect_list().returning(|_, _| Err(RepositoryError::Unavailable("down".into())));
    port.expect_execute().returning(|_, _| Err(RepositoryError::UnknownUser));
    port.expect_find().returning(|_, _| Err(RepositoryError::Unexpected("odd".into())));
    let failing = Server::over(port);
    let (tasks, task, complete) =
        ("/api/{user_id}/tasks", "/api/{user_id}/tasks/{id}", "/api/{user_id}/tasks/{id}/complete");
    let alice = |request: Request| request.by("alice");
    for (server, request, path) in [
        (&working, get("/health"), "/health"),
        (&working, alice(get("/api/alice/tasks")), tasks),
        (&working, alice(get("/api/alice/tasks?x=1")), tasks),
        (&working, get("/api/alice/tasks"), tasks),
        (&working, alice(get("/api/bob/tasks")), tasks),
        (&failing, alice(get("/api/alice/tasks")), tasks),
        (&working, alice(post("/api/alice/tasks").json(r#"{"title":"t"}"#)), tasks),
        (&working, alice(post("/api/alice/tasks").json(r#"{"title":"t","description":null}"#)), tasks),
        (&working, alice(post("/api/alice/tasks").json(r#"{"title":"","x":1}"#)), tasks),
        (&working, alice(post("/api/alice/tasks").json("{")), tasks),
        (&working, alice(post("/api/alice/tasks").json(&" ".repeat(131_073))), tasks),
        (&working, alice(post("/api/alice/tasks").body("{}")), tasks),
        (&failing, alice(post("/api/alice/tasks").json(r#"{"title":"t"}"#)), tasks),
        (&working, alice(get("/api/alice/tasks/7")), task),
        (&working, alice(get("/api/alice/tasks/8")), task),
        (&working, alice(get("/api/alice/tasks/x")), task),
        (&failing, alice(get("/api/alice/tasks/7")), task),
        (&working, alice(put("/api/alice/tasks/7").json(r#"{"title":"t"}"#)), task),
        (&working, alice(put("/api/alice/tasks/7").json("{}")), task),
        (&working, alice(delete("/api/alice/tasks/7")), task),
        (&working, alice(patch("/api/alice/tasks/7/complete")), complete),
        (&working, alice(patch("/api/alice/tasks/8/complete")), complete),
    ] {
        let answer = server.send(&request);
        let operation = &document["paths"][path][request.method.to_ascii_lowercase()];
        let response = resolve(&document, &operation["responses"][answer.status.to_string()]);
        let content = &response["content"][answer.header("content-type").unwrap()];
        assert!(content.is_object(), "{} {path} {} is not documented", request.method, answer.status);
        assert_valid(&document, &content["schema"], &answer.json());
        if let Some(examples) = content["examples"].as_object().filter(|_| answer.status >= 400) {
            assert!(examples.contains_key(answer.json()["error"].as_str().unwrap()), "{}", answer.text());
        }
    }
}

#[test]
fn the_document_that_is_checked_in_is_the_same_with_the_default_title() {
    let mut served = document();
    let default: Value = serde_json::from_str(&task_api::openapi_json().unwrap()).unwrap();
    served["info"]["title"] = default["info"]["title"].clone();
    served["info"]["version"] = default["info"]["version"].clone();
    assert_eq!(served, default);
}
