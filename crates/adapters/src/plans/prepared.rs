//! That each statement is prepared, once for each connection, and that each file of SQL is a statement.

use std::{collections::BTreeSet, fs, path::Path};

use futures_util::future::join_all;
use task_domain::{
    Change, Expectation, Fingerprint, IdempotencyKey, IdempotencyStore, IdempotentRequest, PageLimit,
    Position, Receipt, ReceiptWriter, StatusFilter, Task, TaskChanges, TaskCommand, TaskOrder, TaskQuery,
    TaskRepository, Title, Version,
    testing::{new_task, user},
};

use super::session::{Plans, sent};
use crate::testing::statements;

pub(super) fn request(key: &str) -> IdempotentRequest {
    IdempotentRequest { key: IdempotencyKey::parse(key).unwrap(), fingerprint: Fingerprint([7; 32]) }
}

pub(super) const RECEIPTS: ReceiptWriter = ReceiptWriter(|_| Receipt(b"receipt".to_vec()));

/// Fails if a statement is missing here, if one is here that is no file, and if one is prepared anew.
#[tokio::test]
async fn each_statement_is_prepared_once_for_all_values() {
    let ada = "INSERT INTO users (id, name, email, \"emailVerified\") VALUES ('ada', 'n', 'e', true)";
    let plans = Plans::of(&[(ada, "users")]).await;
    let (tasks, once, ada) = (plans.tasks(), plans.once(), user("ada"));
    let all: BTreeSet<_> = statements().into_iter().map(|(_, text)| sent(text.unwrap())).collect();
    for round in 0..3 {
        for (number, limit) in [1, 7, 1000].into_iter().enumerate() {
            let title = format!("t{round}{number}");
            let task = TaskCommand::Create(new_task(&title));
            tasks.execute(&ada, task.clone()).await.unwrap();
            once.execute_once(&ada, &request(&title), task, RECEIPTS).await.unwrap();
            once.recall(&ada, &request(&title)).await.unwrap();
            for status in [StatusFilter::All, StatusFilter::Pending, StatusFilter::Completed] {
                for order in [TaskOrder::NewestFirst, TaskOrder::Title] {
                    let mut query = TaskQuery::from_start(order);
                    query.status = status;
                    (query.limit, query.count_all) = (PageLimit::new(limit).unwrap(), true);
                    let page = tasks.list(&ada, &query).await.unwrap();
                    if let Some(task) = page.tasks.last() {
                        tasks.list(&ada, &TaskQuery::after(Position::of(task, order))).await.unwrap();
                    }
                }
            }
            let page = tasks.list(&ada, &TaskQuery::default()).await.unwrap();
            let id = page.tasks[0].id;
            join_all((0..3).map(|_| tasks.find(&ada, id))).await;
            join_all((0..3).map(|_| tasks.execute(&ada, TaskCommand::Create(new_task("t"))))).await;
            let latest = tasks.list(&ada, &TaskQuery::default()).await.unwrap().tasks;
            let toggle = |task: &Task| TaskCommand::Toggle { id: task.id, expected: Expectation::Any };
            join_all(latest.iter().take(4).map(|task| tasks.execute(&ada, toggle(task)))).await;
            let changes = TaskChanges { completed: Some(true), ..TaskChanges::default() };
            let complete = |task: &Task| {
                let (expected, changes) = (Expectation::Any, changes.clone());
                TaskCommand::Update { id: task.id, expected, changes }
            };
            join_all(latest.iter().take(4).map(|task| tasks.execute(&ada, complete(task)))).await;
            let expected = [
                Expectation::Any,
                Expectation::OneOf(vec![page.tasks[0].version]),
                Expectation::OneOf((1..9).filter_map(Version::new).collect()),
            ][number]
                .clone();
            for changes in [
                TaskChanges { title: Title::parse(&title).ok(), ..TaskChanges::default() },
                TaskChanges { description: Change::Clear, ..TaskChanges::default() },
                TaskChanges { completed: Some(true), ..TaskChanges::default() },
            ] {
                let update = TaskCommand::Update { id, expected: expected.clone(), changes };
                tasks.execute(&ada, update).await.unwrap();
            }
            tasks.execute(&ada, TaskCommand::Toggle { id, expected: expected.clone() }).await.unwrap();
            tasks.find(&ada, id).await.unwrap();
            tasks.execute(&ada, TaskCommand::Delete { id, expected }).await.unwrap();
            once.forget_expired(limit).await.unwrap();
        }
        let now: BTreeSet<_> = plans.prepared().await.into_iter().map(|(_, text)| text).collect();
        assert_eq!(now, all, "round {round}");
        assert_eq!(plans.prepared().await.len(), all.len(), "round {round}: some are prepared twice");
    }
}

/// What only stands in other files.
const PIECES: [&str; 4] = ["assignments", "columns", "completed", "toggled"];

#[test]
fn each_file_of_sql_is_a_statement_or_a_piece_of_several() {
    let folder = |name: &str| {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("src").join(name).join("sql");
        let stem = |path: &Path| path.file_stem().unwrap().to_str().unwrap().to_owned();
        fs::read_dir(folder).unwrap().map(|entry| stem(&entry.unwrap().path())).collect::<BTreeSet<_>>()
    };
    let files = folder("idempotency").into_iter().map(|name| format!("key_{name}")).chain(folder("tasks"));
    let kind = |name: &str| {
        if name.starts_with("page_by_") { "page" } else { name.trim_end_matches("_of_status") }.to_owned()
    };
    let known = statements().into_iter().map(|(name, _)| kind(&name)).chain(PIECES.map(str::to_owned));
    assert_eq!(files.collect::<BTreeSet<_>>(), known.collect());
}
