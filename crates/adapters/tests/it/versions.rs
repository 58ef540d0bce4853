//! Versions, completion times, and what is expected of them when something is written.

use chrono::{DateTime, Utc};
use futures_util::future::join_all;
use task_adapters::testing::pool_options;
use task_domain::{
    Change, Expectation, Task, TaskChanges, TaskCommand, TaskId, TaskOutcome, TaskRepository, UserId,
    Version, testing::task_id,
};

use crate::support::{OneByOne, Store, changes, description, new_task_with, next, repository, title, toggle};

fn version(number: i64) -> Version {
    Version::new(number).unwrap()
}

fn completed(completed: bool) -> TaskChanges {
    TaskChanges { completed: Some(completed), ..TaskChanges::default() }
}

fn described(description: Change<task_domain::Description>) -> TaskChanges {
    TaskChanges { description, ..TaskChanges::default() }
}

/// Updates ada's task, which has to be there.
async fn update(store: &Store, id: TaskId, changes: TaskChanges) -> Task {
    store.tasks.update(&store.ada, id, changes).await.unwrap().unwrap()
}

#[tokio::test]
async fn a_version_is_one_at_first_and_one_more_after_each_change() {
    let store = Store::new().await;
    let other = store.task("other").await;
    let task = store.tasks.create(&store.ada, new_task_with("t", "d")).await.unwrap();
    assert_eq!(task.version, Version::FIRST);
    let mut number = 1;
    for change in [
        changes(Some("u"), None),
        changes(None, Some("e")),
        changes(Some("v"), Some("f")),
        described(Change::Clear),
        described(Change::Set(description(""))),
        completed(true),
        completed(false),
        TaskChanges { title: Some(title("w")), description: Change::Clear, completed: Some(true) },
    ] {
        number += 1;
        let updated = update(&store, task.id, change.clone()).await;
        assert_eq!(updated.version, version(number), "{change:?}");
        assert_eq!(store.tasks.find(&store.ada, task.id).await.unwrap(), Some(updated), "{change:?}");
    }
    for _ in 0..3 {
        number += 1;
        let toggled = store.tasks.toggle(&store.ada, task.id).await.unwrap().unwrap();
        assert_eq!(toggled.version, version(number));
        assert_eq!(store.tasks.find(&store.ada, task.id).await.unwrap(), Some(toggled));
    }
    assert_eq!(store.tasks.find(&store.ada, other.id).await.unwrap(), Some(other));
}

#[tokio::test]
async fn a_change_of_nothing_leaves_version_and_times_as_they_are() {
    let store = Store::new().await;
    let with = store.tasks.create(&store.ada, new_task_with("t", "d")).await.unwrap();
    let without = store.task("t").await;
    let done = store.tasks.toggle(&store.ada, store.task("t").await.id).await.unwrap().unwrap();
    let contents = store.contents().await;
    let everything = TaskChanges {
        description: Change::Set(description("d")),
        completed: Some(false),
        ..changes(Some("t"), None)
    };
    for (task, change) in [
        (&with, TaskChanges::default()),
        (&with, everything),
        (&with, completed(false)),
        (&without, described(Change::Clear)),
        (&without, described(Change::Keep)),
        (&done, completed(true)),
        (&done, TaskChanges { completed: Some(true), ..changes(Some("t"), None) }),
    ] {
        for expected in [Expectation::Any, Expectation::OneOf(vec![task.version])] {
            let command = TaskCommand::Update { id: task.id, expected, changes: change.clone() };
            let outcome = store.tasks.execute(&store.ada, command).await.unwrap();
            assert_eq!(outcome, TaskOutcome::Updated(task.clone()), "{change:?}");
        }
    }
    assert_eq!(store.contents().await, contents);
}

