//! A look at a database: what it sees, and that it leaves no trace.

use task_adapters::{
    Database,
    inspection::{ForeignKeyKind, Inspection, InspectionError, OwnTable, Protection, has_user, inspect},
    testing::{TestDatabase, pool_options},
};

use crate::role::Role;

fn kinds(table: &OwnTable) -> Vec<ForeignKeyKind> {
    table.foreign_keys.iter().map(|key| key.kind).collect()
}

async fn look(db: &TestDatabase) -> Inspection {
    inspect(db.database(), &pool_options()).await.unwrap()
}

#[tokio::test]
async fn a_migrated_database_is_seen_as_it_is() {
    let db = TestDatabase::new().await;
    let seen = look(&db).await;
    assert!(seen.version.starts_with(&(seen.version_number / 10_000).to_string()), "{seen:?}");
    assert_eq!((seen.protection, seen.read_only), (Protection::Plain, false));
    assert!(seen.migrations.unwrap().iter().all(|migration| migration.applied));
    let users = seen.users.unwrap();
    assert_eq!((users.id_type.as_deref(), users.may_read), (Some("text"), true));
    assert_eq!(seen.elsewhere, [""; 0]);
    let tables: Vec<_> =
        seen.tables.iter().map(|table| (&*table.name, table.lacks.len(), kinds(table))).collect();
    let expected = [
        ("tasks", 0, vec![ForeignKeyKind::Cascades]),
        ("idempotency_keys", 0, vec![ForeignKeyKind::Cascades]),
        ("service_keys", 0, vec![]),
    ];
    assert_eq!(tables, expected);
    assert!(seen.clock.ahead.abs() < 2.0 + seen.clock.uncertainty, "{:?}", seen.clock);
}

#[tokio::test]
async fn an_empty_database_is_seen_as_it_is() {
    let db = TestDatabase::empty().await;
    db.execute("CREATE TABLE \"user\" (); CREATE SCHEMA auth; CREATE TABLE auth.users (id text); CREATE SCHEMA supabase; CREATE TABLE supabase.users (id uuid)").await;
    let seen = look(&db).await;
    assert!(seen.migrations.unwrap().iter().all(|migration| !migration.applied));
    assert_eq!((seen.users, seen.tables), (None, Vec::new()));
    assert_eq!(seen.elsewhere, ["auth.users", "public.\"user\""]);
}

#[tokio::test]
async fn users_of_another_kind_are_seen() {
    for (column, expected) in [
        ("id uuid", Some("uuid")),
        ("id varchar(36)", Some("character varying")),
        ("id serial", Some("integer")),
        ("key text", None),
    ] {
        let db = TestDatabase::empty().await;
        db.execute(&format!("CREATE TABLE users ({column})")).await;
        let users = look(&db).await.users.unwrap();
        assert_eq!((users.id_type.as_deref(), users.may_read), (expected, expected.is_some()));
    }
}

#[tokio::test]
async fn references_of_another_kind_are_seen() {
    let db = TestDatabase::new().await;
    db.execute(
        "ALTER TABLE idempotency_keys DROP CONSTRAINT idempotency_keys_user_id_fkey;
         ALTER TABLE tasks DROP CONSTRAINT tasks_user_id_fkey,
             ADD FOREIGN KEY (user_id) REFERENCES users (id) ON DELETE RESTRICT",
    )
    .await;
    let references: Vec<_> = look(&db).await.tables.iter().map(kinds).collect();
    assert_eq!(references, [vec![ForeignKeyKind::Blocks], vec![], vec![]]);
}

#[tokio::test]
async fn a_role_sees_what_it_lacks() {
    let db = TestDatabase::new().await;
    let role = Role::new(&db, "GRANT SELECT, INSERT ON tasks TO ROLE").await;
    let seen = inspect(&role.database(), &pool_options()).await.unwrap();
    assert_eq!(seen.role, role.name);
    assert_eq!((seen.migrations, seen.users.unwrap().may_read), (None, false));
    assert_eq!(seen.tables[0].lacks, ["UPDATE", "DELETE"]);
    assert_eq!(seen.tables[1].lacks.len(), 4);
    assert_eq!(seen.tables[2].lacks.len(), 4);
    let refused = has_user(&role.database(), &pool_options(), "alice").await;
    assert!(matches!(refused, Err(InspectionError::Read(_))), "{refused:?}");
    role.drop().await;
}

#[tokio::test]
async fn a_user_is_found_by_the_whole_id() {
    let db = TestDatabase::new().await;
    db.insert_user("alice").await;
    for (id, expected) in
        [("alice", true), ("Alice", false), ("ali", false), ("alice'--", false), ("%", false)]
    {
        assert_eq!(has_user(db.database(), &pool_options(), id).await.unwrap(), expected, "{id}");
    }
}

#[tokio::test]
async fn a_database_that_may_not_be_written_is_looked_at_all_the_same() {
    let db = TestDatabase::new().await;
    let before = look(&db).await;
    db.execute(&format!("ALTER DATABASE {} SET default_transaction_read_only = on", db.name())).await;
    let after = look(&db).await;
    assert!(after.read_only);
    assert_eq!(
        (after.migrations, after.users, after.tables),
        (before.migrations, before.users, before.tables)
    );
}

#[tokio::test]
async fn a_database_that_is_not_there_cannot_be_inspected() {
    let nowhere = Database::parse("postgres://127.0.0.1:1/nowhere").unwrap();
    let refused = inspect(&nowhere, &pool_options()).await;
    assert!(matches!(refused, Err(InspectionError::Connect(_))), "{refused:?}");
}

#[tokio::test]
async fn a_user_whom_row_level_security_hides_is_not_taken_for_a_missing_one() {
    let db = TestDatabase::new().await;
    db.insert_user("ada").await;
    let role = Role::new(&db, "GRANT SELECT ON users TO ROLE").await;
    assert!(has_user(&role.database(), &pool_options(), "ada").await.unwrap());
    db.execute("ALTER TABLE users ENABLE ROW LEVEL SECURITY").await;
    let refused = has_user(&role.database(), &pool_options(), "ada").await;
    assert!(matches!(refused, Err(InspectionError::Read(_))), "{refused:?}");
    role.drop().await;
}

#[tokio::test]
async fn a_role_that_may_not_read_the_list_of_roles_and_tables_with_odd_names_are_no_hindrance() {
    let db = TestDatabase::new().await;
    db.execute(
        "CREATE TABLE \"a b.c\" (i int); CREATE SCHEMA \"x y\"; CREATE TABLE \"x y\".\"d e\" (i int);
         REVOKE SELECT ON pg_roles FROM PUBLIC; REVOKE SELECT ON pg_database FROM PUBLIC",
    )
    .await;
    db.execute(&format!("ALTER DATABASE {} SET plan_cache_mode = force_generic_plan", db.name())).await;
    let role = Role::new(&db, "").await;
    assert_eq!(inspect(&role.database(), &pool_options()).await.unwrap().encoding, "UTF8");
    role.drop().await;
}
