//! Requests that come at the same time, which few statements carry out.

use std::{
    collections::BTreeSet,
    sync::Arc,
    time::{Duration, Instant},
};

use futures_util::future::join_all;
use task_adapters::{
    PoolOptions,
    testing::{HUNG, pool_options},
};
use task_domain::{
    RepositoryError, Task, TaskId, TaskRepository, UserId,
    testing::{new_task, user},
};

use crate::support::{OneByOne, Store, changes, new_task_with, repository, session, unavailable, unexpected};

/// How many calls come at the same time.
const MANY: usize = 120;

/// A store with ten users, and a number of tasks of each.
async fn store_of_ten() -> (Store, Vec<UserId>, Vec<Task>) {
    let store = Store::new().await;
    let mut owners = Vec::new();
    for number in 0..10 {
        let name = format!("user {number}");
        store.db.insert_user(&name).await;
        owners.push(user(&name));
    }
    let created = (0..MANY).map(|number| {
        let owner = &owners[number % owners.len()];
        store.tasks.create(owner, new_task_with(&format!("title {number}"), &format!("{number}")))
    });
    let tasks = join_all(created).await.into_iter().map(Result::unwrap).collect();
    (store, owners, tasks)
}

#[tokio::test]
async fn each_caller_gets_the_task_that_it_created() {
    let (store, owners, tasks) = store_of_ten().await;
    for (number, task) in tasks.iter().enumerate() {
        assert_eq!(task.owner, owners[number % owners.len()]);
        assert_eq!(task.title.as_str(), format!("title {number}"));
        assert_eq!(store.tasks.find(&task.owner, task.id).await.unwrap().as_ref(), Some(task));
    }
    assert_eq!(tasks.iter().map(|task| task.id).collect::<BTreeSet<TaskId>>().len(), MANY);
}

#[tokio::test]
async fn callers_that_create_the_same_task_at_the_same_time_get_one_each() {
    let store = Store::new().await;
    let created = join_all((0..MANY).map(|_| store.tasks.create(&store.ada, new_task("the same")))).await;
    let ids: BTreeSet<_> = created.into_iter().map(|task| task.unwrap().id).collect();
    assert_eq!(ids.len(), MANY);
}

#[tokio::test]
async fn each_owner_finds_its_own_tasks_and_no_other() {
    let (store, owners, tasks) = store_of_ten().await;
    let asked = (0..MANY * 3).map(|number| (&owners[number % owners.len()], &tasks[number / 3]));
    let found = join_all(asked.clone().map(|(owner, task)| store.tasks.find(owner, task.id))).await;
    for ((owner, task), found) in asked.zip(found) {
        assert_eq!(found.unwrap().as_ref(), (task.owner == *owner).then_some(task));
    }
}

#[tokio::test]
async fn each_owner_changes_its_own_tasks_and_no_other() {
    let (store, owners, tasks) = store_of_ten().await;
    let asked = (0..MANY * 3).map(|number| (&owners[number % owners.len()], &tasks[number / 3]));
    let toggled = asked.clone().map(|(owner, task)| store.tasks.toggle(owner, task.id));
    let updated = asked
        .clone()
        .map(|(owner, task)| store.tasks.update(owner, task.id, changes(Some(owner.as_str()), None)));
    let (toggled, updated) = tokio::join!(join_all(toggled), join_all(updated));
    for ((owner, task), (toggled, updated)) in asked.zip(toggled.into_iter().zip(updated)) {
        let (toggled, updated) = (toggled.unwrap(), updated.unwrap());
        assert_eq!(toggled.is_some(), task.owner == *owner);
        assert_eq!(updated.is_some(), task.owner == *owner);
        if let (Some(toggled), Some(updated)) = (toggled, updated) {
            assert_eq!((toggled.id, updated.id), (task.id, task.id));
            assert_eq!((&toggled.owner, updated.title.as_str()), (owner, owner.as_str()));
            assert_eq!(updated.description, task.description);
            assert!(toggled.is_completed());
        }
    }
}