#[tokio::test]
async fn a_description_is_kept_cleared_or_set() {
    let store = Store::new().await;
    let (none, empty, text) = (None, Some(description("")), Some(description("text")));
    for before in [&none, &empty, &text] {
        for (change, after) in [
            (Change::Keep, before),
            (Change::Clear, &none),
            (Change::Set(description("")), &empty),
            (Change::Set(description("text")), &text),
        ] {
            let new = task_domain::NewTask { title: title("t"), description: before.clone() };
            let task = store.tasks.create(&store.ada, new).await.unwrap();
            let updated = update(&store, task.id, described(change.clone())).await;
            assert_eq!(updated.description, *after, "{change:?} of {before:?}");
            let is_change = before != after;
            assert_eq!(updated.version, version(1 + i64::from(is_change)), "{change:?} of {before:?}");
            assert_eq!(updated.updated_at > task.updated_at, is_change, "{change:?} of {before:?}");
        }
    }
}

#[tokio::test]
async fn a_task_has_the_time_of_its_completion_for_as_long_as_it_stays_completed() {
    let store = Store::new().await;
    let id = store.task("t").await.id;
    let toggle = async || store.tasks.toggle(&store.ada, id).await.unwrap().unwrap();
    for round in ["first", "second"] {
        // By an update and by a toggle, each way.
        for (by_update, then_by_update) in [(true, true), (true, false), (false, true), (false, false)] {
            let done = if by_update { update(&store, id, completed(true)).await } else { toggle().await };
            assert_eq!(done.completed_at, Some(done.updated_at));

            let renamed =
                update(&store, id, changes(Some(&format!("{round}{by_update}{then_by_update}")), None)).await;
            assert_eq!(renamed.completed_at, done.completed_at);
            assert!(renamed.updated_at > done.updated_at);
            assert_eq!(update(&store, id, completed(true)).await, renamed);

            let reopened =
                if then_by_update { update(&store, id, completed(false)).await } else { toggle().await };
            assert_eq!(reopened.completed_at, None);
            assert_eq!(update(&store, id, completed(false)).await, reopened);
        }
    }
}

#[tokio::test]
async fn completing_moves_both_times_forward_even_when_the_clock_was_set_back() {
    let store = Store::new().await;
    for by_update in [true, false] {
        let id = store.task("t").await.id;
        store.set_updated_at("2100-01-01 00:00:00Z").await;
        let done = if by_update {
            update(&store, id, completed(true)).await
        } else {
            store.tasks.toggle(&store.ada, id).await.unwrap().unwrap()
        };
        assert_eq!(done.updated_at.to_rfc3339(), "2100-01-01T00:00:00.000001+00:00");
        assert_eq!(done.completed_at, Some(done.updated_at));
    }
}

/// A toggle as the release before this one sends it.
async fn toggle_as_before(store: &Store) -> DateTime<Utc> {
    let toggle = "UPDATE tasks SET completed = NOT completed,
        updated_at = greatest(statement_timestamp(), updated_at + '1 microsecond'::interval)";
    store.db.execute(toggle).await;
    let moment = store.db.lines("SELECT updated_at::text || ':00' AS line FROM tasks").await.remove(0);
    moment.parse().unwrap()
}

#[tokio::test]
async fn the_earlier_release_completes_and_reopens_tasks_for_this_one_too() {
    let store = Store::new().await;
    let task = store.task("t").await;
    let find = async || store.tasks.find(&store.ada, task.id).await.unwrap().unwrap();

    let moment = toggle_as_before(&store).await;
    let done = Task { completed_at: Some(moment), updated_at: moment, ..task.clone() };
    assert_eq!(find().await, done);
    assert_eq!(store.all(&store.ada).await, std::slice::from_ref(&done));
    assert_eq!(update(&store, task.id, completed(true)).await, done, "it is completed already");
    // What this release writes does not move it.
    let renamed = update(&store, task.id, changes(Some("u"), None)).await;
    assert_eq!((renamed.completed_at, renamed.version), (Some(moment), next(task.version)));
    assert_eq!(find().await, renamed);
    let moment = toggle_as_before(&store).await;
    assert_eq!(find().await, Task { completed_at: None, updated_at: moment, ..renamed.clone() });

    // Completed by this release, reopened by that one.
    let done = store.tasks.toggle(&store.ada, task.id).await.unwrap().unwrap();
    assert_eq!(done.completed_at, Some(done.updated_at));
    toggle_as_before(&store).await;
    let pending = find().await;
    assert_eq!(pending.completed_at, None);
    assert_eq!(update(&store, task.id, completed(false)).await, pending, "it is pending already");
    let renamed = update(&store, task.id, changes(Some("v"), None)).await;
    assert_eq!(renamed.completed_at, None);
    let done = update(&store, task.id, completed(true)).await;
    assert_eq!(done.completed_at, Some(done.updated_at));
}

