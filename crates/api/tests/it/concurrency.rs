//! `docs/api.md`, "Complete" and "Rules": many requests for the same tasks at the same time.

use std::thread;

use serde_json::json;
use task_domain::{Change, Description, TaskChanges, Title};

use crate::{
    helpers::{Stack, Task, delete, get, patch, post, put},
    reference::{moment, read, shown},
};

fn create(stack: &Stack, body: &serde_json::Value) -> Task {
    stack.send(&post("/api/alice/tasks").by("alice").json(body)).assert_status(201).task()
}

fn list(stack: &Stack) -> Vec<Task> {
    stack.send(&get("/api/alice/tasks").by("alice")).tasks()
}

#[test]
fn of_200_concurrent_toggles_each_counts() {
    const TOGGLES: usize = 200;
    let stack = Stack::new();
    let task = create(&stack, &json!({"title": "t"}));
    let toggle = patch(format!("/api/alice/tasks/{}/complete", task.id)).by("alice");
    let mut seen: Vec<Task> = thread::scope(|scope| {
        let threads: Vec<_> = (0..TOGGLES).map(|_| scope.spawn(|| stack.send(&toggle).task())).collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).collect()
    });
    seen.sort_by_key(|task| task.version);
    let mut before = task;
    for after in seen {
        let toggled = read(&before).toggle(moment(&after.updated_at)).task;
        assert_eq!(after, shown(&toggled), "each one flips what the one before it left");
        before = after;
    }
    assert_eq!(list(&stack), [before.clone()]);
    assert!(!before.completed, "an even number of flips");
}

#[test]
fn concurrent_updates_all_count_and_none_shares_its_time() {
    let stack = Stack::new();
    let task = create(&stack, &json!({"title": "t", "description": "d"}));
    let path = format!("/api/alice/tasks/{}", task.id);
    let requests = (0..60).map(|n| {
        let text = format!("v{n}");
        let (member, changes) = if n % 2 == 0 {
            ("title", TaskChanges { title: Title::parse(&*text).ok(), ..TaskChanges::default() })
        } else {
            let description = Change::Set(Description::parse(text.clone()).unwrap());
            ("description", TaskChanges { description, ..TaskChanges::default() })
        };
        (put(&path).by("alice").json(&json!({ member: text })), changes)
    });
    let mut seen: Vec<(Task, TaskChanges)> = thread::scope(|scope| {
        let send = |(update, changes)| scope.spawn(|| (stack.send(&{ update }).task(), changes));
        let threads: Vec<_> = requests.map(send).collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).collect()
    });
    seen.sort_by_key(|(task, _)| task.version);
    let mut before = task;
    for (after, changes) in seen {
        let expected = read(&before).apply(&changes, moment(&after.updated_at)).task;
        assert_eq!(after, shown(&expected), "each one changes what the one before it left");
        before = after;
    }
    assert_eq!(list(&stack), [before]);
}

#[test]
fn of_concurrent_deletions_one_wins() {
    let stack = Stack::new();
    let task = create(&stack, &json!({"title": "t"}));
    let deletion = delete(format!("/api/alice/tasks/{}", task.id)).by("alice");
    let mut statuses: Vec<u16> = thread::scope(|scope| {
        let threads: Vec<_> = (0..20).map(|_| scope.spawn(|| stack.send(&deletion).status)).collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).collect()
    });
    statuses.sort_unstable();
    assert_eq!((statuses[0], &statuses[1..]), (200, &[404; 19][..]));
}

#[test]
fn ids_ascend_and_are_below_2_to_the_53_even_if_many_create_at_once() {
    let stack = Stack::new();
    let creation = post("/api/alice/tasks").by("alice").json(r#"{"title":"t"}"#);
    let first = stack.send(&creation).task();
    let mut created: Vec<i64> = thread::scope(|scope| {
        let threads: Vec<_> = (0..40).map(|_| scope.spawn(|| stack.send(&creation).task().id)).collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).collect()
    });
    created.sort_unstable();
    created.dedup();
    assert_eq!(created.len(), 40);
    assert!(created.iter().all(|id| (first.id + 1..1 << 53).contains(id)));
    // The last one is deleted, and its number is gone with it.
    for id in [created[7], *created.last().unwrap()] {
        stack.send(&delete(format!("/api/alice/tasks/{id}")).by("alice"));
    }
    assert!(stack.send(&creation).task().id > *created.last().unwrap());
}
