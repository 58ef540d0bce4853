//! A fresh, migrated database for each test.
//!
//! `TEST_DATABASE_URL` names a server on which databases may be made; `cargo xtask test` starts one and sets it. The
//! first test makes a template, migrated and with a stand-in `users`; each test gets a copy of it. A test without a server
//! fails: a skipped test would look like a passed one.
#![allow(
    clippy::missing_panics_doc,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "test support panics where a test cannot go on"
)]

mod later;
mod owner;
mod proxy;
mod rows;
mod template;
mod url;
mod waiting;

use std::{
    fmt,
    sync::{
        Mutex,
        atomic::{AtomicU32, Ordering},
    },
    time::SystemTime,
};

use diesel::{prelude::*, sql_types::Text};
use diesel_async::{
    AsyncPgConnection, RunQueryDsl, SimpleAsyncConnection, pooled_connection::PoolableConnection,
};

use self::owner::Owner;
pub use self::{
    later::LaterMigrations,
    proxy::Proxy,
    rows::ReceivedRows,
    waiting::{HUNG, until},
};
use crate::{Database, PgPool, PoolOptions};

/// `users` as Better Auth 1.7 makes it with `user: { modelName: "users" }`.
const USERS: &str = r#"
    CREATE TABLE IF NOT EXISTS users (
        "id" text NOT NULL PRIMARY KEY, "name" text NOT NULL, "email" text NOT NULL UNIQUE,
        "emailVerified" boolean NOT NULL, "image" text,
        "createdAt" timestamptz NOT NULL DEFAULT CURRENT_TIMESTAMP,
        "updatedAt" timestamptz NOT NULL DEFAULT CURRENT_TIMESTAMP
    )"#;
const INSERT_USER: &str = r#"
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

/// A database of one test's own. After the test has ended, the next one drops it.
pub struct TestDatabase {
    name: String,
    url: String,
    database: Database,
    server: Database,
    /// Open connections for what a test does past the service. PostgreSQL needs far longer for a connection than for a
    /// statement.
    idle: Mutex<Vec<AsyncPgConnection>>,
    _owner: Owner,
}

impl TestDatabase {
    /// Copies the template: migrated, with an empty `users`.
    pub async fn new() -> Self {
        Self::filled(&[]).await
    }

    /// Copies a template that these statements have filled, once for all tests that name the same ones.
    pub async fn filled(statements: &[&str]) -> Self {
        let (server_url, server) = server();
        let mut connection = connect(&server).await;
        let template = template::named(&server, &mut connection, statements).await;
        Self::copy(&template, &server_url, server, connection).await
    }

    /// An empty database: no `users`, no migration applied.
    pub async fn empty() -> Self {
        let (server_url, server) = server();
        let connection = connect(&server).await;
        Self::copy("template0", &server_url, server, connection).await
    }

    async fn copy(
        template: &str,
        server_url: &str,
        server: Database,
        mut connection: AsyncPgConnection,
    ) -> Self {
        static COUNTER: AtomicU32 = AtomicU32::new(0);
        owner::drop_abandoned(&mut connection).await;
        let number = COUNTER.fetch_add(1, Ordering::Relaxed);
        let name = format!("{}{}_{}_{number}", owner::PREFIX, seconds_now(), std::process::id());
        let mut owner = Owner::new(connection, &name).await;
        let create = format!("CREATE DATABASE {name} TEMPLATE {template} STRATEGY file_copy");
        execute(owner.connection(), &create).await;
        let (url, database) = (url::with_database(server_url, &name), server.with_name(&name));
        Self { name, url, database, server, idle: Mutex::default(), _owner: owner }
    }

    /// Its URL, for what takes a `DATABASE_URL`.
    #[must_use]
    pub fn url(&self) -> &str {
        &self.url
    }

    /// The database itself.
    #[must_use]
    pub fn database(&self) -> &Database {
        &self.database
    }

    /// The server's maintenance database, for what a test does to the server behind the service's back.
    #[must_use]
    pub fn server(&self) -> &Database {
        &self.server
    }

    /// Its name on the server.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Adds a user.
    pub async fn insert_user(&self, id: &str) {
        let insert = diesel::sql_query(INSERT_USER).bind::<Text, _>(id.to_owned());
        self.past_the_service(async |connection| insert.execute(connection).await.map(drop).unwrap()).await;
    }

    /// A pool of up to ten connections with generous limits.
    #[must_use]
    pub fn pool(&self) -> PgPool {
        PgPool::new(&self.database, pool_options()).unwrap()
    }

    /// A way to it that the test can block.
    pub async fn proxy(&self) -> Proxy {
        Proxy::new(self).await
    }

    /// Its URL with another address, and the address that it has: for what stands in between.
    #[must_use]
    pub fn detour(&self, address: &str) -> (String, String) {
        url::detour(&self.url, address)
    }

    /// Executes SQL in it, past the service.
    pub async fn execute(&self, sql: &str) {
        self.past_the_service(async |connection| execute(connection, sql).await).await;
    }

    /// The lines of text that a query of one text column gives, past the service.
    pub async fn lines(&self, sql: &str) -> Vec<String> {
        self.past_the_service(async |connection| lines(connection, sql).await).await
    }

    fn open_connection(&self) -> Option<AsyncPgConnection> {
        let mut connection = self.idle.lock().unwrap().pop()?;
        (!connection.is_broken()).then_some(connection)
    }

    /// Does something on an open connection, which no other caller uses at the same time.
    async fn past_the_service<T>(&self, work: impl AsyncFnOnce(&mut AsyncPgConnection) -> T) -> T {
        let mut connection = match self.open_connection() {
            Some(connection) => connection,
            None => connect(&url::database_past_the_service(&self.url)).await,
        };
        let outcome = work(&mut connection).await;
        self.idle.lock().unwrap().push(connection);
        outcome
    }
}

impl fmt::Debug for TestDatabase {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TestDatabase").field("name", &self.name).finish_non_exhaustive()
    }
}

/// What tests give a pool: ten connections, and limits that only a program reaches that hangs.
#[must_use]
pub fn pool_options() -> PoolOptions {
    PoolOptions {
        at_rest: 2,
        max: 10,
        max_requests: 10_000,
        wait: HUNG,
        statement_timeout: HUNG,
        lock_timeout: HUNG,
        deadline: HUNG,
        max_age: HUNG,
        session_of_role: false,
    }
}

fn server() -> (String, Database) {
    let url = std::env::var("TEST_DATABASE_URL").unwrap_or_else(|_| {
        panic!("this test needs a PostgreSQL: run `cargo xtask test`, or set TEST_DATABASE_URL to a server of your own")
    });
    let url = url::patient(&url);
    let database = Database::parse(&url).unwrap_or_else(|error| panic!("TEST_DATABASE_URL {error}"));
    (url, database)
}

async fn lines(connection: &mut AsyncPgConnection, sql: &str) -> Vec<String> {
    #[derive(QueryableByName)]
    struct Line {
        #[diesel(sql_type = Text)]
        line: String,
    }
    diesel::sql_query(sql).load::<Line>(connection).await.unwrap().into_iter().map(|row| row.line).collect()
}

async fn connect(database: &Database) -> AsyncPgConnection {
    database
        .connect()
        .await
        .unwrap_or_else(|error| panic!("the database of the tests does not answer: {error}"))
}

async fn execute(connection: &mut AsyncPgConnection, sql: &str) {
    connection.batch_execute(sql).await.unwrap_or_else(|error| panic!("{sql}: {error}"));
}

fn seconds_now() -> u64 {
    SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap().as_secs()
}
