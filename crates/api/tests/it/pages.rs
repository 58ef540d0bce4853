//! docs/api.md, "Pages".

use std::collections::BTreeSet;

use crate::helpers::{Stack, answer::TaskList, delete, get, patch, post};

fn page(stack: &Stack, target: &str) -> (TaskList, Option<String>) {
    let answer = stack.send(&get(target).by("alice"));
    let next = answer.header("link").map(|link| {
        let target = link.strip_prefix('<').and_then(|link| link.strip_suffix(">; rel=\"next\""));
        target.unwrap_or_else(|| panic!("{link} is no link to the next page")).to_owned()
    });
    (answer.list(), next)
}

/// The ids of a list, page by page as `Link` leads.
fn walk(stack: &Stack, first: &str) -> Vec<Vec<i64>> {
    let mut pages = Vec::new();
    let mut target = Some(first.to_owned());
    while let Some(asked) = target {
        let (list, next) = page(stack, &asked);
        pages.push(list.tasks.iter().map(|task| task.id).collect());
        target = next;
    }
    pages
}

/// A stack with 25 tasks of alice, of which every third is completed, and many titles and times are equal.
fn stack() -> Stack {
    let stack = Stack::new();
    stack.execute(
        "INSERT INTO tasks (user_id, title, completed, created_at)
         SELECT 'alice', 't' || n % 4, n % 3 = 0, '2026-01-01Z'::timestamptz + (n / 5) * INTERVAL '1 second'
         FROM generate_series(1, 25) AS n",
    );
    stack
}

#[test]
fn following_the_link_leads_through_every_list_and_keeps_what_was_asked_for() {
    let stack = stack();
    for status in ["all", "pending", "completed"] {
        for sort in ["created", "title"] {
            let whole = walk(&stack, &format!("/api/alice/tasks?status={status}&sort={sort}"));
            assert_eq!(whole.len(), 1);
            for limit in [1, 2, 7, 1000] {
                let query = format!("status={status}&sort={sort}&limit={limit}&total=true");
                let pages = walk(&stack, &format!("/api/alice/tasks?{query}"));
                assert!(
                    pages.iter().rev().skip(1).all(|page| page.len() == limit),
                    "{query}: full but the last"
                );
                assert_eq!(pages.concat(), whole[0], "{query}");
                let (first, next) = page(&stack, &format!("/api/alice/tasks?{query}"));
                assert_eq!(first.total, Some(whole[0].len() as u64), "{query}");
                if let Some(next) = next {
                    assert!(next.contains(&query), "{next} keeps {query}");
                    assert_eq!(page(&stack, &next).0.total, first.total);
                }
            }
        }
    }
}

#[test]
fn the_cursor_in_the_body_leads_to_the_same_page_as_the_link() {
    let stack = stack();
    let (first, next) = page(&stack, "/api/alice/tasks?limit=10");
    let cursor = first.next_cursor.unwrap();
    let (by_cursor, _) = page(&stack, &format!("/api/alice/tasks?limit=10&cursor={cursor}"));
    assert_eq!(by_cursor, page(&stack, &next.unwrap()).0);
    assert_eq!(first.total, None, "not counted unless it is asked for");
}

#[test]
fn a_page_that_is_exactly_full_is_the_last_one_where_nothing_is_behind_it() {
    let stack = stack();
    assert_eq!(walk(&stack, "/api/alice/tasks?limit=25").len(), 1);
    assert_eq!(walk(&stack, "/api/alice/tasks?limit=24").len(), 2);
}

#[test]
fn a_write_between_two_pages_neither_repeats_nor_hides_a_task() {
    let stack = stack();
    let before: BTreeSet<i64> = walk(&stack, "/api/alice/tasks").concat().into_iter().collect();
    let (first, next) = page(&stack, "/api/alice/tasks?limit=10");
    let at_the_cursor = first.tasks.last().unwrap().id;
    stack.send(&delete(format!("/api/alice/tasks/{at_the_cursor}")).by("alice")).assert_status(200);
    stack.send(&delete(format!("/api/alice/tasks/{}", first.tasks[0].id)).by("alice")).assert_status(200);
    stack
        .send(&post("/api/alice/tasks").by("alice").json(r#"{"title":"newer than all"}"#))
        .assert_status(201);
    for task in &first.tasks[1..5] {
        stack.send(&patch(format!("/api/alice/tasks/{}/complete", task.id)).by("alice")).assert_status(200);
    }
    let mut seen: Vec<i64> = first.tasks.iter().map(|task| task.id).collect();
    seen.extend(walk(&stack, &next.unwrap()).concat());
    assert_eq!(seen.len(), before.len(), "each once");
    assert_eq!(seen.into_iter().collect::<BTreeSet<_>>(), before);
}

#[test]
fn a_cursor_serves_its_own_list_only() {
    let stack = stack();
    stack.execute("INSERT INTO tasks (user_id, title) SELECT 'bob', 't' FROM generate_series(1, 3)");
    let cursor = page(&stack, "/api/alice/tasks?limit=5&status=pending&sort=title").0.next_cursor.unwrap();
    let with = |query: &str| get(format!("/api/alice/tasks?{query}&cursor={cursor}")).by("alice");
    stack.send(&with("status=pending&sort=title")).assert_status(200);
    stack.send(&with("status=pending&sort=title&limit=3&total=true")).assert_status(200);
    for query in ["status=pending", "sort=title", "status=completed&sort=title", "limit=5"] {
        stack.send(&with(query)).assert_error(400, "invalid_cursor");
    }
    let of_bob = get(format!("/api/bob/tasks?status=pending&sort=title&cursor={cursor}")).by("bob");
    stack.send(&of_bob).assert_error(400, "invalid_cursor");
}

#[test]
fn a_cursor_that_is_not_ours_is_refused() {
    let stack = stack();
    let cursor = page(&stack, "/api/alice/tasks?limit=5").0.next_cursor.unwrap();
    let ask =
        |cursor: &str| stack.send(&get(format!("/api/alice/tasks?limit=5&cursor={cursor}")).by("alice"));
    ask(&cursor).assert_status(200);
    for at in (0..cursor.len()).step_by(5) {
        let mut tampered = cursor.clone();
        let other = if &cursor[at..=at] == "A" { "B" } else { "A" };
        tampered.replace_range(at..=at, other);
        ask(&tampered).assert_error(400, "invalid_cursor");
    }
    for garbage in ["x", ".", "..", "%00", "%ff", "\u{2026}", &cursor[..20], &format!("{cursor}=")] {
        let encoded: String = garbage
            .bytes()
            .map(|byte| match byte {
                b'%' | b'=' | 0x80.. => format!("%{byte:02X}"),
                other => char::from(other).to_string(),
            })
            .collect();
        ask(&encoded).assert_error(400, "invalid_cursor");
    }
    let faults = stack.send(&get("/api/alice/tasks?cursor=").by("alice")).assert_faults("invalid_query");
    assert_eq!(faults, ["cursor"]);
    let both = stack.send(&get("/api/alice/tasks?cursor=x&limit=0").by("alice"));
    assert_eq!(both.assert_faults("invalid_query"), ["limit"], "the query comes before what its cursor says");
}
