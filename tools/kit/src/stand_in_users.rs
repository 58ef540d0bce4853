//! What the service needs around it in development: users, a schema, an address to call.

use diesel::dsl::sql;
use diesel::sql_types::{Bool, Nullable, Text};
use diesel_async::RunQueryDsl as _;
use task_adapters::{Database, migrations, testing};

/// The user that a stand-in `users` table is made with.
pub(crate) const DEMO_USER: &str = "demo";

/// Whom an example can speak for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum User {
    Known(String),
    /// Better Auth's own table is there, and nobody has signed up yet.
    None,
}

/// Makes a stand-in `users` table with a demo user where there is none, and else takes whoever is there: a table that
/// belongs to Better Auth gets no row from us.
pub(crate) async fn provide_user(database: &Database) -> anyhow::Result<User> {
    let mut connection = database.connect().await?;
    let exists = diesel::select(sql::<Bool>("to_regclass('users') IS NOT NULL"));
    if !exists.get_result::<bool>(&mut connection).await? {
        testing::create_users_table(database).await.map_err(anyhow::Error::from_boxed)?;
        testing::insert_user(database, DEMO_USER).await.map_err(anyhow::Error::from_boxed)?;
    }
    let known = "(SELECT id::text FROM users ORDER BY id::text <> 'demo', id LIMIT 1)";
    let known =
        diesel::select(sql::<Nullable<Text>>(known)).get_result::<Option<String>>(&mut connection).await?;
    Ok(known.map_or(User::None, User::Known))
}

/// Brings the schema up to date.
pub(crate) async fn migrate(database: &Database) -> anyhow::Result<()> {
    migrations::run(database).await?;
    Ok(())
}

/// A user's id as one segment of a path.
pub(crate) fn path_segment(id: &str) -> String {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~".contains(&byte);
    id.bytes()
        .map(|byte| if plain(byte) { char::from(byte).to_string() } else { format!("%{byte:02X}") })
        .collect()
}

#[cfg(test)]
mod tests {
    use task_adapters::testing::TestDatabase;

    use super::*;

    #[test]
    fn every_byte_that_is_not_plain_is_encoded() {
        assert_eq!(path_segment("aZ0-._~"), "aZ0-._~");
        assert_eq!(path_segment("a/b ü%"), "a%2Fb%20%C3%BC%25");
    }

    #[tokio::test]
    async fn a_missing_table_is_made_with_a_demo_user_once() {
        let database = TestDatabase::empty().await;
        for _ in 0..2 {
            assert_eq!(provide_user(database.database()).await.unwrap(), User::Known("demo".to_owned()));
        }
    }

    #[tokio::test]
    async fn a_table_of_better_auth_gets_no_row() {
        let database = TestDatabase::new().await;
        assert_eq!(provide_user(database.database()).await.unwrap(), User::None);
        database.insert_user("zoe").await;
        assert_eq!(provide_user(database.database()).await.unwrap(), User::Known("zoe".to_owned()));
        database.insert_user("demo").await;
        assert_eq!(provide_user(database.database()).await.unwrap(), User::Known("demo".to_owned()));
    }
}
