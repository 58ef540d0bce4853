//! What `cargo xtask dev` asks for if its database is on another machine or asks for TLS.

use anyhow::Context as _;
use diesel::{
    dsl::sql,
    sql_types::{Bool, Nullable, Text},
};
use diesel_async::{RunQueryDsl as _, SimpleAsyncConnection as _};
use task_adapters::Database;
use tools_postgres::stand_in_users::{CREATE, EXISTS, FIRST, INSERT_DEMO};

/// Makes the stand-in if there is no table `users`, and prints a user, or nothing if the table is empty.
pub(crate) async fn run() -> anyhow::Result<()> {
    let url = std::env::var("DATABASE_URL").context("DATABASE_URL is not set")?;
    let mut connection = Database::parse(&url)?.connect().await?;
    if !diesel::select(sql::<Bool>(EXISTS)).get_result::<bool>(&mut connection).await? {
        connection.batch_execute(&format!("{CREATE}; {INSERT_DEMO}")).await?;
    }
    let first = diesel::select(sql::<Nullable<Text>>(FIRST)).get_result::<Option<String>>(&mut connection);
    if let Some(user) = first.await? {
        println!("{user}");
    }
    Ok(())
}
