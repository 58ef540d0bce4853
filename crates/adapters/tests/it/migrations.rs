//! Migrations: forwards, backwards, by several at once, and when they cannot be.

use futures_util::future::join_all;
use task_adapters::{
    migrations::{self, Migration, MigrationError},
    testing::{TestDatabase, create_users_table, pool_options},
};
use task_domain::{TaskQuery, TaskRepository, Version, testing::user};

use crate::support::{OneByOne, repository, session};

/// Everything that a migration can make in the schema, line by line.
async fn catalogue(db: &TestDatabase) -> Vec<String> {
    db.lines(
        "SELECT line FROM (
            SELECT concat_ws(' ', 'relation', relname, relkind) AS line, relnamespace AS namespace FROM pg_class
            UNION ALL
            SELECT concat_ws(' ', 'column', attrelid::regclass, attname, format_type(atttypid, atttypmod), attnotnull,
                attidentity, attcollation::regcollation, pg_get_expr(adbin, adrelid)), relnamespace
            FROM pg_attribute JOIN pg_class ON pg_class.oid = attrelid
            LEFT JOIN pg_attrdef ON adrelid = attrelid AND adnum = attnum
            WHERE attnum > 0 AND NOT attisdropped AND relkind = 'r'
            UNION ALL
            SELECT concat_ws(' ', 'constraint', conname, conrelid::regclass, pg_get_constraintdef(oid)), connamespace
            FROM pg_constraint
            UNION ALL
            SELECT concat_ws(' ', 'index', pg_get_indexdef(indexrelid)), relnamespace
            FROM pg_index JOIN pg_class ON pg_class.oid = indexrelid
            UNION ALL
            SELECT concat_ws(' ', 'sequence', seqrelid::regclass, seqmax, seqcycle), relnamespace
            FROM pg_sequence JOIN pg_class ON pg_class.oid = seqrelid
        ) AS everything
        WHERE namespace = 'public'::regnamespace ORDER BY line",
    )
    .await
}

/// A database with `users` and no migration.
async fn with_users() -> TestDatabase {
    let db = TestDatabase::empty().await;
    create_users_table(db.database()).await.unwrap();
    db
}

async fn applied(db: &TestDatabase) -> Vec<bool> {
    migrations::status(db.database()).await.unwrap().into_iter().map(|migration| migration.applied).collect()
}

/// The names of all migrations, the oldest first.
async fn all(db: &TestDatabase) -> Vec<String> {
    let names: Vec<String> = migrations::status(db.database())
        .await
        .unwrap()
        .into_iter()
        .map(|migration| migration.name)
        .collect();
    assert!(!names.is_empty() && names.is_sorted());
    names
}

#[tokio::test]
async fn the_status_of_a_fresh_database_is_that_it_has_nothing_and_asking_writes_nothing() {
    let db = TestDatabase::empty().await;
    let status = migrations::status(db.database()).await.unwrap();
    assert_eq!(status[0], Migration { name: "2026-11-23-000000_create_tasks".to_owned(), applied: false });
    assert!(status.iter().all(|migration| !migration.applied));
    assert_eq!(catalogue(&db).await, [""; 0]);
}

#[tokio::test]
async fn without_users_a_run_says_what_to_do_and_changes_nothing() {
    let db = TestDatabase::empty().await;
    let error = migrations::run(db.database()).await.unwrap_err();
    assert!(matches!(error, MigrationError::Refused(_)), "{error:?}");
    let text = error.to_string();
    assert!(text.contains("`users`") && text.contains("npx auth@latest migrate"), "{text}");
    assert_eq!(catalogue(&db).await, [""; 0]);
}

#[tokio::test]
async fn users_with_ids_that_are_no_text_are_refused_and_nothing_is_changed() {
    for (id_type, name) in [("uuid", "uuid"), ("bigserial", "bigint")] {
        let db = TestDatabase::empty().await;
        db.execute(&format!("CREATE TABLE users (id {id_type} PRIMARY KEY)")).await;
        let before = catalogue(&db).await;
        let error = migrations::run(db.database()).await.unwrap_err();
        let text = error.to_string();
        assert!(
            matches!(error, MigrationError::Refused(_)) && text.contains(&format!("of type {name}")),
            "{text}"
        );
        assert_eq!(catalogue(&db).await, before);
    }
}

