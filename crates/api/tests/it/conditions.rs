//! Contract, Part 2, "Versions": entity tags and the conditions on them.

use std::thread;

use crate::helpers::{Request, Stack, Task, delete, get, head, patch, post, put};

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

/// Every write to one task, each of which would change it.
fn writes(path: &str) -> [Request; 5] {
    [
        put(path).json(r#"{"title":"changed"}"#),
        patch(path).json(r#"{"description":"changed"}"#),
        patch(format!("{path}/complete")),
        patch(format!("{path}/complete")).json(r#"{"completed":true}"#),
        delete(path),
    ]
}

/// What a condition is, and whether a write of a task of version 3 passes it, or a reader of that version is told that
/// it has it; `None` where it is malformed.
const CONDITIONS: [(&str, Option<bool>, Option<bool>); 14] = [
    ("\"3\"", Some(true), Some(true)),
    ("\"2\"", Some(false), Some(false)),
    ("\"4\"", Some(false), Some(false)),
    ("W/\"3\"", Some(false), Some(true)),
    ("*", Some(true), Some(true)),
    ("\"1\", \"3\"", Some(true), Some(true)),
    ("\"1\",\"2\"", Some(false), Some(false)),
    ("W/\"3\", \"9\"", Some(false), Some(true)),
    ("\"03\"", Some(false), Some(false)),
    ("\"anything,else\"", Some(false), Some(false)),
    ("3", None, None),
    ("", None, None),
    ("\"3", None, None),
    ("*, \"3\"", None, None),
];

#[test]
fn a_write_happens_only_on_a_version_that_it_expects() {
    let stack = Stack::new();
    for (condition, passes, _) in CONDITIONS {
        for write in 0..5 {
            let (path, before) = third_version(&stack);
            let request = writes(&path)[write].clone().by("alice").header("If-Match", condition);
            let answer = stack.send(&request);
            match passes {
                Some(true) => {
                    answer.assert_status(200);
                    let after = stack.send(&get(&path).by("alice"));
                    match write {
                        4 => drop(after.assert_error(404, "not_found")),
                        _ => assert_eq!(after.task().version, 4, "{condition}"),
                    }
                }
                Some(false) => {
                    let current = answer.assert_error(412, "precondition_failed").current;
                    assert_eq!(current.as_ref(), Some(&before), "{condition}");
                    assert_eq!(stack.send(&get(&path).by("alice")).task(), before, "nothing is changed");
                }
                None => {
                    answer.assert_error(400, "invalid_header");
                    assert_eq!(stack.send(&get(&path).by("alice")).task(), before, "nothing is changed");
                }
            }
        }
    }
}

#[test]
fn who_may_not_see_a_task_learns_nothing_of_its_version() {
    let (stack, path, _) = stack();
    let absent = "/api/alice/tasks/4000000";
    let of_bob = path.replace("alice", "bob");
    for condition in ["\"3\"", "\"1\"", "*", "W/\"3\""] {
        for write in 0..5 {
            let with = |path: &str| writes(path)[write].clone().header("If-Match", condition);
            stack.send(&with(absent).by("alice")).assert_error(404, "not_found");
            stack.send(&with(&of_bob).by("bob")).assert_error(404, "not_found");
            stack.send(&with(&path).by("bob")).assert_error(403, "forbidden");
            stack.send(&with(&path)).assert_error(401, "unauthorized");
        }
        let read = |path: &str| get(path).header("If-None-Match", condition);
        stack.send(&read(absent).by("alice")).assert_error(404, "not_found");
        stack.send(&read(&of_bob).by("bob")).assert_error(404, "not_found");
    }
}

#[test]
fn a_reader_who_has_the_version_is_told_so() {
    let (stack, path, before) = stack();
    for (condition, _, known) in CONDITIONS {
        for request in [get(&path), head(&path)] {
            let answer = stack.send(&request.by("alice").header("If-None-Match", condition));
            let (status, tag) = match known {
                Some(true) => (304, Some("\"3\"")),
                Some(false) => (200, Some("\"3\"")),
                None => (400, None),
            };
            answer.assert_status(status);
            assert_eq!(answer.header("etag"), tag, "{condition}");
        }
    }
    assert_eq!(stack.send(&get(&path).by("alice")).task(), before);
}

#[test]
fn a_condition_counts_where_the_contract_says_and_nowhere_else() {
    let (stack, path, _) = stack();
    for garbage in ["garbage", "\"1\""] {
        stack.send(&get(&path).by("alice").header("If-Match", garbage)).assert_status(200);
        let list = get("/api/alice/tasks").by("alice").header("If-None-Match", garbage);
        stack.send(&list.header("If-Match", garbage)).assert_status(200);
        let create = post("/api/alice/tasks").by("alice").json(r#"{"title":"t"}"#);
        stack.send(&create.header("If-None-Match", garbage).header("If-Match", garbage)).assert_status(201);
        let update = put(&path).by("alice").json(r#"{"title":"w"}"#).header("If-None-Match", garbage);
        stack.send(&update).assert_status(200);
    }
    assert_eq!(stack.send(&delete(&path).by("alice")).header("etag"), None);
    assert_eq!(stack.send(&get("/api/alice/tasks").by("alice")).header("etag"), None);
}

#[test]
fn a_malformed_condition_is_told_after_the_path_and_before_the_type() {
    let (stack, path, _) = stack();
    let with = |request: Request| request.by("alice").header("If-Match", "garbage");
    stack.send(&with(put("/api/alice/tasks/x")).body("{}")).assert_error(400, "invalid_path");
    stack.send(&with(put(&path)).body("{}")).assert_error(400, "invalid_header");
    stack.send(&with(put(&path)).json("{")).assert_error(400, "invalid_header");
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
