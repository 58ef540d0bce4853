//! A database that is not as the service needs it: the start, `migrate` and `doctor` say the same of it.

use task_adapters::{
    migrations,
    testing::{TestDatabase, create_users_table},
};

use crate::helpers::{
    SECRET, get, post,
    program::{Program, run},
    servers::{database, runtime},
};

#[test]
fn a_database_that_is_not_utf8_ends_the_service_and_is_refused_by_migrate_and_named_by_doctor() {
    let runtime = runtime();
    let database = runtime.block_on(TestDatabase::in_encoding("SQL_ASCII"));
    runtime.block_on(create_users_table(database.database())).unwrap();
    let variables = [("DATABASE_URL", database.url()), ("BETTER_AUTH_SECRET", SECRET)];

    let (status, lines) = Program::start(&variables).wait();
    let last = lines.last().unwrap();
    assert_eq!(status.code(), Some(1), "{lines:#?}");
    for word in ["encoding SQL_ASCII", "needs UTF8", "CREATE DATABASE ... ENCODING 'UTF8'"] {
        assert!(last.contains(word), "{word}: {lines:#?}");
    }
    let migrate = run(&["migrate", "run"], &variables);
    assert_eq!(migrate.code, Some(1));
    assert!(migrate.stderr.contains("encoding SQL_ASCII"), "{}", migrate.stderr);
    let doctor = run(&["doctor"], &variables);
    assert!(doctor.code == Some(1) && doctor.stdout.contains("encoding SQL_ASCII"), "{}", doctor.stdout);
}