/// The write of each kind that expects something.
fn writes(id: TaskId, expected: &Expectation) -> [TaskCommand; 3] {
    let expected = || expected.clone();
    [
        TaskCommand::Update { id, expected: expected(), changes: changes(Some("new"), None) },
        TaskCommand::Toggle { id, expected: expected() },
        TaskCommand::Delete { id, expected: expected() },
    ]
}

/// Every expectation of a task of version 3, and whether it is met.
fn expectations() -> Vec<(Expectation, bool)> {
    let one_of = |numbers: &[i64]| Expectation::OneOf(numbers.iter().copied().map(version).collect());
    vec![
        (Expectation::Any, true),
        (one_of(&[3]), true),
        (one_of(&[1, 2, 3]), true),
        (one_of(&[3, 9, 3]), true),
        (one_of(&[i64::MAX, 3]), true),
        (one_of(&[2]), false),
        (one_of(&[4]), false),
        (one_of(&[1, 2, 4, 33, i64::MAX]), false),
        (one_of(&[]), false),
    ]
}

async fn of_version_three(store: &Store) -> Task {
    let task = store.task("t").await;
    store.tasks.toggle(&store.ada, task.id).await.unwrap();
    let task = store.tasks.toggle(&store.ada, task.id).await.unwrap().unwrap();
    assert_eq!(task.version, version(3));
    task
}

#[tokio::test]
async fn a_write_is_carried_out_on_a_version_that_is_expected_and_on_no_other() {
    let store = Store::new().await;
    for (expected, met) in expectations() {
        for number in 0..3 {
            let task = of_version_three(&store).await;
            let contents = store.contents().await;
            let command = writes(task.id, &expected)[number].clone();
            let outcome = store.tasks.execute(&store.ada, command.clone()).await.unwrap();
            if !met {
                assert_eq!(outcome, TaskOutcome::VersionMismatch(task), "{command:?}");
                assert_eq!(store.contents().await, contents, "{command:?}");
                continue;
            }
            match outcome {
                TaskOutcome::Updated(after) if number < 2 => {
                    assert_eq!(after.version, version(4), "{command:?}");
                    assert_eq!(
                        (after.title.as_str(), after.is_completed()),
                        [("new", false), ("t", true)][number]
                    );
                    assert_eq!(store.tasks.find(&store.ada, task.id).await.unwrap(), Some(after));
                }
                TaskOutcome::Deleted if number == 2 => {
                    assert_eq!(store.tasks.find(&store.ada, task.id).await.unwrap(), None);
                }
                other => panic!("{command:?}: {other:?}"),
            }
        }
    }
}

#[tokio::test]
async fn a_task_that_the_owner_does_not_have_is_not_found_whatever_was_expected() {
    let store = Store::new().await;
    let task = of_version_three(&store).await;
    let gone = of_version_three(&store).await;
    assert!(store.tasks.delete(&store.ada, gone.id).await.unwrap());
    let contents = store.contents().await;
    let absent = task_id(gone.id.get() + 1);
    for (owner, id) in
        [(&store.ada, gone.id), (&store.ada, absent), (&store.bob, task.id), (&store.bob, absent)]
    {
        for (expected, _) in expectations() {
            for command in writes(id, &expected) {
                let outcome = store.tasks.execute(owner, command.clone()).await.unwrap();
                assert_eq!(outcome, TaskOutcome::NotFound, "{owner:?} {command:?}");
            }
        }
    }
    assert_eq!(store.contents().await, contents);
}

