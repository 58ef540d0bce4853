//! docs/api.md, "Versions": entity tags and the conditions on them.

use std::thread;

use crate::helpers::{Answer, Request, Stack, Task, delete, get, head, patch, post, put};

/// A stack in which alice has a task of version 3, with its path.
fn stack() -> (Stack, String, Task) {
    let stack = Stack::new();
    let (path, task) = third_version(&stack);
    (stack, path, task)
}

/// A new task of alice, of version 3, with its path.
fn third_version(stack: &Stack) -> (String, Task) {
    let task = stack.send(&post("/api/alice/tasks").by("alice").json(r#"{"title":"t"}"#)).task();
    let path = format!("/api/alice/tasks/{}", task.id);
    for title in ["u", "v"] {
        stack.send(&put(&path).by("alice").json(&serde_json::json!({ "title": title }))).assert_status(200);
    }
    let task = stack.send(&get(&path).by("alice")).task();
    assert_eq!(task.version, 3);
    (path, task)
}

/// Every operation on one task; a write would change it.
fn operations(path: &str) -> [Request; 7] {
    [
        get(path),
        head(path),
        put(path).json(r#"{"title":"changed"}"#),
        patch(path).json(r#"{"description":"changed"}"#),
        delete(path),
        patch(format!("{path}/complete")),
        patch(format!("{path}/complete")).json(r#"{"completed":true}"#),
    ]
}

fn is_read(request: &Request) -> bool {
    ["GET", "HEAD"].contains(&request.method.as_str())
}

/// What a condition says of a task of version 3.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Verdict {
    /// It is of that version: a write passes, and a reader gets 304.
    Match,
    /// It is of that version by weak comparison only, which is enough for a reader.
    WeakMatch,
    /// It is of another version.
    Other,
    /// It is no condition.
    Malformed,
}

use Verdict::{Malformed, Match, Other, WeakMatch};

const CONDITIONS: [(&str, Verdict); 33] = [
    ("\"3\"", Match),
    ("*", Match),
    ("\"1\", \"3\"", Match),
    ("\"3\",\"3\"", Match),
    (", \"3\" ,,", Match),
    ("W/\"3\", \"3\"", Match),
    ("\"a,b\", \"\",\t\"3\"", Match),
    ("W/\"3\"", WeakMatch),
    ("W/\"3\", \"9\"", WeakMatch),
    ("\"2\"", Other),
    ("\"4\"", Other),
    ("W/\"2\"", Other),
    ("\"1\",\"2\"", Other),
    ("\"03\"", Other),
    ("\"+3\"", Other),
    ("\"3.0\"", Other),
    ("\"W/3\"", Other),
    ("\"*\"", Other),
    ("\"\"", Other),
    ("\"caf\u{e9}\"", Other),
    ("\"18446744073709551619\"", Other),
    ("", Malformed),
    ("3", Malformed),
    ("\"3", Malformed),
    ("3\"", Malformed),
    ("'3'", Malformed),
    ("w/\"3\"", Malformed),
    ("W/ \"3\"", Malformed),
    ("\"3\" \"4\"", Malformed),
    ("\"3\"; \"4\"", Malformed),
    ("\"3 \"", Malformed),
    ("*, \"3\"", Malformed),
    (",", Malformed),
];

/// What becomes of a request of alice for a task of version 3 of her own.
fn own(request: &Request, verdict: Verdict) -> (u16, &'static str) {
    match (verdict, is_read(request)) {
        (Malformed, _) => (400, "invalid_header"),
        (Match | WeakMatch, true) => (304, ""),
        (Other, true) | (Match, false) => (200, ""),
        (Other | WeakMatch, false) => (412, "precondition_failed"),
    }
}

/// The answer to a request for a task that the caller does not have.
fn not_there(verdict: Verdict) -> (u16, &'static str) {
    if verdict == Malformed { (400, "invalid_header") } else { (404, "not_found") }
}

#[track_caller]
fn assert_is(answer: &Answer, method: &str, (status, code): (u16, &str), about: &str) {
    assert_eq!(answer.status, status, "{method} with {about}: {}", String::from_utf8_lossy(&answer.body));
    if status >= 400 && method != "HEAD" {
        answer.assert_error(status, code);
    }
}

#[test]
fn every_condition_means_on_every_operation_what_the_contract_says() {
    let stack = Stack::new();
    let (mut path, mut before) = third_version(&stack);
    for (condition, verdict) in CONDITIONS {
        for number in 0..7 {
            let request = operations(&path)[number].clone();
            let name = if is_read(&request) { "If-None-Match" } else { "If-Match" };
            let expected = own(&request, verdict);
            let answer = stack.send(&request.clone().by("alice").header(name, condition));
            assert_is(&answer, &request.method, expected, condition);
            let current = stack.send(&get(&path).by("alice"));
            match expected.0 {
                200 if request.method == "DELETE" => drop(current.assert_error(404, "not_found")),
                200 if !is_read(&request) => assert_eq!(current.task().version, 4, "{condition}"),
                // Nothing is changed.
                _ => assert_eq!(current.task(), before, "{condition}"),
            }
            match expected.0 {
                412 => assert_eq!(answer.assert_error(412, expected.1).current.as_ref(), Some(&before)),
                304 => assert_eq!((answer.header("etag"), answer.body.len()), (Some("\"3\""), 0)),
                _ => {}
            }
            if expected.0 == 200 && !is_read(&request) {
                (path, before) = third_version(&stack);
            }
        }
    }
}

#[test]
fn a_client_that_may_not_see_a_task_learns_nothing_of_its_version() {
    let (stack, path, before) = stack();
    let absent = "/api/alice/tasks/4000000";
    let of_bob = path.replace("alice", "bob");
    for (condition, verdict) in CONDITIONS {
        for number in 0..7 {
            let check = |path: &str, user: Option<&str>, expected: (u16, &str)| {
                let request = operations(path)[number].clone();
                let name = if is_read(&request) { "If-None-Match" } else { "If-Match" };
                let request = request.header(name, condition);
                let request = if let Some(user) = user { request.by(user) } else { request };
                assert_is(&stack.send(&request), &request.method, expected, condition);
            };
            check(absent, Some("alice"), not_there(verdict));
            check(&of_bob, Some("bob"), not_there(verdict));
            check(&path, Some("bob"), (403, "forbidden"));
            check(&path, None, (401, "unauthorized"));
        }
    }
    assert_eq!(stack.send(&get(&path).by("alice")).task(), before);
}

#[test]
fn without_a_condition_the_last_write_wins() {
    let stack = Stack::new();
    let path = third_version(&stack).0;
    for (number, operation) in operations(&path).into_iter().enumerate() {
        let path = third_version(&stack).0;
        stack.send(&operations(&path)[number].clone().by("alice")).assert_status(200);
        let absent = stack.send(&operations("/api/alice/tasks/4000000")[number].clone().by("alice"));
        assert_is(&absent, &operation.method, (404, "not_found"), "no condition");
    }
}

#[test]
fn a_condition_may_be_spread_over_several_lines() {
    let (stack, path, _) = stack();
    for (lines, passes, known) in [
        (&["\"1\"", "\"3\""][..], 200, 304),
        (&["\"3\"", "\"1\""], 200, 304),
        (&["", "\"3\""], 200, 304),
        (&["\"1\"", "\"2\""], 412, 200),
        (&["\"3\"", "garbage"], 400, 400),
        (&["*", "\"3\""], 400, 400),
        (&["*", "*"], 400, 400),
        (&["", ""], 400, 400),
    ] {
        let with = |request: Request, name: &str| {
            let request = request.by("alice");
            stack.send(&lines.iter().fold(request, |request, line| request.header(name, line)))
        };
        // A patch of nothing, so that the version stays.
        with(patch(&path).json("{}"), "If-Match").assert_status(passes);
        with(get(&path), "If-None-Match").assert_status(known);
    }
}

#[test]
fn a_condition_counts_where_the_contract_says_and_nowhere_else() {
    let stack = Stack::new();
    for (condition, _) in CONDITIONS {
        let (path, _) = third_version(&stack);
        for request in operations(&path).into_iter().filter(is_read) {
            stack.send(&request.by("alice").header("If-Match", condition)).assert_status(200);
        }
        for request in [get("/api/alice/tasks"), head("/api/alice/tasks")] {
            let both = request.by("alice").header("If-None-Match", condition).header("If-Match", condition);
            stack.send(&both).assert_status(200);
        }
        let create = post("/api/alice/tasks").by("alice").json(r#"{"title":"t"}"#);
        stack
            .send(&create.header("If-None-Match", condition).header("If-Match", condition))
            .assert_status(201);
        let is_delete = |request: &Request| request.method == "DELETE";
        let (deletions, others): (Vec<_>, Vec<_>) =
            operations(&path).into_iter().filter(|request| !is_read(request)).partition(is_delete);
        for request in others.into_iter().chain(deletions) {
            stack.send(&request.by("alice").header("If-None-Match", condition)).assert_status(200);
        }
    }
}

#[test]
fn every_answer_that_holds_one_task_carries_its_version_and_no_other_does() {
    let (stack, path, _) = stack();
    let tag = |request: Request| stack.send(&request.by("alice")).header("etag").map(str::to_owned);
    assert_eq!(tag(post("/api/alice/tasks").json(r#"{"title":"t"}"#)).as_deref(), Some("\"1\""));
    // The last one changes nothing: the one before it has completed the task.
    for (number, version) in [(0, 3), (1, 3), (2, 4), (3, 5), (5, 6), (6, 6)] {
        assert_eq!(tag(operations(&path)[number].clone()), Some(format!("\"{version}\"")), "{number}");
    }
    assert_eq!(tag(get(&path).header("If-None-Match", "*")).as_deref(), Some("\"6\""), "304");
    assert_eq!(
        tag(put(&path).json(r#"{"title":"x"}"#).header("If-Match", "\"1\"")).as_deref(),
        Some("\"6\"")
    );
    for request in [
        get("/api/alice/tasks"),
        head("/api/alice/tasks"),
        put(&path).json("{}"),
        get("/api/alice/tasks/4000000"),
        delete(&path),
        get("/health"),
    ] {
        assert_eq!(tag(request.clone()), None, "{request:?}");
    }
}

#[test]
fn of_fifty_writers_who_expect_the_same_version_one_succeeds() {
    let (stack, path, _) = stack();
    let answers: Vec<_> = thread::scope(|scope| {
        let threads: Vec<_> = (0..50)
            .map(|n| {
                let update = put(&path).by("alice").json(&serde_json::json!({ "title": format!("w{n}") }));
                scope.spawn(|| {
                    let update = update.header("If-Match", "\"3\"");
                    stack.send(&update).status
                })
            })
            .collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).collect()
    });
    assert_eq!(answers.iter().filter(|status| **status == 200).count(), 1);
    assert_eq!(answers.iter().filter(|status| **status == 412).count(), 49);
    assert_eq!(stack.send(&get(&path).by("alice")).task().version, 4);
}

#[test]
fn of_many_different_writes_on_the_same_version_one_succeeds() {
    let stack = Stack::new();
    for _ in 0..5 {
        let (path, _) = third_version(&stack);
        let writes = operations(&path).map(|request| request.by("alice").header("If-Match", "\"3\""));
        let mut statuses: Vec<_> = thread::scope(|scope| {
            let threads: Vec<_> = writes[2..]
                .iter()
                .cycle()
                .take(20)
                .map(|write| scope.spawn(|| stack.send(write).status))
                .collect();
            threads.into_iter().map(|thread| thread.join().unwrap()).collect()
        });
        statuses.sort_unstable();
        // Where it was the deletion that succeeded there is no task any more, which comes before its version.
        assert_eq!(statuses[0], 200);
        let others = if stack.send(&get(&path).by("alice")).status == 404 { 404 } else { 412 };
        assert_eq!(statuses[1..], [others; 19]);
    }
}

#[test]
fn a_write_that_changes_nothing_keeps_the_version() {
    let (stack, path, before) = stack();
    for request in [
        put(&path).json(r#"{"title":" v "}"#),
        patch(&path).json("{}"),
        patch(&path).json(r#"{"title":"v","description":null,"completed":false}"#),
        patch(format!("{path}/complete")).json(r#"{"completed":false}"#),
    ] {
        assert_eq!(stack.send(&request.by("alice").header("If-Match", "\"3\"")).task(), before);
    }
}
