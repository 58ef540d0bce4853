//! Clients that go away, at every point of a request, and clients that send several at once.

use std::{io::Write, thread, time::Duration};

use crate::helpers::{
    Stack, Task,
    client::{Connection, connect},
    delete, get, patch, post,
    servers::Session,
    until,
};

/// As many connections as the whole pool has, so that a single one that is lost shows.
const POOL: [(&str, &str); 3] =
    [("DATABASE_POOL_MAX", "4"), ("DATABASE_POOL_SIZE", "4"), ("DATABASE_POOL_WAIT_MS", "1500")];

/// Four requests for each connection of the pool at once are all answered: at once if nothing is left to be
/// cleared away, soon otherwise, and never if a connection was lost.
fn assert_healthy(stack: &Stack) {
    let list = get("/api/alice/tasks").by("alice");
    until("all are answered", || {
        let statuses: Vec<u16> = thread::scope(|scope| {
            let threads: Vec<_> = (0..16).map(|_| scope.spawn(|| stack.send(&list).status)).collect();
            threads.into_iter().map(|thread| thread.join().unwrap()).collect()
        });
        statuses == [200; 16]
    });
}

/// Waits until no connection of the service is in the midst of something.
fn wait_until_idle(stack: &Stack) {
    let busy = "SELECT pid::text AS line FROM pg_stat_activity
        WHERE datname = current_database() AND pid <> pg_backend_pid() AND backend_type = 'client backend'
        AND state <> 'idle'";
    until("no statement and no transaction is left", || stack.lines(busy).is_empty());
}

fn created(stack: &Stack, title: &str) -> Task {
    stack.send(&post("/api/alice/tasks").by("alice").json(&format!(r#"{{"title":"{title}"}}"#))).task()
}

#[test]
fn a_client_that_leaves_before_its_request_is_complete_changes_nothing() {
    let stack = Stack::with(&POOL);
    let whole = post("/api/alice/tasks").by("alice").json(r#"{"title":"never"}"#).to_bytes();
    let head = whole.windows(4).position(|window| window == b"\r\n\r\n").unwrap() + 4;
    for length in [1, 10, head - 30, head - 2, head, head + 1, whole.len() - 1] {
        for _ in 0..20 {
            connect(stack.address).write_all(&whole[..length]).unwrap();
        }
    }
    assert_healthy(&stack);
    wait_until_idle(&stack);
    assert_eq!(stack.send(&get("/api/alice/tasks").by("alice")).tasks(), []);
}

#[test]
fn clients_that_leave_without_reading_the_answer_cost_no_connection() {
    let stack = Stack::with(&POOL);
    let task = created(&stack, "t");
    let requests = [
        get("/api/alice/tasks").by("alice"),
        post("/api/alice/tasks").by("alice").json(r#"{"title":"u"}"#),
        patch(format!("/api/alice/tasks/{}/complete", task.id)).by("alice"),
        delete("/api/alice/tasks/4000000").by("alice"),
    ];
    for round in 0..60 {
        for request in &requests {
            let mut stream = connect(stack.address);
            stream.write_all(&request.to_bytes()).unwrap();
            if round % 3 == 0 {
                thread::sleep(Duration::from_millis(1));
            }
        }
    }
    assert_healthy(&stack);
    wait_until_idle(&stack);
    assert_healthy(&stack);
    let connections = "SELECT count(*)::text AS line FROM pg_stat_activity
        WHERE datname = current_database() AND application_name = 'task-api' AND pid <> pg_backend_pid()";
    until("there are no more connections than the pool may have", || {
        (1..=4).contains(&stack.lines(connections)[0].parse::<usize>().unwrap())
    });
}

#[test]
fn clients_that_leave_while_the_database_works_leave_no_lock_and_no_transaction() {
    let stack = Stack::with(&POOL);
    let task = created(&stack, "t");
    let toggle = patch(format!("/api/alice/tasks/{}/complete", task.id)).by("alice");
    let holder = Session::open(&stack.runtime, &stack.database);
    for _ in 0..3 {
        holder.lock_tasks();
        for _ in 0..8 {
            let mut stream = connect(stack.address);
            stream.write_all(&toggle.to_bytes()).unwrap();
            thread::sleep(Duration::from_millis(10));
        }
        holder.unlock();
        assert_healthy(&stack);
        wait_until_idle(&stack);
    }
    stack.send(&toggle).assert_status(200);
}

#[test]
fn pipelined_requests_are_answered_one_by_one_and_in_order() {
    let stack = Stack::new();
    let tasks: Vec<_> = (0..10).map(|n| created(&stack, &format!("t{n}"))).collect();
    let mut connection = Connection::open(stack.address);
    let requests: Vec<_> = tasks
        .iter()
        .flat_map(|task| {
            let path = format!("/api/alice/tasks/{}", task.id);
            [
                get(&path).by("alice"),
                patch(format!("{path}/complete")).by("alice"),
                get(&path),
                get(&path).by("alice"),
            ]
        })
        .collect();
    let bytes: Vec<u8> = requests.iter().flat_map(crate::helpers::Request::to_bytes).collect();
    connection.write(&bytes);
    for task in &tasks {
        assert_eq!(connection.read("GET").task(), *task);
        let toggled = connection.read("PATCH").task();
        assert!(toggled.completed && toggled.id == task.id);
        connection.read("GET").assert_error(401, "unauthorized");
        assert_eq!(connection.read("GET").task(), toggled);
    }
}

#[test]
fn slow_clients_are_served_and_hold_up_no_other() {
    let stack = Stack::with(&POOL);
    let bytes = post("/api/alice/tasks").by("alice").json(r#"{"title":"slowly"}"#).to_bytes();
    let mut slow: Vec<_> = (0..20).map(|_| Connection::open(stack.address)).collect();
    let (head, body) = bytes.split_at(bytes.windows(4).position(|window| window == b"\r\n\r\n").unwrap() + 4);
    let mut write = |piece: &[u8]| slow.iter_mut().for_each(|connection| connection.write(piece));
    // The time for a head is short, and no business of this test.
    head.chunks(head.len() / 8).for_each(&mut write);
    for piece in body.chunks(4) {
        write(piece);
        assert_healthy(&stack);
    }
    for connection in &mut slow {
        assert_eq!(connection.read("POST").task().title, "slowly");
    }
}
