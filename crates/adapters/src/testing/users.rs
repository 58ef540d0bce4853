//! The stand-in for Better Auth's `users`.

use diesel::sql_types::Text;
use diesel_async::{RunQueryDsl as _, SimpleAsyncConnection as _};

use crate::postgres::database::Database;

/// `users` as Better Auth 1.7 makes it with `user: { modelName: "users" }`.
pub(super) const USERS: &str = include_str!("users.sql");
pub(super) const INSERT_USER: &str = r#"
    INSERT INTO users ("id", "name", "email", "emailVerified")
    VALUES ($1, $1, $1 || '@example.com', true) ON CONFLICT DO NOTHING"#;

/// Makes a stand-in for Better Auth's `users` table if there is none. For development and tests.
pub async fn create_users_table(database: &Database) -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
    Ok(database.connect().await?.batch_execute(USERS).await?)
}

/// Adds a user of that id if there is none. For development and tests.
pub async fn insert_user(
    database: &Database,
    id: &str,
) -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
    let insert = diesel::sql_query(INSERT_USER);
    insert.bind::<Text, _>(id).execute(&mut database.connect().await?).await?;
    Ok(())
}
