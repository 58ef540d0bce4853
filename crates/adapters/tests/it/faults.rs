//! What is wrong with a database: each fault on a database that has it, and that its advice mends it.

use diesel_async::SimpleAsyncConnection;
use task_adapters::{
    inspection::{Fault, Gravity, Part, inspect},
    migrations::{self, MigrationError},
    pooler,
    testing::{TestDatabase, create_users_table, pool_options},
};
use task_domain::{RepositoryError, TaskQuery, testing::user};

use crate::{
    role::Role,
    support::{OneByOne, Store, repository, session, until_held_up},
};

async fn faults(db: &TestDatabase) -> Vec<Fault> {
    inspect(db.database(), &pool_options()).await.unwrap().faults()
}

/// The commands of an advice: what stands between backticks and begins as SQL that changes something.
fn commands(fault: &Fault) -> Vec<&str> {
    let quoted = fault.advice.split('`').skip(1).step_by(2).filter(|text| !text.contains("..."));
    quoted
        .filter(|text| {
            ["ALTER", "CREATE", "DROP", "GRANT", "REVOKE"].iter().any(|verb| text.starts_with(verb))
        })
        .collect()
}

/// What is done to a migrated database, what of it is at fault, how much that matters, and words of the sentence.
struct Case(&'static str, Part, Gravity, &'static [&'static str]);

/// Faults whose advice is a command that mends them.
const MENDED_BY_THE_ADVICE: &[Case] = &[
    Case(
        "ALTER TABLE tasks DROP CONSTRAINT tasks_user_id_fkey",
        Part::Users,
        Gravity::Problem,
        &["`tasks` does not refer to this `users`"],
    ),
    Case(
        "ALTER TABLE idempotency_keys DROP CONSTRAINT idempotency_keys_user_id_fkey,
            ADD CONSTRAINT idempotency_keys_user_id_fkey FOREIGN KEY (user_id) REFERENCES users (id)",
        Part::Users,
        Gravity::Problem,
        &["`idempotency_keys` refers to `users` without ON DELETE CASCADE"],
    ),
    Case(
        "ALTER TABLE tasks DROP CONSTRAINT tasks_user_id_fkey, ADD COLUMN assignee text REFERENCES users ON DELETE CASCADE",
        Part::Users,
        Gravity::Problem,
        &["`tasks` does not refer to this `users`"],
    ),
    Case(
        "ALTER TABLE tasks ADD CONSTRAINT another FOREIGN KEY (user_id) REFERENCES users (id) ON DELETE RESTRICT",
        Part::Users,
        Gravity::Problem,
        &["`tasks` refers to `users` without ON DELETE CASCADE"],
    ),
    Case(
        "ALTER TABLE tasks DROP CONSTRAINT tasks_user_id_fkey, ADD CONSTRAINT another
            FOREIGN KEY (user_id) REFERENCES users (id) ON DELETE CASCADE NOT VALID",
        Part::Users,
        Gravity::Warning,
        &["has not been checked for older rows"],
    ),
    Case(
        "ALTER TABLE tasks DROP CONSTRAINT tasks_pkey, ADD CONSTRAINT tasks_pkey PRIMARY KEY (id)",
        Part::Tables,
        Gravity::Problem,
        &["no unique key on (user_id, id)"],
    ),
    Case(
        "ALTER TABLE tasks DISABLE TRIGGER ALL",
        Part::Users,
        Gravity::Problem,
        &["foreign key of `tasks` is switched off"],
    ),
    Case(
        "ALTER TABLE users DISABLE TRIGGER ALL; ALTER TABLE idempotency_keys DROP CONSTRAINT idempotency_keys_user_id_fkey,
            ADD CONSTRAINT idempotency_keys_user_id_fkey FOREIGN KEY (user_id) REFERENCES users (id) ON DELETE CASCADE",
        Part::Users,
        Gravity::Problem,
        &["foreign key of `tasks` is switched off"],
    ),
    Case(
        "ALTER TABLE tasks DROP CONSTRAINT tasks_user_id_fkey, ADD CONSTRAINT tasks_user_id_fkey
            FOREIGN KEY (user_id) REFERENCES users (id) ON DELETE CASCADE NOT VALID",
        Part::Users,
        Gravity::Warning,
        &["has not been checked for older rows"],
    ),
    Case("ALTER TABLE tasks DROP CONSTRAINT tasks_pkey", Part::Tables, Gravity::Problem, &["(user_id, id)"]),
    Case(
        "ALTER TABLE tasks DROP CONSTRAINT tasks_pkey;
            CREATE UNIQUE INDEX tasks_pkey_of_some ON tasks (user_id, id) WHERE completed",
        Part::Tables,
        Gravity::Problem,
        &["no unique key on (user_id, id)"],
    ),
    Case(
        "ALTER TABLE idempotency_keys DROP CONSTRAINT idempotency_keys_pkey",
        Part::Tables,
        Gravity::Problem,
        &["`idempotency_keys` has no unique key on (user_id, key)"],
    ),
    Case(
        "ALTER TABLE service_keys DROP CONSTRAINT service_keys_pkey",
        Part::Tables,
        Gravity::Problem,
        &["`service_keys` has no unique key on (name)"],
    ),
    Case(
        "ALTER TABLE tasks ALTER title TYPE text COLLATE \"en-x-icu\"",
        Part::Tables,
        Gravity::Problem,
        &["`tasks.title` has the collation `en-x-icu`", "repeat tasks or lack some"],
    ),
    Case(
        "CREATE COLLATION blind (provider = icu, locale = 'und-u-ks-level2', deterministic = false);
            ALTER TABLE tasks ALTER description TYPE text COLLATE blind",
        Part::Tables,
        Gravity::Problem,
        &["`tasks.description` has the collation `blind`", "takes different texts for equal"],
    ),
    Case(
        "ALTER TABLE tasks ALTER title TYPE varchar(200)",
        Part::Tables,
        Gravity::Problem,
        &["`tasks.title` is of type character varying, not text"],
    ),
    Case(
        "ALTER TABLE tasks ALTER version DROP NOT NULL",
        Part::Tables,
        Gravity::Problem,
        &["`tasks.version` may be null"],
    ),
    Case(
        "ALTER TABLE tasks ALTER description SET NOT NULL",
        Part::Tables,
        Gravity::Problem,
        &["`tasks.description` may not be null"],
    ),
    Case("ALTER TABLE tasks SET UNLOGGED", Part::Tables, Gravity::Problem, &["a crash of the server empties it"]),
    Case(
        "DROP INDEX tasks_by_title",
        Part::Tables,
        Gravity::Warning,
        &["the index `tasks_by_title` is not there or not valid"],
    ),
    Case(
        "UPDATE pg_index SET indisvalid = false WHERE indexrelid = 'idempotency_keys_by_created'::regclass",
        Part::Tables,
        Gravity::Warning,
        &["the index `idempotency_keys_by_created` is not there or not valid"],
    ),
    Case(
        "GRANT SELECT ON tasks TO PUBLIC",
        Part::Rights,
        Gravity::Warning,
        &["past the wall between users", "PUBLIC has SELECT on tasks"],
    ),
    Case(
        "GRANT SELECT (title) ON tasks TO PUBLIC",
        Part::Rights,
        Gravity::Warning,
        &["PUBLIC has SELECT on tasks"],
    ),
];

#[tokio::test]
async fn each_fault_is_named_and_its_advice_mends_it() {
    for Case(change, part, gravity, words) in MENDED_BY_THE_ADVICE {
        let db = TestDatabase::new().await;
        db.execute(change).await;
        let found = faults(&db).await;
        let [fault] = &*found else { panic!("{change}: {found:#?}") };
        assert_eq!((fault.part, fault.gravity), (*part, *gravity), "{change}: {fault:?}");
        assert!(words.iter().all(|word| fault.found.contains(word)), "{words:?}: {fault:?}");
        let commands = commands(fault);
        assert!(!commands.is_empty(), "{fault:?}");
        for command in commands {
            db.execute(command).await;
        }
        // A right to a column goes with the right to its table.
        assert_eq!(faults(&db).await, [], "{change}");
    }
}

/// Faults that an operator has to think about.
const OF_PEOPLE: &[Case] = &[
    Case(
        "ALTER TABLE tasks ALTER created_at TYPE timestamp",
        Part::Tables,
        Gravity::Problem,
        &["`tasks.created_at` is of type timestamp without time zone"],
    ),
    // What a front end's tool puts in the place of ours, or another application has.
    Case(
        "DROP TABLE tasks; CREATE TABLE tasks (id uuid PRIMARY KEY, user_id uuid, name text)",
        Part::Tables,
        Gravity::Problem,
        &["`tasks` means public.tasks, which is not the service's table"],
    ),
    Case(
        "DROP TABLE tasks; CREATE TABLE tasks (id bigint, user_id text, title text, completed boolean, created_at timestamptz)",
        Part::Tables,
        Gravity::Problem,
        &["`tasks` means public.tasks, which is not the service's table"],
    ),
    Case("DROP TABLE tasks", Part::Tables, Gravity::Problem, &["`tasks` is gone", "is applied"]),
    Case(
        "CREATE SCHEMA other; ALTER TABLE tasks SET SCHEMA other",
        Part::Tables,
        Gravity::Problem,
        &["finds no table `tasks`, but other.tasks"],
    ),
    Case(
        "ALTER TABLE tasks RENAME TO all_tasks; CREATE VIEW tasks AS SELECT * FROM all_tasks",
        Part::Tables,
        Gravity::Problem,
        &["`tasks` means public.tasks, which is not a table but a view"],
    ),
    Case(
        "DROP TABLE tasks; CREATE TABLE tasks (id uuid PRIMARY KEY, name text)",
        Part::Tables,
        Gravity::Problem,
        &["`tasks` means public.tasks, which is not the service's table"],
    ),
    Case(
        "ALTER TABLE tasks DROP COLUMN version",
        Part::Tables,
        Gravity::Problem,
        &["`tasks` has no column `version`"],
    ),
    Case(
        "ALTER TABLE tasks ALTER completed DROP DEFAULT",
        Part::Tables,
        Gravity::Problem,
        &["`tasks.completed` has lost its default"],
    ),
    Case(
        "ALTER TABLE tasks ALTER id DROP IDENTITY",
        Part::Tables,
        Gravity::Problem,
        &["`tasks.id` has lost its default"],
    ),
    Case(
        "ALTER TABLE tasks ADD tenant integer NOT NULL",
        Part::Tables,
        Gravity::Problem,
        &["a column `tenant` that is not the service's"],
    ),
    Case(
        "CREATE FUNCTION nothing() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END';
            CREATE TRIGGER swallow BEFORE INSERT ON tasks FOR EACH ROW EXECUTE FUNCTION nothing()",
        Part::Tables,
        Gravity::Warning,
        &["act on `tasks`", "swallow"],
    ),
    Case(
        "CREATE RULE keep AS ON DELETE TO tasks DO INSTEAD NOTHING",
        Part::Tables,
        Gravity::Warning,
        &["act on `tasks`", "keep"],
    ),
];

#[tokio::test]
async fn what_a_person_has_to_think_about_is_named_too() {
    for Case(change, part, gravity, words) in OF_PEOPLE {
        let db = TestDatabase::new().await;
        db.execute(change).await;
        let found = faults(&db).await;
        let [fault] = &*found else { panic!("{change}: {found:#?}") };
        assert_eq!((fault.part, fault.gravity), (*part, *gravity), "{change}: {fault:?}");
        assert!(words.iter().all(|word| fault.found.contains(word)), "{words:?}: {fault:?}");
        assert!(!fault.advice.is_empty() && commands(fault).is_empty(), "{fault:?}");
    }
}

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
async fn a_database_that_keeps_no_foreign_keys_is_named() {
    let db = TestDatabase::new().await;
    db.execute(&format!("ALTER DATABASE {} SET session_replication_role = replica", db.name())).await;
    let found = faults(&db).await;
    let [fault] = &*found else { panic!("{found:#?}") };
    assert!(fault.found.contains("`session_replication_role` is replica"), "{fault:?}");
}

const OF_THE_SERVICE: &str = "GRANT SELECT, INSERT, UPDATE, DELETE ON tasks, idempotency_keys TO ROLE;
    GRANT SELECT ON service_keys, __diesel_schema_migrations TO ROLE";

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

#[tokio::test]
async fn an_advice_names_the_schema_so_that_it_never_meets_another_applications_table() {
    let damage = "ALTER TABLE task_api.tasks DISABLE TRIGGER ALL, ENABLE ROW LEVEL SECURITY, SET UNLOGGED;
        ALTER TABLE task_api.tasks ALTER title TYPE varchar, ALTER version DROP NOT NULL, DROP CONSTRAINT tasks_pkey;
        DROP INDEX task_api.tasks_by_title; GRANT SELECT ON task_api.tasks TO PUBLIC, ROLE";
    let db = TestDatabase::empty().await;
    create_users_table(db.database()).await.unwrap();
    db.execute(&format!(
        "CREATE SCHEMA task_api; ALTER DATABASE {} SET search_path = task_api, public",
        db.name()
    ))
    .await;
    migrations::run(db.database()).await.unwrap();
    let role = Role::new(
        &db,
        &format!("GRANT USAGE ON SCHEMA task_api TO PUBLIC; {damage}; ALTER TABLE task_api.tasks SET LOGGED"),
    )
    .await;
    db.execute(
        "CREATE TABLE public.tasks (LIKE task_api.tasks); ALTER TABLE public.tasks ENABLE ROW LEVEL SECURITY;
         CREATE INDEX tasks_by_title ON public.tasks (title)",
    )
    .await;
    let state = "SELECT relname || ' ' || relrowsecurity || ' ' || coalesce(relacl::text, '') || ' ' || relnatts AS line
        FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relname LIKE 'tasks%' ORDER BY 1";
    let before = db.lines(state).await;
    let found = inspect(db.database(), &pool_options()).await.unwrap().faults();
    assert!(found.len() >= 6, "{found:#?}");
    // As a person whose search path does not lead to the service's schema.
    for command in found.iter().flat_map(commands) {
        db.execute(&format!("SET search_path = public; {command}").replace("CONCURRENTLY ", "")).await;
    }
    db.execute("RESET search_path").await;
    assert_eq!(db.lines(state).await, before);
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
async fn before_row_level_security_is_switched_off_the_roles_that_it_keeps_out_lose_their_rights() {
    let db = TestDatabase::new().await;
    let anon =
        Role::new(&db, "GRANT ALL ON tasks TO ROLE; ALTER TABLE tasks ENABLE ROW LEVEL SECURITY").await;
    let app = format!("{}_app", db.name());
    db.execute(&format!("CREATE ROLE {app}; {}", OF_THE_SERVICE.replace("ROLE", &app))).await;
    let separator = if db.url().contains('?') { '&' } else { '?' };
    let url = format!("{}{separator}options=-c%20role%3D{app}", db.url());
    let database = task_adapters::Database::parse(&url).unwrap();
    let found = inspect(&database, &pool_options()).await.unwrap().faults();
    let fault = found.iter().find(|fault| fault.found.contains("row-level security")).unwrap();
    let commands = commands(fault);
    assert!(commands[0].starts_with("REVOKE ALL ON") && commands[0].ends_with(&anon.name), "{fault:?}");
    assert!(commands[1].starts_with("ALTER TABLE public.tasks DISABLE"), "{fault:?}");
    db.execute(&format!("DROP OWNED BY {app}; DROP ROLE {app}")).await;
    anon.drop().await;
}
