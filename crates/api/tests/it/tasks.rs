//! docs/api.md, "Objects" and "Routes": what each route does and what it answers.

use std::sync::{Arc, Mutex};

use serde_json::json;
use task_domain::{
    Change, Description, Task, TaskCommand, TaskOutcome, Title,
    testing::{MockTaskRepository, task, task_id, user},
};

use crate::helpers::{Server, answer::ErrorBody, delete, get, patch, post, put, request, servers::page};

const TASKS: &str = "/api/alice/tasks";
const TASK: &str = "/api/alice/tasks/7";

/// Answers whatever is asked with the task that `change` makes of the usual one.
fn server_with(change: impl Fn(&mut Task) + Clone + Send + Sync + 'static) -> Server {
    let mut port = MockTaskRepository::new();
    port.expect_find().returning(move |owner, id| {
        let mut task = task(owner, id.get());
        change(&mut task);
        Ok(Some(task))
    });
    Server::over(port)
}

#[test]
fn a_task_has_all_its_members_in_the_order_of_the_contract() {
    let answer = Server::working().send(&get(TASK).by("alice"));
    assert_eq!(
        answer.text(),
        r#"{"id":7,"user_id":"alice","title":"buy milk","description":"two bottles","completed":false,"created_at":"2026-01-02T03:04:05.000060Z","updated_at":"2026-01-02T03:04:05.000060Z","version":1,"completed_at":null}"#
    );
}

#[test]
fn a_description_is_a_string_or_null_and_never_left_out() {
    for description in [None, Some(""), Some("text")] {
        let server = server_with(move |task| {
            task.description = description.map(|text| Description::parse(text.to_owned()).unwrap());
        });
        let answer = server.send(&get(TASK).by("alice"));
        assert_eq!(answer.json()["description"], json!(description));
        assert!(answer.json().as_object().unwrap().contains_key("description"));
    }
}

#[test]
fn times_have_six_fraction_digits_and_z_and_sort_as_strings() {
    for moment in [
        "2026-01-02T03:04:05.000000Z",
        "2026-01-02T03:04:05.120000Z",
        "1999-12-31T23:59:59.999999Z",
        "0999-01-01T00:00:00.000001Z",
        "9999-12-31T23:59:59.999999Z",
    ] {
        let server = server_with(move |task| {
            task.created_at = moment.parse().unwrap();
            task.updated_at = moment.parse().unwrap();
        });
        let task = server.send(&get(TASK).by("alice")).task();
        assert_eq!((task.created_at.as_str(), task.updated_at.as_str()), (moment, moment));
    }
}

