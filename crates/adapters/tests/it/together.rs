//! Requests of many that come at the same time, which are carried out by few statements.

use std::{
    collections::BTreeSet,
    sync::Arc,
    time::{Duration, Instant},
};

use futures_util::future::join_all;
use task_adapters::{PoolOptions, testing::pool_options};
use task_domain::{
    RepositoryError, Task, TaskId, TaskRepository, UserId,
    testing::{new_task, user},
};

use crate::support::{OneByOne, Store, changes, new_task_with, session, unavailable, unexpected};

/// How many ask at the same time.
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
async fn everyone_who_creates_gets_the_task_that_they_created() {
    let (store, owners, tasks) = store_of_ten().await;
    for (number, task) in tasks.iter().enumerate() {
        assert_eq!(task.owner, owners[number % owners.len()]);
        assert_eq!(task.title.as_str(), format!("title {number}"));
        assert_eq!(store.tasks.find(&task.owner, task.id).await.unwrap().as_ref(), Some(task));
    }
    assert_eq!(tasks.iter().map(|task| task.id).collect::<BTreeSet<TaskId>>().len(), MANY);
}

#[tokio::test]
async fn who_create_the_same_at_the_same_time_get_a_task_each() {
    let store = Store::new().await;
    let created = join_all((0..MANY).map(|_| store.tasks.create(&store.ada, new_task("the same")))).await;
    let ids: BTreeSet<_> = created.into_iter().map(|task| task.unwrap().id).collect();
    assert_eq!(ids.len(), MANY);
}

#[tokio::test]
async fn everyone_finds_their_own_and_nobody_finds_another_ones() {
    let (store, owners, tasks) = store_of_ten().await;
    let asked = (0..MANY * 3).map(|number| (&owners[number % owners.len()], &tasks[number / 3]));
    let found = join_all(asked.clone().map(|(owner, task)| store.tasks.find(owner, task.id))).await;
    for ((owner, task), found) in asked.zip(found) {
        assert_eq!(found.unwrap().as_ref(), (task.owner == *owner).then_some(task));
    }
}

#[tokio::test]
async fn everyone_changes_their_own_and_nobody_changes_another_ones() {
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
async fn one_who_is_no_user_keeps_nobody_from_creating() {
    let store = Store::new().await;
    let nobody = user("nobody");
    let asked = (0..MANY).map(|number| if number % 10 == 5 { &nobody } else { &store.ada });
    let created = join_all(asked.clone().map(|owner| store.tasks.create(owner, new_task("t")))).await;
    for (owner, created) in asked.zip(created) {
        match created {
            Ok(task) => assert_eq!(task.owner, store.ada),
            Err(error) => {
                assert!(*owner == nobody && matches!(error, RepositoryError::UnknownUser), "{error:?}");
            }
        }
    }
    assert_eq!(store.contents().await.len(), MANY - MANY / 10);
}

#[tokio::test]
async fn a_task_that_is_locked_holds_up_nobody_elses() {
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
    let toggled = tokio::time::timeout(pool_options().lock_timeout / 2, toggled).await.unwrap();
    assert!(toggled.into_iter().all(|task| task.unwrap().unwrap().is_completed()));
    assert!(!waits.is_finished());
    drop(blocker);
    let both = waits.await.unwrap().into_iter().map(|task| task.unwrap().unwrap().version.get());
    assert_eq!(both.collect::<BTreeSet<_>>(), BTreeSet::from([2, 3]));
}

#[tokio::test]
async fn a_task_that_breaks_a_rule_is_told_to_its_owner_alone_and_changed_once() {
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
async fn many_who_toggle_the_same_task_flip_it_each() {
    let store = Store::new().await;
    let task = store.task("t").await;
    let toggled = join_all((0..MANY).map(|_| store.tasks.toggle(&store.ada, task.id)));
    let toggled = tokio::time::timeout(Duration::from_secs(20), toggled).await.unwrap();
    let versions: BTreeSet<_> =
        toggled.into_iter().map(|task| task.unwrap().unwrap().version.get()).collect();
    assert_eq!(versions, (2..).take(MANY).collect());
}

#[tokio::test]
async fn who_waits_for_others_waits_no_longer_than_the_deadline_in_all() {
    let deadline = Duration::from_millis(600);
    let store = Store::with(PoolOptions { deadline, max: 20, ..pool_options() }).await;
    let task = store.task("t").await;
    let blocker = session(store.db.database(), "BEGIN; LOCK TABLE tasks").await;
    let begun = Instant::now();
    // They come one after the other, so that each finds a statement under way that does not end.
    let asked = (0..30_u32).map(|number| {
        let (store, id) = (&store, task.id);
        async move {
            tokio::time::sleep(Duration::from_millis(5) * number).await;
            let begun = Instant::now();
            unavailable(store.tasks.toggle(&store.ada, id).await);
            begun.elapsed()
        }
    });
    for took in join_all(asked).await {
        assert!(took < deadline + deadline / 2, "{took:?}");
    }
    assert!(begun.elapsed() < deadline * 3, "{:?}", begun.elapsed());
    drop(blocker);
}