#[test]
fn row_level_security_is_named_by_the_start_migrate_and_doctor_and_no_list_is_empty_for_it() {
    let runtime = runtime();
    let database = runtime.block_on(database());
    let role = format!("{}_app", database.name());
    runtime.block_on(database.execute(&format!(
        "CREATE ROLE {role}; GRANT SELECT, INSERT, UPDATE, DELETE ON tasks, idempotency_keys TO {role};
         GRANT SELECT ON service_keys, __diesel_schema_migrations TO {role}; ALTER TABLE tasks ENABLE ROW LEVEL SECURITY"
    )));
    let separator = if database.url().contains('?') { '&' } else { '?' };
    let url = format!("{}{separator}options=-c%20role%3D{role}", database.url());
    let variables = [("DATABASE_URL", url.as_str()), ("BETTER_AUTH_SECRET", SECRET), ("LOG_FORMAT", "json")];

    let program = Program::start(&variables);
    program.wait_for("row-level security", |line| {
        (line.contains("row-level security is switched on for tasks") && line.contains("ERROR")).then_some(())
    });
    get("/api/alice/tasks").by("alice").send(program.address).assert_error(500, "internal");
    let created = post("/api/alice/tasks").by("alice").json(r#"{"title":"t"}"#).send(program.address);
    created.assert_error(500, "internal");
    drop(program);

    let migrate = run(&["migrate", "status"], &variables);
    assert!(migrate.code == Some(0), "{}", migrate.stderr);
    assert!((migrate.stdout + &migrate.stderr).contains("row-level security is switched on for tasks"));
    let doctor = run(&["doctor"], &variables);
    assert_eq!(doctor.code, Some(1), "{}", doctor.stdout);
    assert!(doctor.stdout.contains("row-level security is switched on for tasks"), "{}", doctor.stdout);
    runtime.block_on(database.execute(&format!("DROP OWNED BY {role}; DROP ROLE {role}")));
}

#[test]
fn another_applications_table_of_our_name_is_left_alone() {
    let runtime = runtime();
    let database = runtime.block_on(TestDatabase::empty());
    runtime.block_on(create_users_table(database.database())).unwrap();
    runtime.block_on(database.execute("CREATE TABLE tasks (id serial PRIMARY KEY, name text)"));
    let variables = [("DATABASE_URL", database.url()), ("BETTER_AUTH_SECRET", SECRET)];
    let migrate = run(&["migrate", "run"], &variables);
    assert_eq!(migrate.code, Some(1));
    assert!(
        migrate.stderr.contains("`public.tasks` is a table that is not the service's"),
        "{}",
        migrate.stderr
    );
    let doctor = run(&["doctor"], &variables).stdout;
    assert!(doctor.contains("schema of its own") && !doctor.contains("ALTER TABLE"), "{doctor}");
    for untrue in ["as the migrations make them", "may read and write all tables", "deletes the user's tasks"]
    {
        assert!(!doctor.contains(untrue), "{doctor}");
    }

    // What the advice says is enough.
    runtime.block_on(database.execute("CREATE SCHEMA task_api"));
    let separator = if database.url().contains('?') { '&' } else { '?' };
    let url = format!("{}{separator}options=-c%20search_path%3Dtask_api%2Cpublic", database.url());
    let variables = [("DATABASE_URL", url.as_str()), ("BETTER_AUTH_SECRET", SECRET)];
    let migrate = run(&["migrate", "run"], &variables);
    assert_eq!(migrate.code, Some(0), "{}", migrate.stderr);
    let doctor = run(&["doctor"], &variables);
    assert_eq!(doctor.code, Some(0), "{}", doctor.stdout);
    runtime.block_on(database.execute("INSERT INTO users VALUES ('alice', 'Alice', 'a@example.org', true)"));
    let program = Program::start(&variables);
    post("/api/alice/tasks").by("alice").json(r#"{"title":"t"}"#).send(program.address).task();
    drop(program);
    let rows = "SELECT count(*)::text AS line FROM tasks UNION ALL SELECT count(*)::text FROM task_api.tasks";
    assert_eq!(runtime.block_on(database.lines(rows)), ["0", "1"]);
}

#[test]
fn tables_that_another_tool_has_dropped_are_named_by_the_start_and_not_made_again_without_a_word() {
    let runtime = runtime();
    let database = runtime.block_on(database());
    runtime.block_on(database.execute("DROP TABLE tasks"));
    let variables = [("DATABASE_URL", database.url()), ("BETTER_AUTH_SECRET", SECRET)];
    let program = Program::start(&variables);
    program.wait_for("`tasks` is gone", |line| line.contains("`tasks` is gone").then_some(()));
    drop(program);
    let doctor = run(&["doctor"], &variables);
    assert!(
        doctor.code == Some(1) && doctor.stdout.contains("Restore it from a backup"),
        "{}",
        doctor.stdout
    );
    let migrate = run(&["migrate", "run"], &variables);
    assert!(migrate.stdout.contains("nothing to do"), "{}", migrate.stdout);
    assert!((migrate.stdout + &migrate.stderr).contains("`tasks` is gone"));
    let known = runtime.block_on(migrations::status(database.database())).unwrap();
    assert!(known.iter().all(|migration| migration.applied));
}

/// The commands that docs/operations.md has in a section, with roles of one test's own.
fn documented(section: &str, roles: &str) -> String {
    let document = include_str!("../../../../docs/operations.md");
    let (_, section) = document.split_once(section).unwrap();
    let (_, block) = section.split_once("```sql\n").unwrap();
    let (commands, _) = block.split_once("```").unwrap();
    commands
        .replace("task_api_owner", &format!("{roles}_owner"))
        .replace("task_api_app", &format!("{roles}_app"))
}

/// Fails unless PostgreSQL refuses the command to that role for want of a right.
async fn assert_denied(database: &TestDatabase, role: &str, command: &str) {
    let block = format!(
        "DO $$ BEGIN SET LOCAL ROLE {role}; EXECUTE '{command}'; RAISE '{role} may: {command}';
         EXCEPTION WHEN insufficient_privilege THEN NULL; END $$"
    );
    database.execute(&block).await;
}

#[test]
fn a_schema_of_its_own_as_the_document_makes_it_keeps_the_tables_from_the_front_ends_tools() {
    let runtime = runtime();
    let database = runtime.block_on(TestDatabase::empty());
    let name = database.name();
    let (front, owner, app) = (format!("{name}_front"), format!("{name}_owner"), format!("{name}_app"));
    let execute = |sql: &str| runtime.block_on(database.execute(sql));
    // The front end owns its database, as with most providers, and so the schema `public`.
    execute(&format!(
        "CREATE ROLE {front}; CREATE ROLE {owner}; CREATE ROLE {app}; ALTER DATABASE {name} OWNER TO {front};
         SET ROLE {front}; CREATE TABLE users (id text PRIMARY KEY); RESET ROLE"
    ));
    execute(&documented("### A schema of its own\n", name));
    let separator = if database.url().contains('?') { '&' } else { '?' };
    // A role that is set, and has not logged in, does not bring its search path.
    let url = |role: &str| {
        let path = "-c%20search_path%3Dtask_api%2Cpublic";
        format!("{}{separator}options=-c%20role%3D{role}%20{path}", database.url())
    };
    let migrate = run(&["migrate", "run"], &[("DATABASE_URL", &url(&owner))]);
    assert_eq!(migrate.code, Some(0), "{}", migrate.stderr);
    let rights = documented("and after the first migration:", name);
    execute(&format!("SET search_path = task_api, public; {rights}; RESET search_path"));

    let app_url = url(&app);
    let variables = [("DATABASE_URL", app_url.as_str()), ("BETTER_AUTH_SECRET", SECRET)];
    let doctor = run(&["doctor"], &variables);
    assert_eq!(doctor.code, Some(0), "{}", doctor.stdout);
    let program = Program::start(&variables);
    execute(&format!("SET ROLE {front}; INSERT INTO users VALUES ('alice'); RESET ROLE"));
    post("/api/alice/tasks").by("alice").json(r#"{"title":"t"}"#).send(program.address).task();

    for command in [
        "DROP TABLE task_api.tasks CASCADE",
        "DROP SCHEMA task_api CASCADE",
        "TRUNCATE task_api.tasks",
        "ALTER TABLE task_api.tasks DISABLE ROW LEVEL SECURITY",
        "SELECT FROM task_api.tasks",
        "DELETE FROM task_api.tasks",
    ] {
        runtime.block_on(assert_denied(&database, &front, command));
    }
    // What is in `public` the front end may drop, even a table of another owner.
    execute(&format!("CREATE TABLE public.tasks (); ALTER TABLE public.tasks OWNER TO {owner}"));
    execute(&format!("SET ROLE {front}; DROP TABLE public.tasks; RESET ROLE"));

    assert_eq!(get("/api/alice/tasks").by("alice").send(program.address).tasks().len(), 1);
    execute(&format!("SET ROLE {front}; DELETE FROM users; RESET ROLE"));
    assert_eq!(get("/api/alice/tasks").by("alice").send(program.address).tasks().len(), 0);
    drop(program);
    execute(&format!(
        "ALTER DATABASE {name} OWNER TO CURRENT_USER; DROP OWNED BY {app}, {owner}, {front}; DROP ROLE {app}, {owner}, {front}"
    ));
}

#[test]
fn a_server_that_does_not_answer_what_the_start_asks_is_served_from_all_the_same() {
    let runtime = runtime();
    let database = runtime.block_on(database());
    // As on a server that lacks a part of PostgreSQL's catalog.
    runtime.block_on(database.execute(
        "CREATE FUNCTION public.row_security_active(oid) RETURNS boolean LANGUAGE plpgsql AS 'BEGIN RAISE ''unknown''; END'",
    ));
    let set = format!("ALTER DATABASE {} SET search_path = public, pg_catalog", database.name());
    runtime.block_on(database.execute(&set));
    let program = Program::start(&[("DATABASE_URL", database.url()), ("BETTER_AUTH_SECRET", SECRET)]);
    post("/api/alice/tasks").by("alice").json(r#"{"title":"t"}"#).send(program.address).task();
    program.wait_for("cannot be looked at", |line| line.contains("cannot be looked at").then_some(()));
    assert!(
        !program.lines().iter().any(|line| line.contains("does not answer yet")),
        "{:#?}",
        program.lines()
    );
    drop(program);
    let migrate = run(&["migrate", "run"], &[("DATABASE_URL", database.url())]);
    assert_eq!(migrate.code, Some(0), "{}", migrate.stderr);
}