#[tokio::test]
async fn users_with_ids_of_the_type_varchar_will_do() {
    let db = TestDatabase::empty().await;
    db.execute("CREATE TABLE users (id varchar(36) PRIMARY KEY)").await;
    migrations::run(db.database()).await.unwrap();
    db.execute("INSERT INTO users VALUES ('ada'); INSERT INTO tasks (user_id, title) VALUES ('ada', 't')")
        .await;
    db.execute("DELETE FROM users").await;
    assert_eq!(db.lines("SELECT title AS line FROM tasks").await, [""; 0]);
}

#[tokio::test]
async fn users_themselves_are_never_touched() {
    let db = with_users().await;
    let of_users = |catalogue: Vec<String>| -> Vec<String> {
        let ours = |line: &String| line.contains("tasks") || line.contains("idempotency_keys");
        catalogue.into_iter().filter(|line| line.contains("users") && !ours(line)).collect()
    };
    let before = of_users(catalogue(&db).await);
    assert!(before.len() > 7, "{before:?}");
    migrations::run(db.database()).await.unwrap();
    assert_eq!(of_users(catalogue(&db).await), before);
    migrations::revert(db.database(), usize::MAX).await.unwrap();
    assert_eq!(of_users(catalogue(&db).await), before);
}

#[tokio::test]
async fn a_second_run_has_nothing_to_do() {
    let db = with_users().await;
    let all = all(&db).await;
    assert_eq!(migrations::run(db.database()).await.unwrap(), all);
    let after = catalogue(&db).await;
    assert_eq!(migrations::run(db.database()).await.unwrap(), [""; 0]);
    assert_eq!(catalogue(&db).await, after);
    assert!(applied(&db).await.into_iter().all(|applied| applied));
}

