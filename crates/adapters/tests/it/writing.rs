//! `create`, `find`, `update`, `toggle` and `delete`.

use std::sync::Arc;

use futures_util::future::join_all;
use task_adapters::testing::pool_options;
use task_domain::{
    RepositoryError, Task, TaskId, TaskRepository, Version,
    testing::{new_task, task_id, user},
};

use crate::support::{
    OneByOne, Store, changes, description, ids, new_task_with, next, repository, title, unexpected,
};

/// Texts that something between here and the disk could trip over. None begins or ends with white space.
fn awkward_texts() -> Vec<String> {
    let longest = "🦀".repeat(200);
    [
        "'; DROP TABLE tasks; --",
        "\"quoted\" \\backslash\\ \\u0041 %s $1 ? :name {} ${x}",
        "line\none\r\ntwo\ttab",
        "e\u{301} is not é, Å is not Å",
        "👩‍👩‍👧‍👦 🏳️‍🌈 🇳🇿",
        "مرحبا \u{202e}right to left\u{202c}",
        "\u{1}\u{7f}\u{9f}\u{ad}\u{200b}\u{feff}",
        "\u{fffe}\u{ffff}\u{fffd}\u{10ffff}",
        "null",
        "0",
        "<script>&amp;</script>",
        &longest,
    ]
    .map(str::to_owned)
    .to_vec()
}

#[tokio::test]
async fn a_new_task_is_pending_has_what_was_asked_for_and_the_databases_time() {
    let store = Store::new().await;
    let before = store.now().await;
    let task = store.tasks.create(&store.ada, new_task_with("buy milk", "two bottles")).await.unwrap();
    let after = store.now().await;
    assert!(before <= task.created_at && task.created_at <= after, "{before} {} {after}", task.created_at);
    let expected = Task {
        id: task.id,
        owner: store.ada.clone(),
        title: title("buy milk"),
        description: Some(description("two bottles")),
        completed_at: None,
        version: Version::FIRST,
        created_at: task.created_at,
        updated_at: task.created_at,
    };
    assert_eq!(task, expected);
    assert_eq!(store.tasks.find(&store.ada, task.id).await.unwrap(), Some(expected.clone()));
    assert_eq!(store.all(&store.ada).await, [expected]);
}

#[tokio::test]
async fn ids_ascend_over_all_users() {
    let store = Store::new().await;
    let mut last = 0;
    for owner in [&store.ada, &store.bob, &store.bob, &store.ada] {
        let id = store.tasks.create(owner, new_task("t")).await.unwrap().id.get();
        assert!(id > last, "{id} after {last}");
        last = id;
    }
}

#[tokio::test]
async fn the_greatest_id_is_exact_in_json_and_nothing_comes_after_it() {
    let store = Store::new().await;
    store.db.execute(&format!("ALTER TABLE tasks ALTER id RESTART WITH {}", TaskId::MAX_ASSIGNED)).await;
    let task = store.task("the last one").await;
    assert_eq!(task.id.get(), TaskId::MAX_ASSIGNED);
    let text = unexpected(store.tasks.create(&store.ada, new_task("one too many")).await);
    assert!(text.contains("reached maximum value of sequence"), "{text}");
    assert_eq!(store.all(&store.ada).await, [task]);
}

#[tokio::test]
async fn nothing_is_created_for_an_unknown_user() {
    let store = Store::new().await;
    let outcome = store.tasks.create(&user("stranger"), new_task("t")).await;
    assert!(matches!(outcome, Err(RepositoryError::UnknownUser)), "{outcome:?}");
    assert_eq!(store.contents().await, [""; 0]);
}

#[tokio::test]
async fn only_the_constraint_of_that_name_says_that_a_user_is_unknown() {
    let store = Store::new().await;
    store.db.execute("ALTER TABLE tasks RENAME CONSTRAINT tasks_user_id_fkey TO another_fkey").await;
    let text = unexpected(store.tasks.create(&user("stranger"), new_task("t")).await);
    assert!(text.contains("another_fkey"), "{text}");
}

