//! docs/api.md, "Routes" and "Who may do what", over a real database: what a user goes through.

use std::collections::HashSet;

use serde_json::json;

use crate::helpers::{Answer, Stack, Task, delete, get, patch, post, put, request};

fn create(stack: &Stack, user: &str, body: &serde_json::Value) -> Task {
    let answer = stack.send(&post(format!("/api/{user}/tasks")).by(user).json(body));
    answer.assert_status(201).task()
}

fn list(stack: &Stack, user: &str, query: &str) -> Vec<Task> {
    stack.send(&get(format!("/api/{user}/tasks{query}")).by(user)).tasks()
}

fn ids(tasks: &[Task]) -> Vec<i64> {
    tasks.iter().map(|task| task.id).collect()
}

#[test]
fn a_task_lives_from_its_creation_to_its_deletion() {
    let stack = Stack::new();
    assert_eq!(list(&stack, "alice", ""), []);

    let answer = stack.send(&post("/api/alice/tasks").by("alice").json(r#"{"title":"  buy milk "}"#));
    let created = answer.assert_status(201).task();
    let path = answer.header("location").unwrap().to_owned();
    assert_eq!(path, format!("/api/alice/tasks/{}", created.id));
    assert_eq!((created.user_id.as_str(), created.title.as_str()), ("alice", "buy milk"));
    assert_eq!((created.description.as_deref(), created.completed), (None, false));
    assert_eq!(created.created_at, created.updated_at);
    assert!(is_timestamp(&created.created_at), "{}", created.created_at);

    assert_eq!(stack.send(&get(&path).by("alice")).task(), created);
    assert_eq!(list(&stack, "alice", ""), std::slice::from_ref(&created));

    let updated = stack.send(&put(&path).by("alice").json(r#"{"description":""}"#)).task();
    assert_eq!(
        updated,
        Task {
            description: Some(String::new()),
            updated_at: updated.updated_at.clone(),
            version: 2,
            ..created.clone()
        }
    );
    assert!(updated.updated_at > created.updated_at && is_timestamp(&updated.updated_at));

    let completed = stack.send(&patch(format!("{path}/complete")).by("alice")).task();
    assert_eq!(
        completed,
        Task {
            completed: true,
            completed_at: Some(completed.updated_at.clone()),
            updated_at: completed.updated_at.clone(),
            version: 3,
            ..updated.clone()
        }
    );
    assert!(completed.updated_at > updated.updated_at);
    let reopened = stack.send(&patch(format!("{path}/complete")).by("alice")).task();
    assert!(!reopened.completed && reopened.updated_at > completed.updated_at);
    assert_eq!((reopened.version, reopened.completed_at), (4, None));

    stack.send(&delete(&path).by("alice")).deleted();
    for request in [
        get(&path),
        put(&path).json(r#"{"title":"t"}"#),
        delete(&path),
        patch(&path).json("{}"),
        patch(format!("{path}/complete")),
    ] {
        stack.send(&request.by("alice")).assert_error(404, "not_found");
    }
    assert_eq!(list(&stack, "alice", ""), []);
    assert!(create(&stack, "alice", &json!({"title": "t"})).id > created.id, "an id is never used again");
}

/// `2026-01-02T03:04:05.000060Z`
fn is_timestamp(text: &str) -> bool {
    let shape: String = text.chars().map(|c| if c.is_ascii_digit() { '0' } else { c }).collect();
    shape == "0000-00-00T00:00:00.000000Z"
}

#[test]
fn an_update_changes_what_is_present_and_nothing_else() {
    let stack = Stack::new();
    let task = create(&stack, "alice", &json!({"title": "t", "description": "d"}));
    let path = format!("/api/alice/tasks/{}", task.id);
    let mut before = task;
    for (body, title, description) in [
        (json!({"title": "u"}), "u", "d"),
        (json!({"description": "e"}), "u", "e"),
        (json!({"title": null, "description": ""}), "u", ""),
        (json!({"title": "v", "description": null}), "v", ""),
        (json!({"title": "w", "description": "f"}), "w", "f"),
    ] {
        let after = stack.send(&put(&path).by("alice").json(&body)).task();
        assert_eq!(
            (after.title.as_str(), after.description.as_deref()),
            (title, Some(description)),
            "{body}"
        );
        assert!(after.updated_at > before.updated_at, "{body}");
        assert_eq!(after.created_at, before.created_at);
        before = after;
    }
    for body in [
        json!({"title": "w"}),
        json!({"title": "  w\n"}),
        json!({"description": "f"}),
        json!({"title": "w", "description": "f"}),
    ] {
        assert_eq!(
            stack.send(&put(&path).by("alice").json(&body)).task(),
            before,
            "{body} changes something"
        );
    }
    for body in [json!({}), json!({"title": null}), json!({"title": ""}), json!({"x": 1})] {
        stack.send(&put(&path).by("alice").json(&body)).assert_status(400);
    }
    assert_eq!(stack.send(&get(&path).by("alice")).task(), before);
}

#[test]
fn lists_are_filtered_and_in_a_stable_order() {
    let stack = Stack::new();
    // By code point: digits, capitals, small letters, then what lies beyond ASCII; emoji after U+FFFD.
    let titles = ["b", "a", "B", "é", "\u{fffd}", "🦀", "10", "9", "a", "e\u{301}", "aa", "a b", "ä", "Z"];
    let mut tasks: Vec<_> =
        titles.iter().map(|title| create(&stack, "alice", &json!({ "title": title }))).collect();
    create(&stack, "bob", &json!({"title": "bob's"}));
    assert!(tasks.is_sorted_by_key(|task| task.id));
    for index in [0, 3, 8] {
        let path = format!("/api/alice/tasks/{}/complete", tasks[index].id);
        tasks[index] = stack.send(&patch(path).by("alice")).task();
    }
    let mut by_title = tasks.clone();
    by_title.sort_by_key(|task| (task.title.chars().collect::<Vec<_>>(), task.id));
    let newest_first: Vec<_> = tasks.iter().rev().cloned().collect();
    for (sort, expected) in [("", &newest_first), ("sort=created", &newest_first), ("sort=title", &by_title)]
    {
        for (status, keep) in [
            ("", None),
            ("status=all", None),
            ("status=pending", Some(false)),
            ("status=completed", Some(true)),
        ] {
            let expected: Vec<_> = expected
                .iter()
                .filter(|task| keep.is_none_or(|keep| task.completed == keep))
                .cloned()
                .collect();
            assert_eq!(list(&stack, "alice", &format!("?{status}&{sort}")), expected, "{status} {sort}");
            assert!(!expected.is_empty());
        }
    }
    // Where the times are equal, the greater id comes first.
    stack.execute("UPDATE tasks SET created_at = '2026-01-01Z'");
    let mut descending = ids(&tasks);
    descending.reverse();
    assert_eq!(ids(&list(&stack, "alice", "")), descending);
}

#[test]
fn a_list_has_at_most_1000_tasks_and_counts_those_in_the_answer() {
    let stack = Stack::new();
    stack.execute(
        "INSERT INTO tasks (user_id, title) SELECT 'alice', 't' || n FROM generate_series(1, 1001) AS n",
    );
    let answer = stack.send(&get("/api/alice/tasks").by("alice"));
    assert_eq!(answer.tasks().len(), 1000);
    assert!(answer.list().next_cursor.is_some());
    let last = answer.tasks().pop().unwrap();
    stack.send(&delete(format!("/api/alice/tasks/{}", last.id)).by("alice")).assert_status(200);
    stack.execute("DELETE FROM tasks WHERE title = 't1'");
    assert_eq!(list(&stack, "alice", "").len(), 999);
}

#[test]
fn a_foreign_task_and_one_that_is_not_there_are_answered_with_the_same_bytes() {
    let stack = Stack::new();
    let bobs = create(&stack, "bob", &json!({"title": "bob's", "description": "secret"}));
    let absent = bobs.id + 1000;
    for (method, rest, body) in [
        ("GET", "", None),
        ("HEAD", "", None),
        ("PUT", "", Some(r#"{"title":"mine"}"#)),
        ("DELETE", "", None),
        ("PATCH", "", Some(r#"{"title":"mine"}"#)),
        ("PATCH", "/complete", None),
        ("PATCH", "/complete", Some(r#"{"completed":true}"#)),
    ] {
        let ask = |id: i64| -> Answer {
            let asked = request(method, format!("/api/alice/tasks/{id}{rest}")).by("alice");
            stack.send(&if let Some(body) = body { asked.json(body) } else { asked })
        };
        let (foreign, missing) = (ask(bobs.id), ask(absent));
        assert_eq!((foreign.status, &foreign.body), (404, &missing.body), "{method}");
        let names =
            |answer: &Answer| answer.headers.iter().map(|(name, _)| name.clone()).collect::<HashSet<_>>();
        assert_eq!(foreign.lasting_headers(), missing.lasting_headers());
        assert_eq!(names(&foreign), names(&missing));
    }
    assert_eq!(list(&stack, "bob", ""), [bobs]);
}

#[test]
fn a_user_without_an_account_cannot_create_and_otherwise_is_a_user_without_tasks() {
    let stack = Stack::new();
    let body = r#"{"title":"t"}"#;
    stack.send(&post("/api/ghost/tasks").by("ghost").json(body)).assert_error(403, "unknown_user");
    assert_eq!(list(&stack, "ghost", ""), []);
    stack.send(&get("/api/ghost/tasks/1").by("ghost")).assert_error(404, "not_found");
    stack.send(&put("/api/ghost/tasks/1").by("ghost").json(body)).assert_error(404, "not_found");
    stack.send(&delete("/api/ghost/tasks/1").by("ghost")).assert_error(404, "not_found");
    stack.send(&patch("/api/ghost/tasks/1").by("ghost").json(body)).assert_error(404, "not_found");
    stack.send(&patch("/api/ghost/tasks/1/complete").by("ghost")).assert_error(404, "not_found");
    // The same token works once there is an account.
    stack.runtime.block_on(stack.database.insert_user("ghost"));
    stack.send(&post("/api/ghost/tasks").by("ghost").json(body)).assert_status(201);
}

#[test]
fn deleting_a_users_row_removes_the_users_tasks_and_no_others() {
    let stack = Stack::new();
    let task = create(&stack, "alice", &json!({"title": "t"}));
    create(&stack, "bob", &json!({"title": "t"}));
    stack.execute("DELETE FROM users WHERE id = 'alice'");
    assert_eq!(list(&stack, "alice", ""), []);
    stack.send(&get(format!("/api/alice/tasks/{}", task.id)).by("alice")).assert_error(404, "not_found");
    let again = stack.send(&post("/api/alice/tasks").by("alice").json(r#"{"title":"t"}"#));
    again.assert_error(403, "unknown_user");
    assert_eq!(list(&stack, "bob", "").len(), 1);
}

#[test]
fn texts_come_back_as_they_went_in() {
    let stack = Stack::new();
    let all_planes: String = (1..=0x10_ffff_u32)
        .step_by(1009)
        .filter_map(char::from_u32)
        .filter(|c| !c.is_whitespace())
        .take(200)
        .collect();
    for text in [
        "e\u{301}\u{e9}\u{c5}\u{212b}\u{41}\u{30a}",
        "\u{fb01}\u{2126}\u{1f468}\u{200d}\u{1f469}\u{200d}\u{1f467}",
        "\u{1}\u{1b}[31m\u{7f}\u{9f}x",
        "\u{feff}bom\u{feff}",
        "\u{202e}right to left\u{202c}\u{200f}",
        "\u{fffd}\u{ffff}\u{10ffff}\u{fffe}",
        "'; DROP TABLE tasks; --",
        "$1 ${x} %s {} \\ \\u0041 \\x00 \"quoted\" 'quoted' `quoted`",
        "<script>alert(1)</script>&amp;",
        "a\r\nb\tc",
        "null",
        "１２３ Ａ",
        "Z\u{351}\u{36b}\u{343}\u{36a}a\u{334}l\u{335}g\u{336}o\u{337}",
        &all_planes,
    ] {
        let body = json!({ "title": text, "description": format!(" {text}\n") });
        let created = create(&stack, "alice", &body);
        let path = format!("/api/alice/tasks/{}", created.id);
        let read = stack.send(&get(&path).by("alice")).task();
        for task in [&created, &read, &list(&stack, "alice", "")[0]] {
            assert_eq!(task.title, text);
            assert_eq!(task.description.as_deref(), Some(format!(" {text}\n").as_str()));
        }
        let updated = stack.send(&put(&path).by("alice").json(&body)).task();
        assert_eq!(updated, created, "the same values change nothing");
    }
    // The longest that there can be, in the widest characters.
    let body = json!({ "title": "🦀".repeat(200), "description": "🦀".repeat(10_000) });
    let created = create(&stack, "alice", &body);
    assert_eq!(json!({"title": created.title, "description": created.description}), body);
}

#[test]
fn users_of_every_legal_id_have_their_own_tasks() {
    let stack = Stack::new();
    let users =
        ["a/b", "a", "...", "%61", "用户", "a b", "A", "e\u{301}", "\u{e9}", "x'; --", &"🦀".repeat(255)];
    for user in users {
        stack.runtime.block_on(stack.database.insert_user(user));
    }
    for user in users {
        let segment = percent_encoding::utf8_percent_encode(user, percent_encoding::NON_ALPHANUMERIC);
        let path = format!("/api/{segment}/tasks");
        let answer = stack.send(&post(&path).by(user).json(r#"{"title":"t"}"#));
        let task = answer.assert_status(201).task();
        assert_eq!(task.user_id, user);
        let location = answer.header("location").unwrap();
        assert_eq!(stack.send(&get(location).by(user)).task(), task);
        assert_eq!(stack.send(&get(&path).by(user)).tasks(), [task]);
    }
}

#[test]
fn a_database_that_is_read_only_is_unavailable_for_writes_and_not_for_reads() {
    let stack = Stack::new();
    let task = create(&stack, "alice", &json!({"title": "t"}));
    let name = stack.database.name();
    stack.execute(&format!("ALTER DATABASE {name} SET default_transaction_read_only = on"));
    let close = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()";
    stack.execute(close);
    let path = format!("/api/alice/tasks/{}", task.id);
    // The first answers may find out that the old connections are gone.
    while stack.send(&get(&path).by("alice")).status != 200 {}
    for request in [
        post("/api/alice/tasks").json(r#"{"title":"t"}"#),
        put(&path).json(r#"{"title":"u"}"#),
        patch(&path).json(r#"{"title":"u"}"#),
        patch(format!("{path}/complete")),
        delete(&path),
        delete(&path).header("Idempotency-Key", "k"),
    ] {
        stack.send(&request.by("alice")).assert_error(503, "unavailable");
    }
    assert_eq!(stack.send(&get(&path).by("alice")).task(), task);
}
