//! docs/api.md, "Idempotency".

use std::thread;

use crate::helpers::{
    Answer, LISTED, Request, Stack, delete, get, patch, post, put,
    servers::{Session, runtime},
    until,
};

fn create(key: &str) -> Request {
    post("/api/alice/tasks").by("alice").json(r#"{"title":"t"}"#).header("Idempotency-Key", key)
}

fn titles(stack: &Stack) -> usize {
    stack.lines("SELECT title AS line FROM tasks").len()
}

/// What a replay must repeat of an answer.
fn essence(answer: &Answer) -> (u16, &[u8], Option<&str>, Option<&str>) {
    (answer.status, &answer.body, answer.header("location"), answer.header("etag"))
}

#[track_caller]
fn assert_replayed(first: &Answer, again: &Answer) {
    assert_eq!(essence(again), essence(first));
    assert_eq!(first.header("idempotency-replayed"), None);
    assert_eq!(again.header("idempotency-replayed"), Some("true"));
}

#[test]
fn a_repeated_create_gets_the_first_answer_again_and_makes_nothing() {
    let stack = Stack::new();
    let first = stack.send(&create("k").header("X-Request-Id", "first"));
    first.assert_status(201);
    let again = stack.send(&create("k").header("X-Request-Id", "again").header("Origin", LISTED[0]));
    assert_replayed(&first, &again);
    assert_eq!(again.header("x-request-id"), Some("again"), "the replay's own");
    assert_eq!(again.header("access-control-allow-origin"), Some(LISTED[0]), "the replay's own");
    assert_eq!(titles(&stack), 1);
    stack.send(&create("other")).assert_status(201);
    assert_eq!(titles(&stack), 2);
}

#[test]
fn every_write_can_be_repeated_whatever_has_become_of_the_task() {
    let stack = Stack::new();
    let task = stack.send(&create("new")).task();
    let path = format!("/api/alice/tasks/{}", task.id);
    let requests = [
        put(&path).json(r#"{"title":"u"}"#),
        patch(&path).json(r#"{"completed":true}"#),
        patch(format!("{path}/complete")),
        patch(format!("{path}/complete")).json(r#"{"completed":true}"#),
        put(&path).json(r#"{"title":"w"}"#).header("If-Match", "\"1\""),
        delete(&path),
        delete(&path),
    ];
    let keyed = requests.map(|request| request.by("alice"));
    let send = |(number, request): (usize, &Request)| {
        stack.send(&request.clone().header("Idempotency-Key", format!("k{number}")))
    };
    let first: Vec<_> = keyed.iter().enumerate().map(send).collect();
    let statuses: Vec<_> = first.iter().map(|answer| answer.status).collect();
    assert_eq!(statuses, [200, 200, 200, 200, 412, 200, 404]);
    let stored = stack.lines("SELECT tasks::text AS line FROM tasks");
    for (first, again) in first.iter().zip(keyed.iter().enumerate().map(send)) {
        assert_replayed(first, &again);
    }
    assert_eq!(stack.lines("SELECT tasks::text AS line FROM tasks"), stored);
}

#[test]
fn a_key_is_one_header_of_visible_ascii_bare_or_quoted() {
    let stack = Stack::new();
    let longest = "k".repeat(255);
    let first = stack.send(&create("a-key"));
    assert_replayed(&first, &stack.send(&create("\"a-key\"")));
    stack.send(&create(&longest)).assert_status(201);
    for malformed in ["", "a b", "\"a", "\"\"", "\"a\";p=1", "caf\u{e9}", &"k".repeat(256)] {
        stack.send(&create(malformed)).assert_error(400, "invalid_header");
    }
    stack.send(&create("a").header("Idempotency-Key", "a")).assert_error(400, "invalid_header");
    let read = get("/api/alice/tasks").by("alice").header("Idempotency-Key", "a b");
    stack.send(&read).assert_status(200);
    assert_eq!(titles(&stack), 2);
}

#[test]
fn a_key_that_was_used_for_something_else_is_refused() {
    let stack = Stack::new();
    let task = stack.send(&create("k")).task();
    let path = format!("/api/alice/tasks/{}", task.id);
    let others = [
        post("/api/alice/tasks").json(r#"{"title":"t" }"#),
        post("/api/alice/tasks").json(r#"{"title":"t"}"#).header("If-Match", "*"),
        put(&path).json(r#"{"title":"t"}"#),
        patch(&path).json(r#"{"title":"t"}"#),
        patch(format!("{path}/complete")),
        delete(&path),
        // A fault of the body is reported after the key has been looked up.
        post("/api/alice/tasks").json("{"),
        post("/api/alice/tasks").json(r#"{"title":""}"#),
    ];
    for other in others {
        let answer = stack.send(&other.by("alice").header("Idempotency-Key", "k"));
        answer.assert_error(422, "idempotency_mismatch");
    }
    let untyped = post("/api/alice/tasks").by("alice").body("{}").header("Idempotency-Key", "k");
    stack.send(&untyped).assert_error(415, "unsupported_media_type");
    let huge = post("/api/alice/tasks").by("alice").json(&" ".repeat(131_073)).header("Idempotency-Key", "k");
    stack.send(&huge).assert_error(413, "payload_too_large");
    assert_eq!(stack.send(&get(&path).by("alice")).task(), task);
}

#[test]
fn keys_of_different_users_have_nothing_to_do_with_each_other() {
    let stack = Stack::new();
    let of_bob = post("/api/bob/tasks").by("bob").json(r#"{"title":"b"}"#).header("Idempotency-Key", "k");
    let alice = stack.send(&create("k")).task();
    let bob = stack.send(&of_bob).task();
    assert_ne!(alice.id, bob.id);
    assert_eq!(stack.send(&create("k")).task(), alice);
    assert_eq!(stack.send(&of_bob).task(), bob);
    stack.execute("DELETE FROM users WHERE id = 'bob'");
    assert_eq!(stack.lines("SELECT user_id AS line FROM idempotency_keys"), ["alice"]);
}

#[test]
fn a_request_that_was_refused_before_the_database_leaves_no_key() {
    let stack = Stack::new();
    let keyed = |request: Request| request.by("alice").header("Idempotency-Key", "k");
    stack
        .send(&keyed(post("/api/alice/tasks").json(r#"{"title":""}"#)))
        .assert_error(400, "validation_failed");
    stack.send(&keyed(post("/api/alice/tasks").json("{"))).assert_error(400, "invalid_json");
    stack.send(&keyed(put("/api/alice/tasks/7").json("{}"))).assert_error(400, "empty_update");
    stack.send(&keyed(post("/api/bob/tasks").json("{}"))).assert_error(403, "forbidden");
    stack.send(&create("k").bearing("garbage")).assert_status(401);
    assert_eq!(stack.send(&create("k")).assert_status(201).header("idempotency-replayed"), None);
}

#[test]
fn a_user_without_an_account_leaves_no_key() {
    let stack = Stack::new();
    let keyed = |request: Request| request.by("stranger").header("Idempotency-Key", "k");
    let new = keyed(post("/api/stranger/tasks").json(r#"{"title":"t"}"#));
    stack.send(&new).assert_error(403, "unknown_user");
    let gone = keyed(delete("/api/stranger/tasks/1"));
    stack.send(&gone).assert_error(404, "not_found");
    stack.execute(
        "INSERT INTO users (id, name, email, \"emailVerified\") VALUES ('stranger', 'n', 'n@example.com', true)",
    );
    stack.send(&new).assert_status(201);
}

#[test]
fn while_a_request_is_running_its_repetition_is_in_progress() {
    let stack = Stack::new();
    let task = stack.send(&create("new")).task();
    let runtime = runtime();
    let holder = Session::open(&runtime, &stack.database);
    holder.lock_tasks();
    let toggle = patch(format!("/api/alice/tasks/{}/complete", task.id)).by("alice");
    let toggle = toggle.header("Idempotency-Key", "k");
    let first = thread::scope(|scope| {
        let first = scope.spawn(|| stack.send(&toggle));
        stack.until_waiting(1);
        stack.send(&toggle).assert_error(409, "idempotency_in_progress");
        holder.unlock();
        first.join().unwrap()
    });
    assert!(first.task().completed);
    // However many ask at once: it is finished.
    thread::scope(|scope| {
        for _ in 0..30 {
            scope.spawn(|| assert_replayed(&first, &stack.send(&toggle)));
        }
    });
}

#[test]
fn of_fifty_requests_with_the_same_key_one_has_an_effect() {
    let stack = Stack::new();
    let answers: Vec<_> = thread::scope(|scope| {
        let threads: Vec<_> = (0..50).map(|_| scope.spawn(|| stack.send(&create("k")))).collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).collect()
    });
    assert_eq!(titles(&stack), 1);
    let first: Vec<_> = answers
        .iter()
        .filter(|answer| answer.status == 201 && answer.header("idempotency-replayed").is_none())
        .collect();
    assert_eq!(first.len(), 1);
    for answer in answers.iter().filter(|answer| answer.status != 409) {
        assert_eq!(essence(answer), essence(first[0]));
    }
}

#[test]
fn a_write_with_a_key_and_the_deletion_of_its_user_do_not_lock_each_other_out() {
    let stack = Stack::new();
    let task = stack.send(&create("new")).task();
    let toggle = patch(format!("/api/alice/tasks/{}/complete", task.id)).by("alice");
    let runtime = runtime();
    let holder = Session::open(&runtime, &stack.database);
    // The write gets as far as it can before it needs its key, and then the user is deleted.
    holder.execute("BEGIN; LOCK TABLE idempotency_keys IN EXCLUSIVE MODE");
    thread::scope(|scope| {
        let write = scope.spawn(|| stack.send(&toggle.clone().header("Idempotency-Key", "k")));
        stack.until_waiting(1);
        let deletion = scope.spawn(|| stack.execute("DELETE FROM users WHERE id = 'alice'"));
        stack.until_waiting(2);
        holder.unlock();
        deletion.join().expect("the account is deleted");
        assert!([200, 404].contains(&write.join().unwrap().status));
    });
    assert_eq!(titles(&stack), 0);
}

#[test]
fn clients_that_vanish_leave_no_transaction_open_and_a_key_that_can_be_used() {
    let stack = Stack::new();
    let task = stack.send(&create("new")).task();
    let runtime = runtime();
    let holder = Session::open(&runtime, &stack.database);
    holder.lock_tasks();
    let toggle = patch(format!("/api/alice/tasks/{}/complete", task.id)).by("alice");
    for number in 0..5 {
        let request = toggle.clone().header("Idempotency-Key", format!("k{number}"));
        let mut connection = crate::helpers::client::connect(stack.address);
        std::io::Write::write_all(&mut connection, &request.to_bytes()).unwrap();
        stack.until_waiting(number + 1);
        drop(connection);
    }
    holder.unlock();
    let open = "SELECT query AS line FROM pg_stat_activity
        WHERE datname = current_database() AND application_name = 'task-api' AND state LIKE 'idle in transaction%'";
    let keys = "SELECT key AS line FROM idempotency_keys WHERE key LIKE 'k%'";
    until("each write comes to its end without its client", || stack.lines(keys).len() == 5);
    assert_eq!(stack.lines(open), Vec::<String>::new());
    for number in 0..5 {
        let again = stack.send(&toggle.clone().header("Idempotency-Key", format!("k{number}")));
        assert_eq!(again.assert_status(200).header("idempotency-replayed"), Some("true"));
    }
    assert_eq!(stack.send(&get(format!("/api/alice/tasks/{}", task.id)).by("alice")).task().version, 6);
}