#[tokio::test]
async fn no_description_and_an_empty_one_are_different() {
    let store = Store::new().await;
    let none = store.task("none").await;
    let empty = store.tasks.create(&store.ada, new_task_with("empty", "")).await.unwrap();
    assert_eq!((none.description.as_ref(), empty.description.as_ref()), (None, Some(&description(""))));
    assert_eq!(store.all(&store.ada).await, [empty, none]);
}

#[tokio::test]
async fn every_text_comes_back_as_it_went_in() {
    let store = Store::new().await;
    let task = store.task("t").await;
    for text in awkward_texts() {
        let created = store.tasks.create(&store.ada, new_task_with(&text, &text)).await.unwrap();
        let change = changes(Some(&text), Some(&text));
        let updated = store.tasks.update(&store.ada, task.id, change).await.unwrap().unwrap();
        for task in [created, updated] {
            assert_eq!(task.title.as_str(), text);
            assert_eq!(task.description.as_ref().unwrap().as_str(), text);
            assert_eq!(store.tasks.find(&store.ada, task.id).await.unwrap(), Some(task));
        }
    }
    for text in [" \t kept as it is \n", "\u{3000}", &"🦀".repeat(10_000)] {
        let created = store.tasks.create(&store.ada, new_task_with("t", text)).await.unwrap();
        assert_eq!(created.description, Some(description(text)));
        assert_eq!(store.tasks.find(&store.ada, created.id).await.unwrap(), Some(created));
    }
}

#[tokio::test]
async fn owners_are_compared_byte_by_byte() {
    let store = Store::new().await;
    let names = ["Ada", "ada ", "é", "e\u{301}", "%", "a_a", "🦀", "A/b?c#d"];
    for name in names {
        store.db.insert_user(name).await;
        store.tasks.create(&user(name), new_task(&format!("of [{name}]"))).await.unwrap();
    }
    for name in names {
        let tasks = store.all(&user(name)).await;
        assert_eq!(tasks.len(), 1, "{name}");
        assert_eq!(tasks[0].owner, user(name));
        assert_eq!(tasks[0].title.as_str(), format!("of [{name}]"));
    }
    assert_eq!(store.all(&store.ada).await, []);
}

#[tokio::test]
async fn a_task_is_found_by_its_id_and_no_other() {
    let store = Store::new().await;
    let (first, second) = (store.task("1").await, store.task("2").await);
    assert_eq!(store.tasks.find(&store.ada, first.id).await.unwrap(), Some(first));
    assert_eq!(store.tasks.find(&store.ada, task_id(second.id.get() + 1)).await.unwrap(), None);
    assert_eq!(store.tasks.find(&store.ada, task_id(i64::MAX)).await.unwrap(), None);
    assert_eq!(store.tasks.find(&store.ada, second.id).await.unwrap(), Some(second));
}

#[tokio::test]
async fn an_update_sets_what_it_sets_and_nothing_else() {
    let store = Store::new().await;
    let other = store.task("other").await;
    let mut task = store.tasks.create(&store.ada, new_task_with("old", "old")).await.unwrap();
    for (new_title, new_description) in [
        (Some("new"), None),
        (None, Some("new")),
        (Some("newer"), Some("newer")),
        (None, Some("")),
        // One of the two stays what it is.
        (Some("newer"), Some("newest")),
        (Some("newest"), Some("newest")),
    ] {
        let before = task.clone();
        let change = changes(new_title, new_description);
        let updated = store.tasks.update(&store.ada, task.id, change).await.unwrap().unwrap();
        assert!(updated.updated_at > before.updated_at, "{before:?} {updated:?}");
        task = Task {
            title: new_title.map_or(before.title, title),
            description: new_description.map(description).or(before.description),
            version: next(before.version),
            updated_at: updated.updated_at,
            ..before
        };
        assert_eq!(updated, task);
        assert_eq!(store.all(&store.ada).await, [task.clone(), other.clone()]);
    }
}

