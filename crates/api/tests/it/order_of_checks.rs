//! Contract, "The order of checks": of two things that are wrong the earlier one is told.

use std::fmt::Write as _;

use task_domain::{RepositoryError, TaskCommand, TaskOutcome, testing::MockTaskRepository};

use crate::helpers::{LISTED, Request, Server, head, request, servers::failing_port};

/// What can be wrong with a request, in the order of the contract.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Wrong {
    Token,
    Route,
    User,
    Method,
    Path,
    Query,
    Type,
    Size,
    Body,
    Database,
}

use Wrong::{Body, Database, Method, Path, Query, Route, Size, Token, Type, User};

const ALL: [Wrong; 10] = [Token, Route, User, Method, Path, Query, Type, Size, Body, Database];

impl Wrong {
    fn answer(self) -> (u16, &'static str) {
        match self {
            Token => (401, "unauthorized"),
            Route => (404, "not_found"),
            User => (403, "forbidden"),
            Method => (405, "method_not_allowed"),
            Path => (400, "invalid_path"),
            Query => (400, "invalid_query"),
            Type => (415, "unsupported_media_type"),
            Size => (413, "payload_too_large"),
            Body => (400, "invalid_json"),
            Database => (503, "unavailable"),
        }
    }
}

/// One of the operations of the contract, with what can be wrong about it.
struct Operation {
    method: &'static str,
    /// What follows the user segment; `{id}` is the id.
    rest: &'static str,
    can_be_wrong: &'static [Wrong],
}

const OPERATIONS: [Operation; 7] = [
    Operation { method: "GET", rest: "/tasks", can_be_wrong: &[Token, Route, User, Method, Query, Database] },
    Operation { method: "HEAD", rest: "/tasks", can_be_wrong: &[Token, Route, User, Query, Database] },
    Operation {
        method: "POST",
        rest: "/tasks",
        can_be_wrong: &[Token, Route, User, Type, Size, Body, Database],
    },
    Operation {
        method: "GET",
        rest: "/tasks/{id}",
        can_be_wrong: &[Token, Route, User, Method, Path, Database],
    },
    Operation {
        method: "PUT",
        rest: "/tasks/{id}",
        can_be_wrong: &[Token, Route, User, Path, Type, Size, Body, Database],
    },
    Operation { method: "DELETE", rest: "/tasks/{id}", can_be_wrong: &[Token, Route, User, Path, Database] },
    Operation {
        method: "PATCH",
        rest: "/tasks/{id}/complete",
        can_be_wrong: &[Token, Route, User, Path, Database],
    },
];

/// The request of an operation with everything in `wrongs` wrong about it.
fn broken(operation: &Operation, wrongs: &[Wrong]) -> Request {
    let is = |wrong| wrongs.contains(&wrong);
    let method = if is(Method) { "PROPFIND" } else { operation.method };
    let mut path = format!("/api/{}{}", if is(User) { "bob" } else { "alice" }, operation.rest);
    path = path.replace("{id}", if is(Path) { "007" } else { "7" });
    if is(Route) {
        path.push_str("/no/such/route");
    }
    if is(Query) {
        write!(path, "?stat=completed").unwrap();
    }
    let mut asked = request(method, path);
    asked = if is(Token) { asked.bearing("not.a.token") } else { asked.by("alice") };
    if ["POST", "PUT"].contains(&operation.method) {
        let content_type = if is(Type) { "text/plain" } else { "application/json" };
        let mut body = if is(Body) { "{" } else { r#"{"title":"t"}"# }.to_owned();
        if is(Size) {
            body.push_str(&" ".repeat(131_072));
        }
        asked = asked.header("Content-Type", content_type).body(body);
    }
    asked
}

fn check(server: &Server, operation: &Operation, wrongs: &[Wrong]) {
    let earliest = wrongs.iter().min().unwrap();
    let (status, code) = earliest.answer();
    let asked = broken(operation, wrongs);
    let answer = server.send(&asked);
    assert_eq!(answer.status, status, "{wrongs:?} of {} {}", asked.method, asked.target);
    if asked.method != "HEAD" {
        assert_eq!(answer.json()["error"], code, "{wrongs:?} of {} {}", asked.method, asked.target);
    }
}

/// A server whose database does not answer.
fn server_without_database() -> Server {
    Server::over(failing_port(|| RepositoryError::Unavailable("down".into())))
}

#[test]
fn each_single_mistake_has_its_own_answer() {
    let server = server_without_database();
    for operation in &OPERATIONS {
        for wrong in operation.can_be_wrong {
            // Without a wrong before it the database is asked, and does not answer.
            check(&server, operation, &[*wrong, Database]);
        }
    }
}

#[test]
fn of_any_two_mistakes_the_earlier_one_is_told() {
    let server = server_without_database();
    for operation in &OPERATIONS {
        for first in operation.can_be_wrong {
            for second in operation.can_be_wrong.iter().filter(|second| *second > first) {
                check(&server, operation, &[*first, *second, Database]);
            }
        }
    }
}

#[test]
fn of_ever_more_mistakes_the_earliest_one_is_told() {
    let server = server_without_database();
    for operation in &OPERATIONS {
        let mut wrongs = operation.can_be_wrong.to_vec();
        while !wrongs.is_empty() {
            check(&server, operation, &wrongs);
            wrongs.remove(0);
        }
    }
}

#[test]
fn the_table_knows_every_step_of_the_contract() {
    for wrong in ALL {
        assert!(OPERATIONS.iter().any(|operation| operation.can_be_wrong.contains(&wrong)), "{wrong:?}");
    }
    assert!(ALL.is_sorted());
}

#[test]
fn a_preflight_is_answered_before_everything_else() {
    let server = Server::without_port();
    for operation in &OPERATIONS {
        for wrong in ALL {
            let preflight = broken(operation, &[wrong, Token])
                .method("OPTIONS")
                .header("Origin", LISTED[0])
                .header("Access-Control-Request-Method", "PUT");
            server.send(&preflight).assert_status(204);
        }
    }
}

#[test]
fn a_foreign_task_and_a_missing_account_are_found_out_last() {
    let mut port = MockTaskRepository::new();
    port.expect_find().returning(|_, _| Ok(None));
    port.expect_execute().returning(|_, command| match command {
        TaskCommand::Create(_) => Err(RepositoryError::UnknownUser),
        _ => Ok(TaskOutcome::NotFound),
    });
    let server = Server::over(port);
    for (operation, last) in [(2, (403, "unknown_user")), (3, (404, "not_found")), (4, (404, "not_found"))] {
        let operation = &OPERATIONS[operation];
        for wrong in operation.can_be_wrong.iter().filter(|wrong| **wrong != Database) {
            check(&server, operation, &[*wrong]);
        }
        server.send(&broken(operation, &[])).assert_error(last.0, last.1);
    }
    assert_eq!(server.send(&head("/api/alice/tasks/7").by("alice")).status, 404);
}