#[tokio::test]
async fn of_many_runs_at_once_one_works_and_the_others_find_nothing_to_do() {
    for runs in [2, 6] {
        let db = with_users().await;
        let all = all(&db).await;
        let mut outcomes: Vec<Vec<String>> = join_all((0..runs).map(|_| migrations::run(db.database())))
            .await
            .into_iter()
            .map(Result::unwrap)
            .collect();
        outcomes.sort();
        let (last, others) = outcomes.split_last().unwrap();
        assert_eq!(last, &all);
        assert!(others.iter().all(Vec::is_empty), "{others:?}");
        assert!(applied(&db).await.into_iter().all(|applied| applied));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_run_works_under_a_runtime_of_several_threads_as_it_does_under_one_of_a_single_thread() {
    let db = with_users().await;
    assert_eq!(migrations::run(db.database()).await.unwrap(), all(&db).await);
}

#[tokio::test]
async fn migrations_are_taken_back_one_by_one_the_newest_first() {
    let db = with_users().await;
    let before = catalogue(&db).await;
    let mut all = all(&db).await;
    migrations::run(db.database()).await.unwrap();
    assert_eq!(migrations::revert(db.database(), 0).await.unwrap(), [""; 0]);
    while let Some(last) = all.pop() {
        assert_eq!(migrations::revert(db.database(), 1).await.unwrap(), [last]);
        assert_eq!(applied(&db).await.into_iter().filter(|applied| *applied).count(), all.len());
    }
    assert_eq!(migrations::revert(db.database(), 1).await.unwrap(), [""; 0]);
    let mut after = catalogue(&db).await;
    after.retain(|line| !line.contains("__diesel_schema_migrations"));
    assert_eq!(after, before);
}

#[tokio::test]
async fn more_steps_than_there_are_take_back_all_that_there_is() {
    let db = with_users().await;
    migrations::run(db.database()).await.unwrap();
    let mut all = all(&db).await;
    all.reverse();
    assert_eq!(migrations::revert(db.database(), usize::MAX).await.unwrap(), all);
}

#[tokio::test]
async fn up_down_and_up_again_leave_the_same_schema() {
    let db = with_users().await;
    migrations::run(db.database()).await.unwrap();
    let up = catalogue(&db).await;
    assert!(up.iter().any(|line| line.starts_with("constraint tasks_user_id_fkey")), "{up:?}");
    migrations::revert(db.database(), usize::MAX).await.unwrap();
    assert_ne!(catalogue(&db).await, up);
    migrations::run(db.database()).await.unwrap();
    assert_eq!(catalogue(&db).await, up);
}

#[tokio::test]
async fn redo_takes_the_last_one_back_and_applies_it_again() {
    let db = with_users().await;
    assert_eq!(migrations::redo(db.database()).await.unwrap(), None);
    migrations::run(db.database()).await.unwrap();
    let up = catalogue(&db).await;
    db.execute("GRANT SELECT ON service_keys TO PUBLIC").await;
    assert_eq!(migrations::redo(db.database()).await.unwrap(), all(&db).await.pop());
    assert_eq!(catalogue(&db).await, up);
    let may_read = "SELECT has_table_privilege('public', 'service_keys', 'SELECT')::text AS line";
    assert_eq!(db.lines(may_read).await, ["false"]);
    assert!(applied(&db).await.into_iter().all(|applied| applied));
}

#[tokio::test]
async fn a_migration_that_cannot_lock_its_table_gives_up_says_so_and_leaves_nothing_half_done() {
    let db = with_users().await;
    let before = catalogue(&db).await;
    let blocker = session(db.database(), "BEGIN; LOCK TABLE users IN ACCESS EXCLUSIVE MODE").await;
    let error = migrations::run(db.database()).await.unwrap_err();
    let text = error.to_string();
    assert!(text.contains("create_tasks") && text.contains("lock timeout"), "{text}");

    drop(blocker);
    let mut after = catalogue(&db).await;
    after.retain(|line| !line.contains("__diesel_schema_migrations"));
    assert_eq!(after, before);
    assert!(applied(&db).await.into_iter().all(|applied| !applied));
    assert_eq!(migrations::run(db.database()).await.unwrap(), all(&db).await);
}

#[tokio::test]
async fn a_database_that_is_not_there_is_an_error_of_connecting() {
    let db = TestDatabase::empty().await;
    let elsewhere = db.url().replace(db.name(), "no_such_database");
    let database = task_adapters::Database::parse(&elsewhere).unwrap();
    for error in [
        migrations::run(&database).await.unwrap_err(),
        migrations::status(&database).await.unwrap_err(),
        migrations::revert(&database, 1).await.unwrap_err(),
    ] {
        assert!(matches!(error, MigrationError::Connect(_)), "{error:?}");
        let cause = std::error::Error::source(&error).unwrap().to_string();
        assert!(cause.contains("no_such_database"), "{cause}");
    }
}

/// The statements of the first release, with values in place of parameters. Each one gives back what it has written or
/// read.
const FIRST_RELEASE: [&str; 5] = [
    "INSERT INTO tasks (user_id, title, description) VALUES ('ada', 'new', NULL) RETURNING COLUMNS",
    "UPDATE tasks SET title = coalesce('newer', title), description = coalesce('d', description),
        updated_at = CASE WHEN coalesce('newer', title) <> title OR coalesce('d', description) IS DISTINCT FROM description
            THEN greatest(statement_timestamp(), updated_at + interval '1 microsecond') ELSE updated_at END
        WHERE user_id = 'ada' AND title = 'new' RETURNING COLUMNS",
    "UPDATE tasks SET completed = NOT completed,
        updated_at = greatest(statement_timestamp(), updated_at + interval '1 microsecond')
        WHERE user_id = 'ada' AND title = 'newer' RETURNING COLUMNS",
    "SELECT COLUMNS FROM tasks WHERE user_id = 'ada' AND completed = true AND title = 'newer'
        ORDER BY created_at DESC, id DESC LIMIT 1000",
    "DELETE FROM tasks WHERE user_id = 'ada' AND title = 'newer' RETURNING COLUMNS",
];

/// Does what the first release does and returns what it sees, times and ids aside.
async fn first_release_at_work(db: &TestDatabase) -> Vec<String> {
    let mut seen = Vec::new();
    for statement in FIRST_RELEASE {
        let columns = "concat_ws(' ', title, description, completed, updated_at = created_at) AS line";
        seen.extend(db.lines(&statement.replace("COLUMNS", columns)).await);
    }
    seen
}

const SEEN: [&str; 5] = ["new f t", "newer d f f", "newer d t f", "newer d t f", "newer d t f"];

/// A database with the first migration and two tasks of ada's: "done", completed, and "open".
async fn of_the_first_release() -> TestDatabase {
    let db = with_users().await;
    db.insert_user("ada").await;
    migrations::run(db.database()).await.unwrap();
    let later = all(&db).await.len() - 1;
    migrations::revert(db.database(), later).await.unwrap();
    db.execute("INSERT INTO tasks (user_id, title) VALUES ('ada', 'done'), ('ada', 'open')").await;
    db.execute(
        "UPDATE tasks SET completed = true, updated_at = '2100-01-02 03:04:05.678901Z' WHERE title = 'done'",
    )
    .await;
    assert_eq!(first_release_at_work(&db).await, SEEN);
    db
}

#[tokio::test]
async fn the_tasks_of_the_first_release_are_there_after_the_migrations_and_can_be_read() {
    let db = of_the_first_release().await;
    let everything =
        "SELECT concat_ws(' ', user_id, id, title, description, completed, created_at, updated_at) AS line
        FROM tasks ORDER BY id";
    let file = "SELECT pg_relation_filenode('tasks')::text AS line";
    let (before, file_before) = (db.lines(everything).await, db.lines(file).await);
    assert_eq!(migrations::run(db.database()).await.unwrap(), all(&db).await[1..]);
    assert_eq!(db.lines(everything).await, before);
    assert_eq!(db.lines(file).await, file_before, "the table was written anew");

    let tasks = repository(db.database(), pool_options());
    let [open, done]: [_; 2] =
        tasks.listed(&user("ada"), &TaskQuery::default()).await.unwrap().try_into().unwrap();
    assert_eq!((open.title.as_str(), open.completed_at, open.version), ("open", None, Version::FIRST));
    assert_eq!((done.title.as_str(), done.version), ("done", Version::FIRST));
    assert_eq!(done.completed_at, Some(done.updated_at));
    assert_eq!(done.updated_at.to_rfc3339(), "2100-01-02T03:04:05.678901+00:00");
    assert_eq!(tasks.find(&user("ada"), done.id).await.unwrap(), Some(done));
}

#[tokio::test]
async fn the_first_release_goes_on_working_after_the_migrations_and_before_them_again() {
    let db = of_the_first_release().await;
    migrations::run(db.database()).await.unwrap();
    assert_eq!(first_release_at_work(&db).await, SEEN);
    migrations::revert(db.database(), all(&db).await.len() - 1).await.unwrap();
    assert_eq!(first_release_at_work(&db).await, SEEN);
    assert_eq!(db.lines("SELECT title AS line FROM tasks ORDER BY id").await, ["done", "open"]);
}

#[tokio::test]
async fn each_migration_down_and_up_again_leaves_the_same_schema() {
    let db = with_users().await;
    migrations::run(db.database()).await.unwrap();
    let up = catalogue(&db).await;
    for steps in 1..=all(&db).await.len() {
        assert_eq!(migrations::revert(db.database(), steps).await.unwrap().len(), steps);
        assert_eq!(migrations::run(db.database()).await.unwrap().len(), steps);
        // Columns that come again have other numbers, which nothing depends on.
        assert_eq!(catalogue(&db).await, up, "{steps} steps");
    }
}

#[tokio::test]
async fn a_migration_that_waits_for_a_reader_of_its_table_gives_up_and_does_not_hold_up_the_service() {
    let db = of_the_first_release().await;
    let before = catalogue(&db).await;
    // A long transaction that has only read.
    let reader = session(db.database(), "BEGIN; SELECT FROM tasks").await;
    let text = migrations::run(db.database()).await.unwrap_err().to_string();
    assert!(text.contains("versions_and_idempotency") && text.contains("lock timeout"), "{text}");
    assert_eq!(catalogue(&db).await, before);
    assert_eq!(first_release_at_work(&db).await, SEEN);

    drop(reader);
    assert_eq!(migrations::run(db.database()).await.unwrap(), all(&db).await[1..]);
}
