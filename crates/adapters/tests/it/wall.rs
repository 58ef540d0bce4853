//! The wall between users: to each of them, the tasks of all others do not exist.

use task_domain::{
    Task, TaskId, TaskRepository, UserId,
    testing::{new_task, task_id, user},
};

use crate::support::{OneByOne, Store, changes, queries};

/// What every method that takes an id answers.
#[derive(Debug, PartialEq, Eq)]
struct Answers {
    found: Option<Task>,
    updated: Option<Task>,
    updated_to_the_same: Option<Task>,
    toggled: Option<Task>,
    deleted: bool,
}

const NOTHING: Answers =
    Answers { found: None, updated: None, updated_to_the_same: None, toggled: None, deleted: false };

async fn answers(store: &Store, owner: &UserId, id: TaskId) -> Answers {
    let tasks = &store.tasks;
    Answers {
        found: tasks.find(owner, id).await.unwrap(),
        updated: tasks.update(owner, id, changes(Some("stolen"), Some("stolen"))).await.unwrap(),
        updated_to_the_same: tasks.update(owner, id, changes(Some("secret"), None)).await.unwrap(),
        toggled: tasks.toggle(owner, id).await.unwrap(),
        deleted: tasks.delete(owner, id).await.unwrap(),
    }
}

#[tokio::test]
async fn every_method_treats_a_task_of_another_user_as_one_that_does_not_exist() {
    let store = Store::new().await;
    let secret = store.task("secret").await;
    store.tasks.create(&store.bob, new_task("bob's own")).await.unwrap();
    let contents = store.contents().await;
    for stranger in [&store.bob, &user("stranger"), &user("Ada"), &user("ada ")] {
        assert_eq!(answers(&store, stranger, secret.id).await, NOTHING, "{stranger:?}");
        assert_eq!(answers(&store, stranger, task_id(secret.id.get() + 1000)).await, NOTHING, "{stranger:?}");
    }
    assert_eq!(store.contents().await, contents);
}

#[tokio::test]
async fn the_very_same_calls_of_the_owner_are_answered() {
    let store = Store::new().await;
    let secret = store.task("secret").await;
    let answers = answers(&store, &store.ada, secret.id).await;
    assert_eq!(answers.found, Some(secret));
    assert!(answers.updated.is_some() && answers.updated_to_the_same.is_some());
    assert!(answers.toggled.is_some_and(|task| task.is_completed()));
    assert!(answers.deleted);
    assert_eq!(store.contents().await, [""; 0]);
}

#[tokio::test]
async fn a_list_holds_no_task_of_another_user() {
    let store = Store::new().await;
    for title in ["a", "b"] {
        store.task(title).await;
        let task = store.tasks.create(&store.bob, new_task(title)).await.unwrap();
        store.tasks.toggle(&store.bob, task.id).await.unwrap().unwrap();
    }
    for owner in [&store.ada, &store.bob] {
        let mut seen = 0;
        for query in queries() {
            let list = store.tasks.listed(owner, &query).await.unwrap();
            assert!(
                list.iter().all(|task| task.owner == *owner && task.is_completed() == (*owner == store.bob))
            );
            seen += list.len();
        }
        // In each of the two orders: two of any status, and two of the one that all of them have.
        assert_eq!(seen, 8);
    }
}

#[tokio::test]
async fn deleting_a_user_deletes_that_users_tasks_and_no_others() {
    let store = Store::new().await;
    store.task("of ada").await;
    let kept = store.tasks.create(&store.bob, new_task("of bob")).await.unwrap();
    store.db.execute("DELETE FROM users WHERE id = 'ada'").await;
    assert_eq!(store.all(&store.ada).await, []);
    assert_eq!(store.all(&store.bob).await, [kept]);
    assert_eq!(store.contents().await.len(), 1);
}
