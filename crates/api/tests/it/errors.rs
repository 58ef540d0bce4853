//! docs/api.md, "Common errors": the answers to failures of the port, and to unforeseen failures.

use task_domain::{
    RepositoryError,
    testing::{MockTaskRepository, task},
};

use crate::helpers::{
    Request, Server,
    client::Connection,
    delete, get, head, patch, post, put,
    servers::{failing_port, page},
};

/// What only the log may say.
const CAUSE: &str = "duplicate key value violates secret_constraint at 10.0.0.7";

fn operations() -> [Request; 8] {
    [
        get("/api/alice/tasks"),
        post("/api/alice/tasks").json(r#"{"title":"t"}"#),
        get("/api/alice/tasks/7"),
        put("/api/alice/tasks/7").json(r#"{"title":"t"}"#),
        delete("/api/alice/tasks/7"),
        patch("/api/alice/tasks/7").json("{}"),
        patch("/api/alice/tasks/7/complete"),
        patch("/api/alice/tasks/7/complete").json(r#"{"completed":true}"#),
    ]
    .map(|request| request.by("alice"))
}

#[test]
fn an_unavailable_store_is_503_with_the_seconds_after_which_to_try_again() {
    let server = Server::over(failing_port(|| RepositoryError::Unavailable(CAUSE.into())));
    for request in operations() {
        let answer = server.send(&request);
        answer.assert_error(503, "unavailable");
        let seconds: u32 = answer.header("retry-after").unwrap().parse().expect("seconds");
        assert!((1..=60).contains(&seconds));
        assert!(!answer.text().contains("secret_constraint") && !answer.text().contains("10.0.0.7"));
    }
    let headed = server.send(&head("/api/alice/tasks").by("alice"));
    assert_eq!((headed.status, headed.header("retry-after").is_some()), (503, true));
}

#[test]
fn an_unforeseen_failure_is_500_and_the_client_does_not_see_its_cause() {
    let server = Server::over(failing_port(|| RepositoryError::Unexpected(CAUSE.into())));
    for request in operations() {
        let answer = server.send(&request);
        answer.assert_error(500, "internal");
        let all = format!("{:?} {}", answer.headers, answer.text());
        for word in ["duplicate", "secret_constraint", "10.0.0.7"] {
            assert!(!all.contains(word), "{all}");
        }
    }
}

#[test]
fn creating_for_a_user_without_an_account_is_403_unknown_user() {
    let server = Server::over(failing_port(|| RepositoryError::UnknownUser));
    server.send(&operations()[1]).assert_error(403, "unknown_user");
}

#[test]
fn a_panic_is_500_with_all_headers_and_the_server_goes_on() {
    let mut port = MockTaskRepository::new();
    port.expect_find().returning(|_, _| panic!("hunter2 of 10.0.0.7"));
    port.expect_list().returning(|owner, _| Ok(page(vec![task(owner, 7)])));
    let server = Server::over(port);
    let mut connection = Connection::open(server.address);
    for _ in 0..20 {
        let panics = get("/api/alice/tasks/7").by("alice").header("X-Request-Id", "mine-1");
        let answer = server.send(&panics);
        answer.assert_error(500, "internal");
        assert_eq!(answer.header("x-request-id"), Some("mine-1"));
        assert!(!answer.text().contains("hunter2"));
        // On one and the same connection, too.
        connection.send(&panics).assert_error(500, "internal");
        assert_eq!(connection.send(&get("/api/alice/tasks").by("alice")).tasks().len(), 1);
    }
    assert_eq!(server.send(&head("/api/alice/tasks/7").by("alice")).status, 500);
}

#[test]
fn a_connection_outlives_errors_of_every_kind() {
    let server = Server::working();
    let mut connection = Connection::open(server.address);
    for _ in 0..3 {
        for (request, status) in [
            (get("/nowhere"), 401),
            (get("/nowhere").by("alice"), 404),
            (get("/api/bob/tasks").by("alice"), 403),
            (get("/api/alice/tasks/x").by("alice"), 400),
            (post("/api/alice/tasks").by("alice").json("{"), 400),
            (delete("/api/alice/tasks").by("alice"), 405),
            (get("/api/alice/tasks/7").by("alice"), 200),
        ] {
            connection.send(&request).assert_status(status);
        }
    }
}
