//! The service's own tables: each fault on a database that has it, and that its advice mends it.

use task_adapters::{
    inspection::{Gravity, Part, inspect},
    migrations::{self},
    testing::{TestDatabase, create_users_table, pool_options},
};

use crate::{
    faults::helpers::{commands, faults},
    role::Role,
};

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
