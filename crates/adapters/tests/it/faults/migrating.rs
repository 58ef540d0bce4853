//! What stands in the way of migrations is refused before anything is changed.

use task_adapters::{
    inspection::{Gravity, Part, inspect},
    migrations::{self, MigrationError},
    testing::{TestDatabase, create_users_table, pool_options},
};

use crate::{
    faults::helpers::{commands, faults},
    role::Role,
};

/// What a database has before the service's migrations, and words of the sentence with which they are refused.
const BEFORE_MIGRATING: &[(&str, &[&str])] = &[
    (
        "CREATE TABLE tasks (id serial PRIMARY KEY, name text)",
        &["`public.tasks` is a table that is not the service's", "schema of its own"],
    ),
    ("CREATE VIEW tasks AS SELECT 1 AS id", &["`public.tasks` is a view"]),
    (
        "CREATE MATERIALIZED VIEW service_keys AS SELECT 1 AS id",
        &["`public.service_keys` is a materialized view"],
    ),
    ("CREATE SEQUENCE idempotency_keys", &["`public.idempotency_keys` is a sequence"]),
    ("CREATE TYPE tasks AS ENUM ('a')", &["`public.tasks` is a type"]),
    (
        "CREATE TABLE other (id int); CREATE INDEX tasks_by_title ON other (id)",
        &["`public.tasks_by_title` is an index"],
    ),
    (
        "CREATE TABLE tasks_old (CONSTRAINT tasks_pkey PRIMARY KEY (id), id int)",
        &["`public.tasks_pkey` is an index"],
    ),
    ("DROP TABLE users", &["no table `users`", "npx auth@latest migrate"]),
    ("DROP TABLE users; CREATE TABLE \"user\" (id text PRIMARY KEY)", &["public.\"user\"", "default name"]),
    ("DROP TABLE users; CREATE TABLE users (id uuid PRIMARY KEY)", &["type uuid"]),
    ("DROP TABLE users; CREATE TABLE users (key text PRIMARY KEY)", &["no column `id`"]),
    (
        "ALTER TABLE users RENAME TO accounts; CREATE VIEW users AS SELECT * FROM accounts",
        &["not a table but a view"],
    ),
    ("ALTER TABLE users DROP CONSTRAINT users_pkey", &["`users.id` has no unique key"]),
    (
        "CREATE COLLATION blind (provider = icu, locale = 'und-u-ks-level2', deterministic = false);
            DROP TABLE users; CREATE TABLE users (id text COLLATE blind PRIMARY KEY)",
        &["different ids are equal"],
    ),
];

#[tokio::test]
async fn what_stands_in_the_way_of_migrations_is_refused_with_a_sentence_and_nothing_is_changed() {
    for (change, words) in BEFORE_MIGRATING {
        let db = TestDatabase::empty().await;
        create_users_table(db.database()).await.unwrap();
        db.execute(change).await;
        let error = migrations::run(db.database()).await.unwrap_err();
        let text = error.to_string();
        assert!(matches!(error, MigrationError::Refused(_)), "{change}: {error:?}");
        assert!(words.iter().all(|word| text.contains(word)), "{change}: {text}");
        // The service and the doctor say the same.
        let said = faults(&db).await;
        assert!(
            said.iter().any(|fault| fault.stops_migrations && text.contains(&fault.to_string())),
            "{said:#?}"
        );
        assert_eq!(
            db.lines(
                "SELECT to_regclass('__diesel_schema_migrations')::text AS line WHERE
            to_regclass('__diesel_schema_migrations') IS NOT NULL"
            )
            .await,
            [""; 0]
        );
    }
}

#[tokio::test]
async fn no_advice_changes_what_is_not_ours() {
    let of_others = ["users", "\"user\"", "accounts", "other", "all_tasks"];
    let mut seen = 0;
    for change in BEFORE_MIGRATING.iter().map(|(change, _)| change) {
        let db = TestDatabase::empty().await;
        create_users_table(db.database()).await.unwrap();
        db.execute(change).await;
        for fault in faults(&db).await {
            for command in commands(&fault) {
                assert!(command.starts_with("CREATE SCHEMA"), "{fault:?}");
                assert!(of_others.iter().all(|name| !command.contains(name)), "{fault:?}");
            }
            seen += 1;
        }
    }
    assert!(seen >= BEFORE_MIGRATING.len());
}

#[tokio::test]
async fn tables_that_were_restored_without_the_list_of_migrations_are_recognized() {
    let db = TestDatabase::new().await;
    db.execute("DROP TABLE __diesel_schema_migrations").await;
    let text = migrations::run(db.database()).await.unwrap_err().to_string();
    assert!(text.contains("`public.tasks` is there as a migration makes it"), "{text}");
    assert!(text.contains("Restore the table `__diesel_schema_migrations`"), "{text}");
}