#[tokio::test]
async fn an_update_gives_a_description_to_a_task_that_has_none() {
    let store = Store::new().await;
    for text in ["", "text"] {
        let task = store.task("t").await;
        let updated =
            store.tasks.update(&store.ada, task.id, changes(None, Some(text))).await.unwrap().unwrap();
        assert_eq!(updated.description, Some(description(text)));
        assert!(updated.updated_at > task.updated_at);
    }
}

#[tokio::test]
async fn an_update_to_the_values_that_are_there_changes_nothing() {
    let store = Store::new().await;
    let with = store.tasks.create(&store.ada, new_task_with("t", "d")).await.unwrap();
    let empty = store.tasks.create(&store.ada, new_task_with("t", "")).await.unwrap();
    let without = store.task("t").await;
    let contents = store.contents().await;
    for (task, change) in [
        (&with, changes(Some("t"), None)),
        (&with, changes(None, Some("d"))),
        (&with, changes(Some("t"), Some("d"))),
        (&empty, changes(Some("t"), Some(""))),
        (&without, changes(Some("t"), None)),
    ] {
        let updated = store.tasks.update(&store.ada, task.id, change).await.unwrap();
        assert_eq!(updated.as_ref(), Some(task));
    }
    assert_eq!(store.contents().await, contents);
}

#[tokio::test]
async fn an_update_leaves_a_completed_task_completed() {
    let store = Store::new().await;
    let task = store.task("t").await;
    let completed = store.tasks.toggle(&store.ada, task.id).await.unwrap().unwrap();
    let updated = store.tasks.update(&store.ada, task.id, changes(Some("u"), None)).await.unwrap().unwrap();
    assert!(updated.is_completed());
    assert_eq!(updated.completed_at, completed.completed_at);
}

#[tokio::test]
async fn a_toggle_flips_and_moves_updated_at_forward() {
    let store = Store::new().await;
    let other = store.task("other").await;
    let mut task = store.tasks.create(&store.ada, new_task_with("t", "d")).await.unwrap();
    for completed in [true, false, true] {
        let before = store.now().await;
        let toggled = store.tasks.toggle(&store.ada, task.id).await.unwrap().unwrap();
        assert!(toggled.updated_at >= before && toggled.updated_at <= store.now().await);
        assert!(toggled.updated_at > task.updated_at);
        task = Task {
            completed_at: completed.then_some(toggled.updated_at),
            version: next(task.version),
            updated_at: toggled.updated_at,
            ..task
        };
        assert_eq!(toggled, task);
        assert_eq!(store.all(&store.ada).await, [task.clone(), other.clone()]);
    }
}

#[tokio::test]
async fn a_change_moves_updated_at_forward_even_when_the_clock_was_set_back() {
    let store = Store::new().await;
    let task = store.task("t").await;
    store.set_updated_at("2100-01-01 00:00:00.5Z").await;
    let toggled = store.tasks.toggle(&store.ada, task.id).await.unwrap().unwrap();
    assert_eq!(toggled.updated_at.to_rfc3339(), "2100-01-01T00:00:00.500001+00:00");
    let updated = store.tasks.update(&store.ada, task.id, changes(Some("u"), None)).await.unwrap().unwrap();
    assert_eq!(updated.updated_at.to_rfc3339(), "2100-01-01T00:00:00.500002+00:00");
    let same = store.tasks.update(&store.ada, task.id, changes(Some("u"), None)).await.unwrap().unwrap();
    assert_eq!(same, updated);
}

#[tokio::test]
async fn of_two_hundred_concurrent_toggles_each_one_flips() {
    let store = Store::new().await;
    let task = store.task("t").await;
    // Two pools, as two workers have.
    let other = repository(store.db.database(), pool_options());
    let toggles = (0..200).map(|number| {
        let tasks = if number % 2 == 0 { &store.tasks } else { &other };
        async { tasks.toggle(&store.ada, task.id).await.unwrap().unwrap() }
    });
    let mut seen = join_all(toggles).await;
    seen.sort_by_key(|task| task.updated_at);
    let mut previous = task.clone();
    for toggled in seen {
        assert!(toggled.updated_at > previous.updated_at, "two toggles gave the same moment");
        assert_eq!(toggled.version, next(previous.version), "two toggles gave the same version");
        assert_eq!(toggled.is_completed(), !previous.is_completed(), "a toggle was lost");
        previous = toggled;
    }
    assert!(!previous.is_completed(), "200 is even");
    assert_eq!(store.tasks.find(&store.ada, task.id).await.unwrap(), Some(previous));
}

