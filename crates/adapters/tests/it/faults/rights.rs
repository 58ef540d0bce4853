//! Rights that the service's role lacks, and roles that have some and should not.

use task_adapters::{
    inspection::inspect,
    migrations::{self},
    testing::{TestDatabase, create_users_table, pool_options},
};

use crate::{
    faults::helpers::{OF_THE_SERVICE, commands, faults},
    role::Role,
};

#[tokio::test]
async fn the_role_that_the_documents_describe_is_no_stranger_and_every_other_one_is() {
    let db = TestDatabase::new().await;
    let role = Role::new(&db, OF_THE_SERVICE).await;
    assert_eq!(faults(&db).await, []);
    db.execute(&format!("GRANT TRUNCATE ON tasks TO {}", role.name)).await;
    let found = faults(&db).await;
    let [fault] = &*found else { panic!("{found:#?}") };
    let words = [&*role.name, "DELETE, INSERT, SELECT, TRUNCATE, UPDATE on tasks"];
    assert!(words.iter().all(|word| fault.found.contains(word)), "{fault:?}");
    // A role that may not enter the schema has nothing of its rights.
    db.execute("REVOKE USAGE ON SCHEMA public FROM PUBLIC").await;
    assert_eq!(faults(&db).await, []);
    role.drop().await;
}

#[tokio::test]
async fn the_services_role_is_no_stranger_while_it_lacks_a_new_table_nor_is_the_group_it_lives_by() {
    let db = TestDatabase::new().await;
    let app = Role::new(&db, "GRANT SELECT, INSERT, UPDATE, DELETE ON tasks TO ROLE").await;
    assert_eq!(faults(&db).await, []);
    let group = format!("{}_group", db.name());
    let move_to_group = OF_THE_SERVICE.replace("ROLE", &group);
    db.execute(&format!(
        "CREATE ROLE {group}; REVOKE ALL ON tasks FROM {0}; GRANT {group} TO {0}; {move_to_group}",
        app.name
    ))
    .await;
    db.execute(&format!("GRANT TRUNCATE ON tasks TO {group}")).await;
    assert_eq!(inspect(&app.database(), &pool_options()).await.unwrap().faults(), []);
    db.execute(&format!("DROP OWNED BY {group}; DROP ROLE {group}")).await;
    app.drop().await;
}

#[tokio::test]
async fn roles_that_get_rights_by_default_are_named_and_public_loses_them() {
    let db = TestDatabase::empty().await;
    create_users_table(db.database()).await.unwrap();
    let anon =
        Role::new(&db, "ALTER DEFAULT PRIVILEGES IN SCHEMA public GRANT ALL ON TABLES TO ROLE, PUBLIC").await;
    migrations::run(db.database()).await.unwrap();
    let found = faults(&db).await;
    let [fault] = &*found else { panic!("{found:#?}") };
    assert!(fault.found.contains(&anon.name) && !fault.found.contains("PUBLIC"), "{fault:?}");
    for command in commands(fault) {
        db.execute(command).await;
    }
    assert_eq!(faults(&db).await, []);
    anon.drop().await;
}

#[tokio::test]
async fn rights_that_the_service_lacks_are_granted_by_the_advice() {
    let db = TestDatabase::new().await;
    let role = Role::new(
        &db,
        "GRANT SELECT, INSERT ON tasks TO ROLE; GRANT SELECT ON __diesel_schema_migrations TO ROLE",
    )
    .await;
    let found = inspect(&role.database(), &pool_options()).await.unwrap().faults();
    let [fault] = &*found else { panic!("{found:#?}") };
    assert!(
        fault
            .found
            .contains("lacks UPDATE, DELETE on tasks; SELECT, INSERT, UPDATE, DELETE on idempotency_keys"),
        "{fault:?}"
    );
    for command in commands(fault) {
        db.execute(command).await;
    }
    assert_eq!(inspect(&role.database(), &pool_options()).await.unwrap().faults(), []);
    role.drop().await;
}
