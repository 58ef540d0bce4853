//! Single tasks, and several at once.

use futures_util::future::join_all;
use task_domain::{
    Change, Description, Expectation, TaskChanges, TaskCommand, TaskQuery, TaskRepository, Title, Version,
    testing::{new_task, task_id, user},
};

use super::session::{Plans, TASKS_OF_MANY, USER};

#[tokio::test]
async fn a_single_task_is_read_and_written_by_its_key() {
    let plans = Plans::of(&[(TASKS_OF_MANY, "users, tasks")]).await;
    let (tasks, owner) = (plans.tasks(), user(USER));
    let id = tasks.list(&owner, &TaskQuery::default()).await.unwrap().tasks[50].id;
    tasks.find(&owner, id).await.unwrap().unwrap();
    let changes = TaskChanges {
        title: Title::parse("new").ok(),
        description: Change::Set(Description::parse("new".to_owned()).unwrap()),
        completed: Some(true),
    };
    for expected in [Expectation::Any, Expectation::OneOf(vec![Version::FIRST, Version::new(9).unwrap()])] {
        for command in [
            TaskCommand::Update { id, expected: expected.clone(), changes: changes.clone() },
            TaskCommand::Toggle { id, expected: expected.clone() },
            TaskCommand::Delete { id: task_id(i64::MAX), expected },
        ] {
            tasks.execute(&owner, command).await.unwrap();
        }
    }

    let (owner, id) = (format!("'{USER}'"), id.get().to_string());
    let key = [("owner", owner.as_str()), ("id", id.as_str())];
    plans.range("find", &key, "tasks_pkey").await;
    let set = [
        ("title", "'newer'"),
        ("set_title", "true"),
        ("description", "'newer'"),
        ("set_description", "true"),
        ("completed", "NULL"),
        ("set_completed", "true"),
    ];
    for (any_version, versions) in [("true", "'{}'"), ("false", "'{9,2,1,3,4}'")] {
        let expected = [("any_version", any_version), ("versions", versions)];
        for name in ["update", "delete"] {
            let plan = plans.range(name, &[&key[..], &set, &expected].concat(), "tasks_pkey").await;
            assert!(plan.contains("Index Scan using tasks_pkey on tasks (actual rows=1 loops=1)"), "{plan}");
        }
    }
}

/// Each statement that serves several requests, with values for three. While the table is empty, PostgreSQL would read it
/// from end to end; the statement is the same when it has grown.
#[tokio::test]
async fn several_tasks_are_read_and_written_by_their_keys_however_small_the_table_is() {
    const FEW: &str =
        "INSERT INTO users (id, name, email, \"emailVerified\") VALUES ('user 100', 'n', 'e', true);
        INSERT INTO tasks (user_id, title) SELECT 'user 100', 'title ' || n FROM generate_series(1, 5) AS n";
    for made in [FEW, TASKS_OF_MANY] {
        let plans = Plans::of(&[(made, "tasks")]).await;
        let (tasks, owner) = (plans.tasks(), user(USER));
        let listed = tasks.list(&owner, &TaskQuery::default()).await.unwrap().tasks;
        let ids: Vec<_> = listed.iter().map(|task| task.id).take(3).collect();
        let toggle = |id| TaskCommand::Toggle { id, expected: Expectation::Any };
        join_all(ids.iter().cycle().take(9).map(|id| tasks.find(&owner, *id))).await;
        let same = || TaskChanges { completed: Some(false), ..TaskChanges::default() };
        let update = |id| TaskCommand::Update { id, expected: Expectation::Any, changes: same() };
        join_all(ids.iter().cycle().take(9).map(|id| tasks.execute(&owner, toggle(*id)))).await;
        join_all(ids.iter().cycle().take(9).map(|id| tasks.execute(&owner, update(*id)))).await;
        join_all((0..9).map(|_| tasks.execute(&owner, TaskCommand::Create(new_task("t"))))).await;

        let owners = format!("'{{{USER},{USER},{USER}}}'");
        let ids = format!("'{{{},{},{}}}'", ids[0].get(), ids[1].get(), ids[2].get());
        let values = [
            ("owners", owners.as_str()),
            ("ids", ids.as_str()),
            ("title", "'{a,b,c}'"),
            ("set_title", "'{t,f,t}'"),
            ("description", "'{d,NULL,e}'"),
            ("set_description", "'{f,t,f}'"),
            ("completed", "'{NULL,NULL,t}'"),
            ("set_completed", "'{f,t,t}'"),
        ];
        for (name, writes) in [("find_many", false), ("toggle_many", true), ("update_many", true)] {
            let plan = plans.plan(name, &values).await;
            let looks_up = |line: &str| {
                line.contains("Index Scan using tasks_pkey on tasks")
                    && line.contains("(actual rows=1 loops=3)")
            };
            assert!(plan.lines().any(looks_up), "{plan}");
            assert_eq!(plan.contains("Tid Scan on tasks"), writes, "{plan}");
            assert_eq!(plan.matches(" on tasks").count(), if writes { 3 } else { 1 }, "{plan}");
        }
        let plan = plans.plan("create_many", &values).await;
        assert!(plan.contains("Function Scan on new (actual rows=3 loops=1)"), "{plan}");
        // The ids are drawn in the order of the requests: nothing is between the insert and the requests that sorts.
        let nodes = plan.lines().filter(|line| line.contains("(actual rows="));
        let nodes: Vec<_> = nodes.map(|line| line.trim_start().trim_start_matches("->  ")).collect();
        for (node, name) in nodes.iter().zip(["Insert on tasks", "Subquery Scan", "Function Scan on new"]) {
            assert!(node.starts_with(name), "{plan}");
        }
    }
}
