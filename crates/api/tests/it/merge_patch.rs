//! docs/api.md, "Partial update and explicit completion".

use serde_json::{Value, json};

use crate::helpers::{Request, Server, Stack, Task, patch, post};

const MERGE_PATCH: &str = "application/merge-patch+json";

fn stack() -> (Stack, String) {
    let stack = Stack::new();
    let body = r#"{"title":"t","description":"d"}"#;
    let task = stack.send(&post("/api/alice/tasks").by("alice").json(body)).task();
    let path = format!("/api/alice/tasks/{}", task.id);
    (stack, path)
}

fn merge(path: &str, body: &Value) -> Request {
    patch(path).by("alice").header("Content-Type", MERGE_PATCH).body(body.to_string())
}

fn summary(task: &Task) -> Value {
    json!({ "title": task.title, "description": task.description, "completed": task.completed })
}

/// RFC 7396, appendix A, as far as it can be said of a task.
#[test]
fn a_patch_sets_what_it_has_removes_what_is_null_and_leaves_the_rest() {
    for (body, expected) in [
        (json!({}), json!({"title": "t", "description": "d", "completed": false})),
        (json!({"title": "c"}), json!({"title": "c", "description": "d", "completed": false})),
        (json!({"description": "c"}), json!({"title": "t", "description": "c", "completed": false})),
        (json!({"description": ""}), json!({"title": "t", "description": "", "completed": false})),
        (json!({"description": null}), json!({"title": "t", "description": null, "completed": false})),
        (json!({"completed": true}), json!({"title": "t", "description": "d", "completed": true})),
        (
            json!({"title": " x ", "description": null, "completed": true}),
            json!({"title": "x", "description": null, "completed": true}),
        ),
    ] {
        let (stack, path) = stack();
        let task = stack.send(&merge(&path, &body)).task();
        assert_eq!(summary(&task), expected, "{body}");
        assert_eq!(
            task.version,
            1 + i64::from(expected != json!({"title": "t", "description": "d", "completed": false}))
        );
        let again = stack.send(&patch(&path).by("alice").json(&body)).task();
        assert_eq!(again, task, "the same values change nothing, as application/json too");
    }
}

#[test]
fn a_patch_that_is_none_is_refused_and_changes_nothing() {
    let (stack, path) = stack();
    for (body, fields) in [
        (json!({"title": null}), &["title"][..]),
        (json!({"completed": null}), &["completed"]),
        (json!({"title": ""}), &["title"]),
        (
            json!({"title": 1, "description": [], "completed": "yes", "x": null}),
            &["completed", "description", "title", "x"],
        ),
        (json!({"description": "x".repeat(10_001)}), &["description"]),
        (json!({"id": 1}), &["id"]),
    ] {
        let mut faults = stack.send(&merge(&path, &body)).assert_faults("validation_failed");
        faults.sort_unstable();
        assert_eq!(faults, fields, "{body}");
    }
    for body in ["[]", "null", "\"t\"", "{", ""] {
        let request = patch(&path).by("alice").header("Content-Type", MERGE_PATCH).body(body);
        stack.send(&request).assert_error(400, "invalid_json");
    }
    assert_eq!(stack.lines("SELECT version::text AS line FROM tasks"), ["1"]);
}

#[test]
fn a_patch_of_another_type_is_refused_with_those_that_are_taken() {
    let server = Server::working();
    for content_type in ["text/plain", "application/json-patch+json", "application/vnd.api+json"] {
        let answer = server
            .send(&patch("/api/alice/tasks/7").by("alice").header("Content-Type", content_type).body("{}"));
        answer.assert_error(415, "unsupported_media_type");
        assert_eq!(answer.header("accept-patch"), Some("application/merge-patch+json, application/json"));
    }
    for content_type in ["Application/Merge-Patch+JSON; charset=utf-8", "application/json"] {
        let request = patch("/api/alice/tasks/7").by("alice").header("Content-Type", content_type).body("{}");
        server.send(&request).assert_status(200);
    }
    let refused = server.send(
        &patch("/api/alice/tasks/7/complete").by("alice").header("Content-Type", MERGE_PATCH).body("{}"),
    );
    refused.assert_error(415, "unsupported_media_type");
    assert_eq!(refused.header("accept-patch"), None);
}

#[test]
fn a_completion_with_a_body_sets_and_one_without_flips() {
    let (stack, path) = stack();
    let complete = || patch(format!("{path}/complete")).by("alice");
    let completed = |request: Request| {
        let task = stack.send(&request).task();
        assert_eq!(task.completed, task.completed_at.is_some());
        (task.completed, task.version)
    };
    assert_eq!(completed(complete().json(r#"{"completed":true}"#)), (true, 2));
    assert_eq!(completed(complete().json(r#"{"completed":true}"#)), (true, 2));
    assert_eq!(completed(complete()), (false, 3));
    assert_eq!(completed(complete().header("Content-Type", "text/plain")), (true, 4), "nothing has no type");
    assert_eq!(completed(complete().chunked("")), (false, 5));
    assert_eq!(completed(complete().json(r#"{"completed":false}"#)), (false, 5));
}

#[test]
fn a_completion_whose_body_is_none_is_refused() {
    let (stack, path) = stack();
    let complete = || patch(format!("{path}/complete")).by("alice");
    for body in ["{}", r#"{"completed":null}"#, r#"{"completed":1}"#, r#"{"completed":"true"}"#] {
        assert_eq!(
            stack.send(&complete().json(body)).assert_faults("validation_failed"),
            ["completed"],
            "{body}"
        );
    }
    let unknown = stack.send(&complete().json(r#"{"completed":true,"x":1}"#));
    assert_eq!(unknown.assert_faults("validation_failed"), ["x"]);
    stack.send(&complete().json(" ")).assert_error(400, "invalid_json");
    stack.send(&complete().json("[]")).assert_error(400, "invalid_json");
    stack.send(&complete().body("{}")).assert_error(415, "unsupported_media_type");
    stack.send(&complete().json(&" ".repeat(131_073))).assert_error(413, "payload_too_large");
    stack.send(&complete().json("").chunked(" ".repeat(131_073))).assert_error(413, "payload_too_large");
    assert_eq!(stack.lines("SELECT version::text AS line FROM tasks"), ["1"]);
}