/// What becomes of fifty writes at once, each of them the `command` of its number, from two pools as two workers have.
async fn fifty_at_once(store: &Store, command: impl Fn(usize) -> TaskCommand) -> Vec<TaskOutcome> {
    let other = repository(store.db.database(), pool_options());
    let owner: &UserId = &store.ada;
    join_all((0..50).map(|number| {
        let tasks = if number % 2 == 0 { &store.tasks } else { &other };
        let command = command(number);
        async move { tasks.execute(owner, command).await.unwrap() }
    }))
    .await
}

#[tokio::test]
async fn of_fifty_writers_that_expect_the_same_version_one_succeeds_and_the_others_see_what_it_wrote() {
    let store = Store::new().await;
    for round in 0..4 {
        let task = of_version_three(&store).await;
        let (id, expected) = (task.id, Expectation::OneOf(vec![task.version]));
        let outcomes = fifty_at_once(&store, |number| match round {
            0 => TaskCommand::Toggle { id, expected: expected.clone() },
            1 => TaskCommand::Update { id, expected: expected.clone(), changes: completed(true) },
            _ => TaskCommand::Update {
                id,
                expected: expected.clone(),
                changes: changes(Some(&number.to_string()), None),
            },
        })
        .await;
        let after = store.tasks.find(&store.ada, id).await.unwrap().unwrap();
        assert_eq!(after.version, version(4));
        let (updated, unexpected): (Vec<_>, Vec<_>) =
            outcomes.into_iter().partition(|outcome| matches!(outcome, TaskOutcome::Updated(_)));
        assert_eq!(updated, [TaskOutcome::Updated(after.clone())]);
        assert_eq!(unexpected, vec![TaskOutcome::VersionMismatch(after); 49]);
    }
}

#[tokio::test]
async fn of_fifty_deletions_of_the_same_version_one_had_the_task() {
    let store = Store::new().await;
    let task = of_version_three(&store).await;
    let expected = Expectation::OneOf(vec![task.version]);
    let mut outcomes =
        fifty_at_once(&store, |_| TaskCommand::Delete { id: task.id, expected: expected.clone() }).await;
    outcomes.sort_by_key(|outcome| *outcome == TaskOutcome::NotFound);
    assert_eq!(outcomes[0], TaskOutcome::Deleted);
    assert_eq!(outcomes[1..], vec![TaskOutcome::NotFound; 49]);
}

#[tokio::test]
async fn each_writer_who_expects_what_is_there_and_tries_again_has_its_turn() {
    let store = Store::new().await;
    let task = store.task("t").await;
    let writer = async || {
        let mut current = task.clone();
        loop {
            let expected = Expectation::OneOf(vec![current.version]);
            let command = TaskCommand::Toggle { id: task.id, expected };
            match store.tasks.execute(&store.ada, command).await.unwrap() {
                TaskOutcome::Updated(_) => return,
                TaskOutcome::VersionMismatch(task) => current = task,
                other => panic!("{other:?}"),
            }
        }
    };
    join_all((0..15).map(|_| writer())).await;
    let after = store.tasks.find(&store.ada, task.id).await.unwrap().unwrap();
    assert_eq!((after.version, after.is_completed()), (version(16), true));
}

#[tokio::test]
async fn without_an_expectation_the_last_write_wins() {
    let store = Store::new().await;
    let task = store.task("t").await;
    let outcomes = fifty_at_once(&store, |_| toggle(task.id)).await;
    assert!(outcomes.iter().all(|outcome| matches!(outcome, TaskOutcome::Updated(_))), "{outcomes:?}");
    assert_eq!(store.tasks.find(&store.ada, task.id).await.unwrap().unwrap().version, version(51));
}
