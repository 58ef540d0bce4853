//! docs/api.md, "The order of checks": of two faults the answer names the earlier one.

use std::fmt::Write as _;

use task_domain::{
    Replay, RepositoryError, TaskCommand, TaskOutcome,
    testing::{MockIdempotencyStore, MockTaskRepository},
};

use crate::helpers::{
    LISTED, Request, Server, head, request,
    servers::{Options, failing_port},
};

/// A key that was used for another request, and one that was never used.
const USED: &str = "used";
const FREE: &str = "free";

/// What can be wrong with a request, in the order of the contract.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Wrong {
    Token,
    Route,
    User,
    Method,
    Path,
    Query,
    Cursor,
    Header,
    Type,
    Size,
    Key,
    Body,
    Database,
}

use Wrong::{Body, Cursor, Database, Header, Key, Method, Path, Query, Route, Size, Token, Type, User};

const ALL: [Wrong; 13] =
    [Token, Route, User, Method, Path, Query, Cursor, Header, Type, Size, Key, Body, Database];

impl Wrong {
    fn answer(self) -> (u16, &'static str) {
        match self {
            Token => (401, "unauthorized"),
            Route => (404, "not_found"),
            User => (403, "forbidden"),
            Method => (405, "method_not_allowed"),
            Path => (400, "invalid_path"),
            Query => (400, "invalid_query"),
            Cursor => (400, "invalid_cursor"),
            Header => (400, "invalid_header"),
            Type => (415, "unsupported_media_type"),
            Size => (413, "payload_too_large"),
            Key => (422, "idempotency_mismatch"),
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
    /// The header that [`Header`] is about.
    header: Option<&'static str>,
    /// A body without a fault, where there is one.
    body: Option<&'static str>,
    can_be_wrong: &'static [Wrong],
}

const TITLE: &str = r#"{"title":"t"}"#;

const OPERATIONS: [Operation; 11] = [
    Operation {
        method: "GET",
        rest: "/tasks",
        header: None,
        body: None,
        can_be_wrong: &[Token, Route, User, Method, Query, Cursor, Database],
    },
    Operation {
        method: "HEAD",
        rest: "/tasks",
        header: None,
        body: None,
        can_be_wrong: &[Token, Route, User, Query, Cursor, Database],
    },
    Operation {
        method: "POST",
        rest: "/tasks",
        header: Some("Idempotency-Key"),
        body: Some(TITLE),
        can_be_wrong: &[Token, Route, User, Header, Type, Size, Key, Body, Database],
    },
    Operation {
        method: "GET",
        rest: "/tasks/{id}",
        header: Some("If-None-Match"),
        body: None,
        can_be_wrong: &[Token, Route, User, Method, Path, Header, Database],
    },
    Operation {
        method: "PUT",
        rest: "/tasks/{id}",
        header: Some("If-Match"),
        body: Some(TITLE),
        can_be_wrong: &[Token, Route, User, Path, Header, Type, Size, Key, Body, Database],
    },
    Operation {
        method: "PATCH",
        rest: "/tasks/{id}",
        header: Some("If-Match"),
        body: Some(TITLE),
        can_be_wrong: &[Token, Route, User, Path, Header, Type, Size, Key, Body, Database],
    },
    Operation {
        method: "PATCH",
        rest: "/tasks/{id}",
        header: Some("Idempotency-Key"),
        body: Some(TITLE),
        can_be_wrong: &[Token, Route, User, Path, Header, Type, Size, Key, Body, Database],
    },
    Operation {
        method: "DELETE",
        rest: "/tasks/{id}",
        header: Some("If-Match"),
        body: None,
        can_be_wrong: &[Token, Route, User, Path, Header, Key, Database],
    },
    Operation {
        method: "DELETE",
        rest: "/tasks/{id}",
        header: Some("Idempotency-Key"),
        body: None,
        can_be_wrong: &[Token, Route, User, Path, Header, Key, Database],
    },
    Operation {
        method: "PATCH",
        rest: "/tasks/{id}/complete",
        header: Some("If-Match"),
        body: None,
        can_be_wrong: &[Token, Route, User, Path, Header, Key, Database],
    },
    Operation {
        method: "PATCH",
        rest: "/tasks/{id}/complete",
        header: Some("If-Match"),
        body: Some(r#"{"completed":true}"#),
        can_be_wrong: &[Token, Route, User, Path, Header, Type, Size, Key, Body, Database],
    },
];

impl Operation {
    /// Whether it can be repeated with a key.
    fn takes_a_key(&self) -> bool {
        self.can_be_wrong.contains(&Key)
    }
}

/// The request of an operation with everything in `wrongs` wrong about it, and with that key where nothing is wrong
/// about a key.
fn broken(operation: &Operation, wrongs: &[Wrong], key: Option<&str>) -> Request {
    let is = |wrong| wrongs.contains(&wrong);
    let method = if is(Method) { "PROPFIND" } else { operation.method };
    let mut path = format!("/api/{}{}", if is(User) { "bob" } else { "alice" }, operation.rest);
    path = path.replace("{id}", if is(Path) { "007" } else { "7" });
    if is(Route) {
        path.push_str("/no/such/route");
    }
    match (is(Query), is(Cursor)) {
        (true, true) => write!(path, "?stat=completed&cursor=garbage").unwrap(),
        (true, false) => write!(path, "?stat=completed").unwrap(),
        (false, true) => write!(path, "?cursor=garbage").unwrap(),
        (false, false) => {}
    }
    let mut asked = request(method, path);
    asked = if is(Token) { asked.bearing("not.a.token") } else { asked.by("alice") };
    let malformed = operation.header.filter(|_| is(Header));
    if let Some(name) = malformed {
        asked = asked.header(name, "of no form");
    }
    let key = if is(Key) { Some(USED) } else { key };
    if let Some(key) = key.filter(|_| operation.takes_a_key() && malformed != Some("Idempotency-Key")) {
        asked = asked.header("Idempotency-Key", key);
    }
    if let Some(body) = operation.body {
        let content_type = if is(Type) { "text/plain" } else { "application/json" };
        let mut body = if is(Body) { "{" } else { body }.to_owned();
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
    let keys: &[_] = if operation.takes_a_key() { &[None, Some(FREE)] } else { &[None] };
    for key in keys {
        let asked = broken(operation, wrongs, *key);
        let answer = server.send(&asked);
        assert_eq!(answer.status, status, "{wrongs:?} of {} {} {key:?}", asked.method, asked.target);
        if asked.method != "HEAD" {
            assert_eq!(answer.json()["error"], code, "{wrongs:?} of {} {}", asked.method, asked.target);
        }
    }
}

/// A server over that port, which knows the key [`USED`] and has `outcome` come of every other one.
fn server_over(
    port: MockTaskRepository,
    outcome: impl Fn(&TaskCommand) -> Result<Replay, RepositoryError> + Send + Sync + 'static,
) -> Server {
    let mut idempotency = MockIdempotencyStore::new();
    idempotency.expect_execute_once().returning(move |_, request, command, _| match request.key.as_str() {
        USED => Ok(Replay::Mismatch),
        _ => outcome(&command),
    });
    idempotency
        .expect_recall()
        .returning(|_, request| Ok((request.key.as_str() == USED).then_some(Replay::Mismatch)));
    Server::over_both(port, idempotency, Options::default())
}

/// A server whose database does not answer, but for what it knows of keys.
fn server_without_database() -> Server {
    let down = || RepositoryError::Unavailable("down".into());
    server_over(failing_port(down), move |_| Err(down()))
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
fn of_any_two_mistakes_the_answer_names_the_earlier_one() {
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
fn of_ever_more_mistakes_the_answer_names_the_earliest_one() {
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
            let preflight = broken(operation, &[wrong, Token], None)
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
    let server = server_over(port, |_| Err(RepositoryError::UnknownUser));
    for operation in &OPERATIONS[2..] {
        for wrong in operation.can_be_wrong.iter().filter(|wrong| **wrong != Database) {
            check(&server, operation, &[*wrong]);
        }
        let last = if operation.method == "POST" { (403, "unknown_user") } else { (404, "not_found") };
        server.send(&broken(operation, &[], None)).assert_error(last.0, last.1);
    }
    let create = broken(&OPERATIONS[2], &[], Some(FREE));
    server.send(&create).assert_error(403, "unknown_user");
    assert_eq!(server.send(&head("/api/alice/tasks/7").by("alice")).status, 404);
}
