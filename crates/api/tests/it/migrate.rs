//! `task-api migrate`: what the real program does to a database, and what it says.

use task_adapters::testing::{TestDatabase, create_users_table, insert_user};

use crate::helpers::{
    SECRET, post,
    program::{NOWHERE, Program, run},
    servers::runtime,
};

#[test]
fn migrating_says_what_it_did_and_what_is_missing() {
    let runtime = runtime();
    let empty = runtime.block_on(TestDatabase::empty());
    let url = [("DATABASE_URL", empty.url())];
    let status = run(&["migrate", "status"], &url);
    assert_eq!(status.code, Some(0), "{}", status.stderr);
    assert!(status.stdout.lines().any(|line| line.starts_with("pending ")), "{}", status.stdout);

    let refused = run(&["migrate", "run"], &url);
    assert_eq!(refused.code, Some(1));
    for word in ["`users`", "Better Auth", "migrat"] {
        assert!(refused.stderr.contains(word), "{}", refused.stderr);
    }
    assert!(!refused.stderr.contains("panicked"));

    runtime.block_on(create_users_table(empty.database())).unwrap();
    let applied = run(&["migrate", "run"], &url);
    assert_eq!(applied.code, Some(0), "{}", applied.stderr);
    assert!(applied.stdout.contains("applied "), "{}", applied.stdout);
    let again = run(&["migrate", "run"], &url);
    assert!(again.stdout.contains("nothing to do"), "{}", again.stdout);
    let status = run(&["migrate", "status"], &url);
    assert!(status.stdout.contains("applied ") && !status.stdout.contains("pending "), "{}", status.stdout);

    // What it made is what the service works with.
    runtime.block_on(insert_user(empty.database(), "alice")).unwrap();
    let program = Program::start(&[("DATABASE_URL", empty.url()), ("BETTER_AUTH_SECRET", SECRET)]);
    post("/api/alice/tasks").by("alice").json(r#"{"title":"t"}"#).send(program.address).task();
    drop(program);
    for (arguments, word) in
        [(&["migrate", "redo"][..], "redid "), (&["migrate", "revert", "--steps", "9"], "reverted ")]
    {
        let outcome = run(arguments, &url);
        assert!(
            outcome.code == Some(0) && outcome.stdout.contains(word),
            "{} {}",
            outcome.stdout,
            outcome.stderr
        );
    }
    let tables = "SELECT tablename::text AS line FROM pg_tables WHERE tablename IN ('users', 'tasks')";
    assert_eq!(runtime.block_on(empty.lines(tables)), ["users"]);
}

#[test]
fn migrating_needs_the_database_url_and_a_database_that_answers() {
    let without = run(&["migrate", "status"], &[]);
    assert_eq!(without.code, Some(2));
    assert!(without.stderr.contains("DATABASE_URL must be set"), "{}", without.stderr);
    assert!(!without.stderr.contains("BETTER_AUTH_SECRET"), "{}", without.stderr);
    for arguments in [&["migrate", "run"][..], &["migrate", "status"], &["migrate", "revert"]] {
        let refused = run(arguments, &[("DATABASE_URL", NOWHERE)]);
        assert_eq!(refused.code, Some(1));
        assert!(refused.stderr.contains("the database cannot be reached"), "{}", refused.stderr);
        assert!(!refused.stderr.contains("hunter2") && !refused.stdout.contains("hunter2"));
    }
}
