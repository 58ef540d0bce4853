//! What row-level security and settings of the database do to a session.

use diesel_async::SimpleAsyncConnection;
use task_adapters::{
    Database,
    inspection::inspect,
    pooler,
    testing::{TestDatabase, pool_options},
};
use task_domain::{RepositoryError, TaskQuery, testing::user};

use crate::{
    faults::helpers::{OF_THE_SERVICE, commands, faults},
    role::Role,
    support::{OneByOne, Store, repository, session, until_held_up},
};

#[tokio::test]
async fn a_database_that_keeps_no_foreign_keys_is_named() {
    let db = TestDatabase::new().await;
    db.execute(&format!("ALTER DATABASE {} SET session_replication_role = replica", db.name())).await;
    let found = faults(&db).await;
    let [fault] = &*found else { panic!("{found:#?}") };
    assert!(fault.found.contains("`session_replication_role` is replica"), "{fault:?}");
}

#[tokio::test]
async fn row_level_security_is_named_and_makes_statements_fail_rather_than_leave_tasks_out() {
    let db = TestDatabase::new().await;
    db.insert_user("ada").await;
    db.execute("INSERT INTO tasks (user_id, title) VALUES ('ada', 'Milk')").await;
    let role = Role::new(&db, OF_THE_SERVICE).await;
    let tasks = repository(&role.database(), pool_options());
    let ada = user("ada");
    assert_eq!(tasks.listed(&ada, &TaskQuery::default()).await.unwrap().len(), 1);

    db.execute("ALTER TABLE tasks ENABLE ROW LEVEL SECURITY").await;
    let refused = tasks.listed(&ada, &TaskQuery::default()).await;
    assert!(matches!(refused, Err(RepositoryError::Unexpected(_))), "{refused:?}");
    let found = inspect(&role.database(), &pool_options()).await.unwrap().faults();
    let [fault] = &*found else { panic!("{found:#?}") };
    assert!(fault.found.contains("row-level security is switched on for tasks"), "{fault:?}");
    db.execute(commands(fault)[0]).await;
    assert_eq!(tasks.listed(&ada, &TaskQuery::default()).await.unwrap().len(), 1);
    role.drop().await;
}

#[tokio::test]
async fn before_row_level_security_is_switched_off_the_roles_that_it_keeps_out_lose_their_rights() {
    let db = TestDatabase::new().await;
    let anon =
        Role::new(&db, "GRANT ALL ON tasks TO ROLE; ALTER TABLE tasks ENABLE ROW LEVEL SECURITY").await;
    let app = format!("{}_app", db.name());
    db.execute(&format!("CREATE ROLE {app}; {}", OF_THE_SERVICE.replace("ROLE", &app))).await;
    let separator = if db.url().contains('?') { '&' } else { '?' };
    let url = format!("{}{separator}options=-c%20role%3D{app}", db.url());
    let database = Database::parse(&url).unwrap();
    let found = inspect(&database, &pool_options()).await.unwrap().faults();
    let fault = found.iter().find(|fault| fault.found.contains("row-level security")).unwrap();
    let commands = commands(fault);
    assert!(commands[0].starts_with("REVOKE ALL ON") && commands[0].ends_with(&anon.name), "{fault:?}");
    assert!(commands[1].starts_with("ALTER TABLE public.tasks DISABLE"), "{fault:?}");
    db.execute(&format!("DROP OWNED BY {app}; DROP ROLE {app}")).await;
    anon.drop().await;
}

#[tokio::test]
async fn a_stricter_isolation_by_default_does_not_make_two_writes_collide() {
    let store = Store::new().await;
    let db = &store.db;
    let task = store.task("Milk").await;
    db.execute(&format!("ALTER DATABASE {} SET default_transaction_isolation = serializable", db.name()))
        .await;
    let tasks = repository(db.database(), pool_options());
    let mut other = session(db.database(), "BEGIN; UPDATE tasks SET title = 'Bread'").await;
    let (toggled, ()) = tokio::join!(tasks.toggle(&store.ada, task.id), async {
        until_held_up(db, 1).await;
        other.batch_execute("COMMIT").await.unwrap();
    });
    assert!(toggled.unwrap().is_some_and(|task| task.title.as_str() == "Bread"));
    assert_eq!(faults(db).await, []);
}

#[tokio::test]
async fn behind_a_pooler_the_settings_that_the_role_lacks_are_named_as_commands_that_set_them() {
    let db = TestDatabase::new().await;
    let isolation = |command: &String| command.contains("default_transaction_isolation");
    let unset = pooler::unset(db.database(), &pool_options()).await.unwrap();
    assert!(unset.iter().any(|command| command.ends_with("SET row_security = 'off'")), "{unset:?}");
    assert!(!unset.iter().any(isolation), "{unset:?}");

    let database = db.name();
    db.execute(&format!("ALTER DATABASE {database} SET default_transaction_isolation = serializable")).await;
    let unset = pooler::unset(db.database(), &pool_options()).await.unwrap();
    assert!(unset.iter().any(isolation), "{unset:?}");
    // For this database only, and not for the role of the tests everywhere.
    for command in &unset {
        let (_, setting) = command.split_once(" SET ").unwrap();
        db.execute(&format!("ALTER DATABASE {database} SET {setting}")).await;
    }
    assert_eq!(pooler::unset(db.database(), &pool_options()).await.unwrap(), [""; 0]);
}