#[tokio::test]
async fn an_unknown_user_keeps_no_other_from_creating() {
    let store = Store::new().await;
    let stranger = user("stranger");
    let asked = (0..MANY).map(|number| if number % 10 == 5 { &stranger } else { &store.ada });
    let created = join_all(asked.clone().map(|owner| store.tasks.create(owner, new_task("t")))).await;
    for (owner, created) in asked.zip(created) {
        match created {
            Ok(task) => assert_eq!(task.owner, store.ada),
            Err(error) => {
                assert!(*owner == stranger && matches!(error, RepositoryError::UnknownUser), "{error:?}");
            }
        }
    }
    assert_eq!(store.contents().await.len(), MANY - MANY / 10);
}

#[tokio::test]
async fn a_locked_task_holds_up_no_other_task() {
    let (store, _, tasks) = store_of_ten().await;
    let (store, locked) = (Arc::new(store), &tasks[7]);
    let lock = format!("BEGIN; SELECT FROM tasks WHERE id = {} FOR UPDATE", locked.id.get());
    let blocker = session(store.db.database(), &lock).await;
    let waits = tokio::spawn({
        let (store, owner, id) = (Arc::clone(&store), locked.owner.clone(), locked.id);
        async move { join_all((0..2).map(|_| store.tasks.toggle(&owner, id))).await }
    });
    tokio::task::yield_now().await;
    let others = tasks.iter().filter(|task| task.id != locked.id);
    let toggled = join_all(others.map(|task| store.tasks.toggle(&task.owner, task.id)));
    let toggled = tokio::time::timeout(HUNG / 2, toggled).await.unwrap();
    assert!(toggled.into_iter().all(|task| task.unwrap().unwrap().is_completed()));
    assert!(!waits.is_finished());
    drop(blocker);
    let both = waits.await.unwrap().into_iter().map(|task| task.unwrap().unwrap().version.get());
    assert_eq!(both.collect::<BTreeSet<_>>(), BTreeSet::from([2, 3]));
}

#[tokio::test]
async fn a_task_that_breaks_a_rule_is_an_error_for_its_owner_alone_and_changes_once() {
    let (store, _, tasks) = store_of_ten().await;
    let broken = &tasks[9];
    store.db.execute(&format!("UPDATE tasks SET title = ' ' WHERE id = {}", broken.id.get())).await;
    let toggled = join_all(tasks.iter().map(|task| store.tasks.toggle(&task.owner, task.id))).await;
    for (task, toggled) in tasks.iter().zip(toggled) {
        if task.id == broken.id {
            assert!(unexpected(toggled).contains("must not be empty"));
        } else {
            assert!(toggled.unwrap().unwrap().is_completed());
        }
    }
    let versions = store.db.lines("SELECT DISTINCT version::text AS line FROM tasks").await;
    assert_eq!(versions, ["2"]);
}

#[tokio::test]
async fn each_of_many_toggles_of_one_task_flips_it() {
    let store = Store::new().await;
    let task = store.task("t").await;
    let toggled = join_all((0..MANY).map(|_| store.tasks.toggle(&store.ada, task.id))).await;
    let versions: BTreeSet<_> =
        toggled.into_iter().map(|task| task.unwrap().unwrap().version.get()).collect();
    assert_eq!(versions, (2..).take(MANY).collect());
}

#[tokio::test]
async fn a_call_that_waits_for_others_waits_no_longer_than_its_deadline_in_all() {
    const CALLS: u32 = 30;
    let deadline = Duration::from_millis(600);
    let store = Store::new().await;
    let task = store.task("t").await;
    let blocker = session(store.db.database(), "BEGIN; LOCK TABLE tasks").await;
    let options = PoolOptions { deadline, max: 20, ..pool_options() };
    let tasks = &repository(store.db.database(), options);
    let begun = Instant::now();
    // They come one after the other, so that each finds a statement under way that does not end. One that took a deadline
    // after each of these would take as many deadlines as there are calls.
    let calls = (0..CALLS).map(|number| {
        let (owner, id) = (&store.ada, task.id);
        async move {
            tokio::time::sleep(Duration::from_millis(5) * number).await;
            unavailable(tasks.toggle(owner, id).await);
        }
    });
    join_all(calls).await;
    let took = begun.elapsed();
    assert!(took < deadline * CALLS / 2, "{took:?}");
    drop(blocker);
}
