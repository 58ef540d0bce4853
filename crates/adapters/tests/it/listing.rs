//! `list`: which tasks, in what order, how many.

use task_domain::{PageLimit, StatusFilter, TaskOrder, TaskRepository, testing::user};

use crate::support::{OneByOne, Store, ids, listed, queries, query};

/// Without its indexes PostgreSQL has no order to give but the one that it was asked for.
const NO_INDEXES: &str = "ALTER TABLE tasks DROP CONSTRAINT tasks_pkey;
    DROP INDEX tasks_by_created, tasks_by_status_created, tasks_by_title, tasks_by_status_title";

/// Titles of which each is less than the next by code point, though not by the rules of any language, nor in UTF-16.
const ASCENDING: [&str; 14] =
    ["!", "10", "2", "Z", "a", "a b", "aa", "b", "e\u{301}", "z", "é", "\u{d7ff}", "Ａ", "🦀"];

#[tokio::test]
async fn a_user_without_tasks_has_an_empty_list_and_so_has_an_unknown_one() {
    let store = Store::new().await;
    store.task("of another user").await;
    for query in queries() {
        assert_eq!(store.tasks.listed(&store.bob, &query).await.unwrap(), []);
        assert_eq!(store.tasks.listed(&user("stranger"), &query).await.unwrap(), []);
    }
}

#[tokio::test]
async fn a_list_holds_exactly_the_tasks_of_its_status() {
    let store = Store::new().await;
    let (first, second, third) = (store.task("1").await, store.task("2").await, store.task("3").await);
    let second = store.tasks.toggle(&store.ada, second.id).await.unwrap().unwrap();
    for order in [TaskOrder::NewestFirst, TaskOrder::Title] {
        let mut all = store.tasks.listed(&store.ada, &query(StatusFilter::All, order)).await.unwrap();
        let mut pending = store.tasks.listed(&store.ada, &query(StatusFilter::Pending, order)).await.unwrap();
        let completed = store.tasks.listed(&store.ada, &query(StatusFilter::Completed, order)).await.unwrap();
        all.sort_by_key(|task| task.id);
        pending.sort_by_key(|task| task.id);
        assert_eq!(all, [first.clone(), second.clone(), third.clone()]);
        assert_eq!(pending, [first.clone(), third.clone()]);
        assert_eq!(completed, std::slice::from_ref(&second));
    }
}

#[tokio::test]
async fn the_newest_come_first_and_of_tasks_of_one_moment_the_greater_id() {
    let store = Store::new().await;
    for (title, moment) in
        [("a", "12:00:00"), ("b", "12:00:00.000001"), ("c", "12:00:00"), ("d", "11:59:59.999999")]
    {
        let id = store.task(title).await.id.get();
        let set = format!("UPDATE tasks SET created_at = '2026-01-02 {moment}Z' WHERE id = {id}");
        store.db.execute(&set).await;
    }
    store.db.execute(NO_INDEXES).await;
    for status in [StatusFilter::All, StatusFilter::Pending] {
        let list = store.tasks.listed(&store.ada, &query(status, TaskOrder::NewestFirst)).await.unwrap();
        assert_eq!(list.iter().map(|task| task.title.as_str()).collect::<Vec<_>>(), ["b", "c", "a", "d"]);
    }
}

#[tokio::test]
async fn titles_ascend_by_code_point() {
    let store = Store::new().await;
    // In an order that is neither the expected one nor its reverse.
    for index in 0..ASCENDING.len() {
        store.task(ASCENDING[index * 5 % ASCENDING.len()]).await;
    }
    for status in [StatusFilter::All, StatusFilter::Pending] {
        let list = store.tasks.listed(&store.ada, &query(status, TaskOrder::Title)).await.unwrap();
        assert_eq!(list.iter().map(|task| task.title.as_str()).collect::<Vec<_>>(), ASCENDING);
    }
}

#[tokio::test]
async fn of_equal_titles_the_smaller_id_comes_first() {
    let store = Store::new().await;
    let (b, a, other_a) = (store.task("b").await, store.task("a").await, store.task("a").await);
    store.db.execute(NO_INDEXES).await;
    // A row that changes moves in the table: its place there must not show.
    store.tasks.toggle(&store.ada, a.id).await.unwrap().unwrap();
    store.tasks.toggle(&store.ada, a.id).await.unwrap().unwrap();
    for status in [StatusFilter::All, StatusFilter::Pending] {
        let list = store.tasks.listed(&store.ada, &query(status, TaskOrder::Title)).await.unwrap();
        assert_eq!(ids(&list), [a.id, other_a.id, b.id]);
    }
}

#[tokio::test]
async fn a_list_holds_the_first_thousand_in_its_order_and_no_more() {
    let store = Store::new().await;
    // Many equal titles and moments in no order; 1,100 tasks are pending and 1,100 completed.
    store
        .db
        .execute(
            "INSERT INTO tasks (user_id, title, completed, created_at, updated_at)
             SELECT 'ada', 'title ' || n * 37 % 700, n % 2 = 0, moment, moment
             FROM generate_series(1, 2200) AS n,
             LATERAL (SELECT timestamptz '2026-01-02' + n * 71 % 900 * interval '1 second' AS moment) AS at",
        )
        .await;
    let mut everything = Vec::new();
    for line in store.db.lines("SELECT id::text AS line FROM tasks").await {
        let id = task_domain::testing::task_id(line.parse().unwrap());
        everything.push(store.tasks.find(&store.ada, id).await.unwrap().unwrap());
    }
    assert_eq!(everything.len(), 2200);
    for query in queries() {
        let list = store.tasks.listed(&store.ada, &query).await.unwrap();
        assert_eq!(list.len(), usize::from(PageLimit::MAX));
        assert_eq!(list, listed(&everything, &query), "{query:?}");
    }
}