#[test]
fn the_greatest_id_is_written_as_plain_digits() {
    let server = server_with(|task| task.id = task_id((1 << 53) - 1));
    let answer = server.send(&get(TASK).by("alice"));
    assert!(answer.text().starts_with(r#"{"id":9007199254740991,"#), "{}", answer.text());
}

#[test]
fn a_list_has_its_tasks_and_how_many_they_are() {
    let mut port = MockTaskRepository::new();
    port.expect_list().returning(|owner, _| Ok(page(vec![task(owner, 9), task(owner, 8)])));
    let answer = Server::over(port).send(&get(TASKS).by("alice"));
    let ids: Vec<_> = answer.tasks().iter().map(|task| task.id).collect();
    assert_eq!(ids, [9, 8]);
    assert!(answer.text().starts_with(r#"{"tasks":[{"id":9,"#));
    assert!(answer.text().ends_with(r#"],"count":2,"next_cursor":null}"#));

    let mut port = MockTaskRepository::new();
    port.expect_list().returning(|_, _| Ok(page(Vec::new())));
    let empty = Server::over(port).send(&get(TASKS).by("alice"));
    assert_eq!(empty.assert_status(200).text(), r#"{"tasks":[],"count":0,"next_cursor":null}"#);
}

#[test]
fn a_deleted_task_is_answered_with_one_message() {
    let answer = Server::working().send(&delete(TASK).by("alice"));
    assert_eq!(answer.assert_status(200).text(), r#"{"message":"Task deleted"}"#);
}

#[test]
fn health_says_that_the_process_is_up_and_where_it_runs_without_the_database() {
    use task_settings::Environment;

    use crate::helpers::servers::Options;

    for (environment, name) in [
        (Environment::Dev, "dev"),
        (Environment::Staging, "staging"),
        (Environment::Production, "production"),
    ] {
        // A port without expectations: a request that reached it would get a 500.
        let server = Server::with(MockTaskRepository::new(), Options { environment, ..Options::default() });
        let expected = format!(r#"{{"status":"ok","environment":"{name}"}}"#);
        assert_eq!(server.send(&get("/health")).assert_status(200).text(), expected);
    }
}

#[test]
fn the_location_of_a_new_task_encodes_every_byte_that_is_not_unreserved() {
    let server = Server::working();
    let create = |id: &str, segment: &str| {
        let path = format!("/api/{segment}/tasks");
        let answer = server.send(&post(path).by(id).json(r#"{"title":"t"}"#));
        answer.assert_status(201);
        let location = answer.header("location").unwrap().to_owned();
        // And it leads to the task.
        assert_eq!(server.send(&get(&location).by(id)).task().user_id, id);
        location
    };
    assert_eq!(create("alice", "alice"), "/api/alice/tasks/7");
    assert_eq!(create("AZaz09-._~", "AZaz09-._~"), "/api/AZaz09-._~/tasks/7");
    assert_eq!(create("a b", "a%20b"), "/api/a%20b/tasks/7");
    assert_eq!(create("a/b", "a%2fb"), "/api/a%2Fb/tasks/7");
    assert_eq!(create("...", "..."), "/api/.../tasks/7");
    // What may stand in a segment without being encoded is encoded all the same.
    assert_eq!(
        create("!$&'()*+,;=:@", "!$&'()*+,;=:@"),
        "/api/%21%24%26%27%28%29%2A%2B%2C%3B%3D%3A%40/tasks/7"
    );
    assert_eq!(create("é🦀", "%C3%a9%F0%9f%A6%80"), "/api/%C3%A9%F0%9F%A6%80/tasks/7");
    assert_eq!(create("100%", "100%25"), "/api/100%25/tasks/7");
    assert_eq!(create("%2F", "%252F"), "/api/%252F/tasks/7");
    assert_eq!(create(r#"?#[]"<>\^`{|}"#, "%3F%23%5B%5D%22%3C%3E%5C%5E%60%7B%7C%7D"), {
        "/api/%3F%23%5B%5D%22%3C%3E%5C%5E%60%7B%7C%7D/tasks/7"
    });
}

#[test]
fn the_user_id_is_compared_after_decoding_and_byte_by_byte() {
    let server = Server::working();
    for segment in ["alice", "%61lice", "%61%6C%69%63%65", "alic%65"] {
        server.send(&get(format!("/api/{segment}/tasks")).by("alice")).assert_status(200);
    }
    for segment in ["Alice", "alice%20", "%20alice", "alice%00", "%2561lice", "alice+", "alic", "alicee"] {
        server.send(&get(format!("/api/{segment}/tasks")).by("alice")).assert_error(403, "forbidden");
    }
    // The same letters in another normal form are another user.
    server.send(&get("/api/e%CC%81/tasks").by("\u{e9}")).assert_error(403, "forbidden");
    server.send(&get("/api/%C3%A9/tasks").by("\u{e9}")).assert_status(200);
}

/// What a create or an update hands to the port: title and description.
type Handed = Arc<Mutex<Vec<(Option<String>, Option<String>)>>>;

fn recording() -> (Server, Handed) {
    let handed = Handed::default();
    let mut port = MockTaskRepository::new();
    let by_port = Arc::clone(&handed);
    port.expect_execute().returning(move |owner, command| {
        let (values, outcome) = match command {
            TaskCommand::Create(new) => {
                let description = new.description.map(Description::into_string);
                ((Some(new.title.into_string()), description), TaskOutcome::Created(task(owner, 7)))
            }
            TaskCommand::Update { changes, .. } => {
                let description = match changes.description {
                    Change::Set(description) => Some(description.into_string()),
                    Change::Keep => None,
                    Change::Clear => panic!("nothing is cleared by a create or an update"),
                };
                let title = changes.title.map(Title::into_string);
                ((title, description), TaskOutcome::Updated(task(owner, 7)))
            }
            other => panic!("{other:?}"),
        };
        by_port.lock().unwrap().push(values);
        Ok(outcome)
    });
    (Server::over(port), handed)
}

#[test]
fn the_service_stores_what_a_request_sets() {
    let (server, handed) = recording();
    for (method, body, title, description) in [
        ("POST", json!({"title": "t"}), Some("t"), None),
        ("POST", json!({"title": "t", "description": null}), Some("t"), None),
        ("POST", json!({"title": "t", "description": ""}), Some("t"), Some("")),
        ("POST", json!({"description": " d ", "title": " \u{3000}t x\u{85}"}), Some("t x"), Some(" d ")),
        ("PUT", json!({"title": "t"}), Some("t"), None),
        ("PUT", json!({"title": " t ", "description": null}), Some("t"), None),
        ("PUT", json!({"title": null, "description": "d"}), None, Some("d")),
        ("PUT", json!({"description": ""}), None, Some("")),
        ("PUT", json!({"title": "t", "description": "d"}), Some("t"), Some("d")),
        // Nothing is normalised, and everything but U+0000 is allowed.
        (
            "POST",
            json!({"title": "e\u{301}\u{e9}\u{200b}\u{feff}"}),
            Some("e\u{301}\u{e9}\u{200b}\u{feff}"),
            None,
        ),
        (
            "PUT",
            json!({"title": "\u{1}", "description": "\u{7f}\r\n\t\u{ffff}\u{10ffff}"}),
            Some("\u{1}"),
            Some("\u{7f}\r\n\t\u{ffff}\u{10ffff}"),
        ),
    ] {
        let path = if method == "POST" { TASKS } else { TASK };
        let answer = server.send(&request(method, path).by("alice").json(&body));
        answer.assert_status(if method == "POST" { 201 } else { 200 });
        let expected = (title.map(str::to_owned), description.map(str::to_owned));
        assert_eq!(handed.lock().unwrap().pop(), Some(expected), "{method} {body}");
    }
}

#[test]
fn an_update_with_nothing_to_set_is_empty_but_faults_come_first() {
    let server = Server::without_port();
    for body in [
        json!({}),
        json!({"title": null}),
        json!({"description": null}),
        json!({"title": null, "description": null}),
    ] {
        server.send(&put(TASK).by("alice").json(&body)).assert_error(400, "empty_update");
    }
    for body in [json!({"completed": true}), json!({"title": null, "x": null}), json!({"description": 1})] {
        server.send(&put(TASK).by("alice").json(&body)).assert_error(400, "validation_failed");
    }
}

#[test]
fn completing_needs_no_body_and_heeds_no_type_without_one() {
    let server = Server::working();
    let complete = || patch(format!("{TASK}/complete")).by("alice");
    for request in [
        complete(),
        complete().body(""),
        complete().header("Content-Type", "text/plain"),
        complete().header("Content-Type", "application/json"),
    ] {
        assert_eq!(server.send(&request).task().id, 7);
    }
}

#[test]
fn reading_and_deleting_ignore_body_and_type() {
    let server = Server::working();
    for (method, path) in [("GET", TASKS), ("GET", TASK), ("DELETE", TASK), ("GET", "/health")] {
        let asked = || request(method, path).by("alice");
        for request in [
            asked().body("{"),
            asked().body("{").header("Content-Type", "text/plain"),
            asked().header("Content-Type", ";;").header("Content-Encoding", "br").body([0xff, 0]),
            asked().chunked("x".repeat(20_000)).header("Content-Type", "application/json"),
        ] {
            server.send(&request).assert_status(200);
        }
    }
}

#[test]
fn head_is_wherever_there_is_get_with_the_same_headers_and_no_body() {
    let server = Server::working();
    for path in [
        TASKS,
        TASK,
        "/health",
        "/docs",
        "/redoc",
        "/openapi.json",
        "/docs/page.css",
        "/redoc/page.css",
        "/api/alice/tasks/8",
        "/api/alice/tasks/x",
        "/api/alice/tasks?status=done",
        "/api/bob/tasks",
        "/nowhere",
        "/docs/nothing",
    ] {
        for asked in [get(path), get(path).by("alice")] {
            let got = server.send(&asked);
            let headed = server.send(&asked.clone().method("HEAD"));
            assert_eq!(headed.status, got.status, "{path}");
            assert_eq!(headed.lasting_headers(), got.lasting_headers(), "{path}");
            assert_eq!(got.header("content-length"), Some(got.body.len().to_string().as_str()), "{path}");
        }
    }
    let headed = server.send(&request("HEAD", format!("{TASK}/complete")).by("alice"));
    assert_eq!((headed.status, headed.header("allow")), (405, Some("PATCH")));
}

#[test]
fn head_asks_the_port_what_get_asks() {
    let server = Server::without_port();
    for path in [TASKS, TASK] {
        assert_eq!(server.send(&request("HEAD", path).by("alice")).status, 500, "{path}");
    }
}

#[test]
fn a_task_that_is_not_there_is_404_on_every_route() {
    let server = Server::working();
    for request in [
        get("/api/alice/tasks/8").by("alice"),
        put("/api/alice/tasks/8").by("alice").json(r#"{"title":"t"}"#),
        delete("/api/alice/tasks/8").by("alice"),
        patch("/api/alice/tasks/8").by("alice").json("{}"),
        patch("/api/alice/tasks/8/complete").by("alice"),
    ] {
        let body = server.send(&request).assert_error(404, "not_found");
        assert_eq!(
            body,
            ErrorBody {
                error: "not_found".to_owned(),
                detail: "There is no such task.".to_owned(),
                fields: None,
                current: None,
            }
        );
    }
}

#[test]
fn every_route_asks_for_the_tasks_of_the_caller_and_of_no_other_user() {
    let mut port = MockTaskRepository::new();
    let carol = || user("carol/1");
    port.expect_list().withf(move |owner, _| *owner == carol()).returning(|_, _| Ok(page(Vec::new())));
    port.expect_find()
        .withf(move |owner, id| *owner == carol() && id.get() == 12)
        .returning(|owner, _| Ok(Some(task(owner, 12))));
    port.expect_execute().withf(move |owner, _| *owner == carol()).returning(|owner, command| {
        Ok(match command {
            TaskCommand::Create(_) => TaskOutcome::Created(task(owner, 7)),
            TaskCommand::Update { id, .. } | TaskCommand::Toggle { id, .. } if id.get() == 12 => {
                TaskOutcome::Updated(task(owner, 12))
            }
            TaskCommand::Delete { id, .. } if id.get() == 12 => TaskOutcome::Deleted,
            _ => TaskOutcome::NotFound,
        })
    });

    let server = Server::over(port);
    let tasks = "/api/carol%2F1/tasks";
    for (request, status) in [
        (get(tasks), 200),
        (post(tasks).json(r#"{"title":"t"}"#), 201),
        (get(format!("{tasks}/12")), 200),
        (put(format!("{tasks}/12")).json(r#"{"title":"t"}"#), 200),
        (patch(format!("{tasks}/12")).json("{}"), 200),
        (patch(format!("{tasks}/12/complete")), 200),
        (patch(format!("{tasks}/12/complete")).json(r#"{"completed":true}"#), 200),
        (delete(format!("{tasks}/12")), 200),
    ] {
        server.send(&request.by("carol/1")).assert_status(status);
    }
}
