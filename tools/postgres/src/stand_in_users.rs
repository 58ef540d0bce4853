//! Users for a service in development and in checks: those of Better Auth, or a stand-in with one demo user.

use std::net::IpAddr;

use anyhow::Context as _;
use tokio_postgres::{
    Client, Config,
    config::{Host, SslMode},
};

/// The user that a stand-in `users` table is made with.
pub const DEMO_USER: &str = "demo";
/// An expression of SQL: whether there is a table `users`.
pub const EXISTS: &str = "to_regclass('users') IS NOT NULL";
/// A statement of SQL that makes the stand-in, as Better Auth would make the table.
pub const CREATE: &str = include_str!("../../../crates/adapters/src/testing/users.sql");
/// A statement of SQL that adds the demo user.
pub const INSERT_DEMO: &str = r#"INSERT INTO users ("id", "name", "email", "emailVerified")
    VALUES ('demo', 'demo', 'demo@example.com', true) ON CONFLICT DO NOTHING"#;
/// An expression of SQL: the demo user, or else the first user, or else NULL.
pub const FIRST: &str = "(SELECT id::text FROM users ORDER BY id::text <> 'demo', id LIMIT 1)";

/// Makes a stand-in `users` table with a demo user if there is no such table, and returns a user. A table of Better Auth
/// gets no row from us; `None` says that it has none yet.
pub async fn provide_user(client: &Client) -> anyhow::Result<Option<String>> {
    let exists = client.query_one(&format!("SELECT {EXISTS}"), &[]).await;
    if !exists.context("cannot look for the table `users`")?.get::<_, bool>(0) {
        let made = client.batch_execute(&format!("{CREATE}; {INSERT_DEMO}")).await;
        made.context("cannot make a stand-in for the table `users`")?;
    }
    let first = client.query_one(&format!("SELECT {FIRST}"), &[]).await;
    Ok(first.context("cannot read the table `users`")?.get(0))
}

/// Whether a database is on this machine and asks for no TLS, so that [`crate::connect`] reaches it.
#[must_use]
pub fn is_near(url: &str) -> bool {
    let Ok(config) = url.parse::<Config>() else { return false };
    let is_loopback = |host: &Host| match host {
        Host::Tcp(name) => {
            name == "localhost" || name.parse().is_ok_and(|address: IpAddr| address.is_loopback())
        }
        Host::Unix(_) => true,
    };
    config.get_ssl_mode() != SslMode::Require && config.get_hosts().iter().all(is_loopback)
}

/// A user's id as one segment of a path.
#[must_use]
pub fn path_segment(id: &str) -> String {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~".contains(&byte);
    id.bytes()
        .map(|byte| if plain(byte) { char::from(byte).to_string() } else { format!("%{byte:02X}") })
        .collect()
}

#[cfg(test)]
mod tests {
    use task_adapters::testing::TestDatabase;

    use super::*;
    use crate::connect;

    #[test]
    fn every_byte_that_is_not_plain_is_encoded() {
        assert_eq!(path_segment("aZ0-._~"), "aZ0-._~");
        assert_eq!(path_segment("a/b ü%"), "a%2Fb%20%C3%BC%25");
    }

    #[test]
    fn a_database_elsewhere_or_with_tls_is_not_near() {
        assert!(
            is_near("postgres://u:p@127.0.0.1:5432/d") && is_near("postgres://u@localhost/d?sslmode=prefer")
        );
        assert!(is_near("postgres:///d?host=/run/postgresql"));
        for url in [
            "postgres://u:p@db.example.com/d",
            "postgres://u:p@10.0.0.1/d?sslmode=disable",
            "postgres://u:p@localhost/d?sslmode=require",
            "postgres://u:p@localhost/d?sslmode=verify-full",
            "no URL",
        ] {
            assert!(!is_near(url), "{url}");
        }
    }

    #[tokio::test]
    async fn a_missing_table_is_made_with_a_demo_user_once() {
        let database = TestDatabase::empty().await;
        let client = connect(database.url()).await.unwrap();
        for _ in 0..2 {
            assert_eq!(provide_user(&client).await.unwrap().as_deref(), Some("demo"));
        }
    }

    #[tokio::test]
    async fn a_table_of_better_auth_gets_no_row() {
        let database = TestDatabase::new().await;
        let client = connect(database.url()).await.unwrap();
        assert_eq!(provide_user(&client).await.unwrap(), None);
        database.insert_user("zoe").await;
        assert_eq!(provide_user(&client).await.unwrap().as_deref(), Some("zoe"));
        database.insert_user("demo").await;
        assert_eq!(provide_user(&client).await.unwrap().as_deref(), Some("demo"));
    }
}