#[tokio::test]
async fn tables_in_a_schema_in_which_the_role_does_not_look_are_mentioned() {
    let db = TestDatabase::new().await;
    db.execute("CREATE SCHEMA task_api; ALTER TABLE tasks SET SCHEMA task_api; ALTER TABLE service_keys SET SCHEMA task_api;
        ALTER TABLE idempotency_keys SET SCHEMA task_api; ALTER TABLE __diesel_schema_migrations SET SCHEMA task_api").await;
    let found = faults(&db).await;
    let [fault] = &*found else { panic!("{found:#?}") };
    assert!(fault.advice.contains("task_api.tasks") && fault.advice.contains("search path"), "{fault:?}");
}

#[tokio::test]
async fn a_database_in_another_encoding_is_refused() {
    let db = TestDatabase::in_encoding("SQL_ASCII").await;
    create_users_table(db.database()).await.unwrap();
    let error = migrations::run(db.database()).await.unwrap_err().to_string();
    assert!(error.contains("encoding SQL_ASCII") && error.contains("ENCODING 'UTF8'"), "{error}");
    let found = faults(&db).await;
    assert!(
        found.iter().any(|fault| fault.gravity == Gravity::Unusable && fault.part == Part::Database),
        "{found:?}"
    );
}

#[tokio::test]
async fn a_role_that_may_not_migrate_hears_which_rights_it_lacks() {
    let db = TestDatabase::empty().await;
    create_users_table(db.database()).await.unwrap();
    let role = Role::new(&db, "GRANT USAGE ON SCHEMA public TO ROLE").await;
    let error = migrations::run(&role.database()).await.unwrap_err();
    let MigrationError::Refused(refused) = &error else { panic!("{error:?}") };
    let words = ["may not create tables in the schema public", "may not make tables that refer to `users`"];
    assert!(words.iter().all(|word| error.to_string().contains(word)), "{error}");
    for command in refused.iter().flat_map(commands) {
        db.execute(command).await;
    }
    migrations::run(&role.database()).await.unwrap();
    role.drop().await;
}

#[tokio::test]
async fn a_role_that_may_not_see_what_is_applied_is_refused_and_not_told_that_nothing_is_to_do() {
    let db = TestDatabase::new().await;
    db.execute("DELETE FROM __diesel_schema_migrations WHERE version >= '20261129'").await;
    let role = Role::new(&db, "GRANT ALL ON tasks, idempotency_keys, service_keys TO ROLE").await;
    let error = migrations::run(&role.database()).await.unwrap_err();
    assert!(matches!(error, MigrationError::Refused(_)), "{error:?}");
    assert!(error.to_string().contains("GRANT SELECT ON __diesel_schema_migrations"), "{error}");
    role.drop().await;
}

#[tokio::test]
async fn a_migration_that_makes_no_table_needs_nothing_of_users() {
    let db = TestDatabase::new().await;
    migrations::revert(db.database(), 1).await.unwrap();
    let rights = "ALTER TABLE tasks OWNER TO ROLE; ALTER TABLE idempotency_keys OWNER TO ROLE; ALTER TABLE service_keys OWNER TO
        ROLE; ALTER TABLE __diesel_schema_migrations OWNER TO ROLE; GRANT CREATE ON SCHEMA public TO ROLE";
    db.execute("CREATE COLLATION blind (provider = icu, locale = 'und-u-ks-level2', deterministic = false)")
        .await;
    db.execute("ALTER TABLE users ALTER id TYPE text COLLATE blind").await;
    let role = Role::new(&db, rights).await;
    assert_eq!(migrations::run(&role.database()).await.unwrap().len(), 1);
    role.drop().await;
}

#[tokio::test]
async fn without_the_list_of_migrations_another_applications_table_gets_no_advice() {
    let db = TestDatabase::empty().await;
    create_users_table(db.database()).await.unwrap();
    db.execute("CREATE TABLE tasks (id serial PRIMARY KEY, user_id int, title varchar); CREATE TABLE __diesel_schema_migrations ()")
        .await;
    let role = Role::new(&db, "").await;
    let found = inspect(&role.database(), &pool_options()).await.unwrap().faults();
    let [fault] = &*found else { panic!("{found:#?}") };
    assert_eq!(commands(fault), [format!("GRANT SELECT ON __diesel_schema_migrations TO {}", role.name)]);
    role.drop().await;
}