#[tokio::test]
async fn concurrent_changes_of_one_task_are_all_kept_and_ordered() {
    let store = Store::new().await;
    let task = store.task("t").await;
    let (tasks, ada) = (Arc::new(&store.tasks), &store.ada);
    let updates = (0..40).map(|number| {
        let (tasks, id) = (Arc::clone(&tasks), task.id);
        async move {
            let text = number.to_string();
            match number % 4 {
                0 => tasks.toggle(ada, id).await,
                1 => tasks.update(ada, id, changes(Some(&text), None)).await,
                _ => tasks.update(ada, id, changes(None, Some(&text))).await,
            }
            .unwrap()
            .unwrap()
        }
    });
    let mut seen = join_all(updates).await;
    seen.sort_by_key(|task| task.updated_at);
    for pair in seen.windows(2) {
        let (before, after) = (&pair[0], &pair[1]);
        assert!(after.updated_at > before.updated_at);
        assert_eq!(after.version, next(before.version));
        // Exactly one member differs: no change took another one back.
        let differences = [
            before.title != after.title,
            before.description != after.description,
            before.is_completed() != after.is_completed(),
        ];
        assert_eq!(differences.into_iter().filter(|differs| *differs).count(), 1, "{before:?} {after:?}");
    }
    assert_eq!(store.tasks.find(&store.ada, task.id).await.unwrap().as_ref(), seen.last());
}

#[tokio::test]
async fn a_deleted_task_is_gone_and_its_id_is_never_assigned_again() {
    let store = Store::new().await;
    let (kept, gone) = (store.task("kept").await, store.task("gone").await);
    assert!(store.tasks.delete(&store.ada, gone.id).await.unwrap());
    assert_eq!(store.tasks.find(&store.ada, gone.id).await.unwrap(), None);
    assert_eq!(store.tasks.toggle(&store.ada, gone.id).await.unwrap(), None);
    assert_eq!(store.tasks.update(&store.ada, gone.id, changes(Some("t"), None)).await.unwrap(), None);
    assert!(!store.tasks.delete(&store.ada, gone.id).await.unwrap());
    assert_eq!(ids(&store.all(&store.ada).await), [kept.id]);
    assert!(store.task("new").await.id > gone.id);
}

#[tokio::test]
async fn of_concurrent_deletions_exactly_one_had_the_task() {
    let store = Store::new().await;
    let task = store.task("t").await;
    let deletions = join_all((0..20).map(|_| store.tasks.delete(&store.ada, task.id))).await;
    assert_eq!(deletions.into_iter().filter(|outcome| *outcome.as_ref().unwrap()).count(), 1);
}

/// PostgreSQL sends the row of a write before it commits. What it then refuses has not been done.
#[tokio::test]
async fn a_write_whose_commit_fails_is_not_acknowledged_although_its_row_was_sent() {
    let store = Store::new().await;
    let task = store.task("as it was").await;
    store
        .db
        .execute(
            "CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS
                 $$ BEGIN RAISE EXCEPTION 'not in the end'; END $$;
             CREATE CONSTRAINT TRIGGER refuse AFTER INSERT OR UPDATE ON tasks
                 DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION refuse()",
        )
        .await;
    let created = unexpected(store.tasks.create(&store.ada, new_task("t")).await);
    assert!(created.contains("not in the end"), "{created}");
    let updated = unexpected(store.tasks.update(&store.ada, task.id, changes(Some("new"), None)).await);
    assert!(updated.contains("not in the end"), "{updated}");
    let toggled = unexpected(store.tasks.toggle(&store.ada, task.id).await);
    assert!(toggled.contains("not in the end"), "{toggled}");
    assert_eq!(store.all(&store.ada).await, [task], "nothing was done");
}
