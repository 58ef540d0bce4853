use std::{
    hash::{DefaultHasher, Hash, Hasher},
    sync::atomic::{AtomicU32, Ordering},
    time::{Duration, SystemTime},
};

use diesel::{
    prelude::*,
    sql_types::{BigInt, Text},
};
use diesel_async::{AsyncPgConnection, RunQueryDsl, SimpleAsyncConnection};

use super::{proxy::Proxy, url};
use crate::{
    migrations,
    postgres::{
        database::Database,
        pool::{PgPool, options::PoolOptions},
    },
};

/// `users` as Better Auth 1.7 makes it with `user: { modelName: "users" }`.
const USERS: &str = include_str!("users.sql");
/// The advisory lock under which the template is made: the letters "tasktest" as a number.
const TEMPLATE_LOCK: i64 = 0x7461_736b_7465_7374;
/// After how many seconds a test's database counts as one that its test could not drop.
const LEFT_OVER_AFTER: u64 = 3600;

/// Makes a stand-in for Better Auth's `users` table if there is none. For development and tests.
pub async fn create_users_table(database: &Database) -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
    Ok(database.connect().await?.batch_execute(USERS).await?)
}

/// Adds a user of that id if there is none. For development and tests.
pub async fn insert_user(
    database: &Database,
    id: &str,
) -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
    let insert = diesel::sql_query(
        r#"INSERT INTO users ("id", "name", "email", "emailVerified")
           VALUES ($1, $1, $1 || '@example.com', true) ON CONFLICT DO NOTHING"#,
    );
    insert.bind::<Text, _>(id).execute(&mut database.connect().await?).await?;
    Ok(())
}

/// A database of one test's own, dropped with it.
#[derive(Debug)]
pub struct TestDatabase {
    name: String,
    url: String,
    database: Database,
    server: Database,
}

impl TestDatabase {
    /// Copies the template: migrated, with an empty `users`.
    pub async fn new() -> Self {
        let (server_url, server) = server();
        let mut connection = connect(&server).await;
        let template = template(&server, &mut connection).await;
        let copy = Self::named(&server_url, server);
        copy.create(&mut connection, &format!("TEMPLATE {template} STRATEGY file_copy")).await;
        copy
    }

    /// An empty database: no `users`, no migration applied.
    pub async fn empty() -> Self {
        let (server_url, server) = server();
        let mut connection = connect(&server).await;
        let copy = Self::named(&server_url, server);
        copy.create(&mut connection, "").await;
        copy
    }

    fn named(server_url: &str, server: Database) -> Self {
        static COUNTER: AtomicU32 = AtomicU32::new(0);
        let number = COUNTER.fetch_add(1, Ordering::Relaxed);
        let name = format!("task_api_test_{}_{}_{number}", seconds_now(), std::process::id());
        Self { url: url::with_database(server_url, &name), database: server.with_name(&name), name, server }
    }

    async fn create(&self, connection: &mut AsyncPgConnection, how: &str) {
        execute(connection, &format!("CREATE DATABASE {} {how}", self.name)).await;
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
        insert_user(&self.database, id).await.unwrap();
    }

    /// A pool of up to ten connections with generous limits.
    #[must_use]
    pub fn pool(&self) -> PgPool {
        PgPool::new(&self.database, pool_options()).unwrap()
    }

    /// A way to it that the test can block.
    pub async fn proxy(&self) -> Proxy {
        Proxy::new(&self.url).await
    }

    /// Its URL with another address, and the address that it has: for what stands in between.
    #[must_use]
    pub fn detour(&self, address: &str) -> (String, String) {
        url::detour(&self.url, address)
    }

    /// Executes SQL in it, past the service.
    pub async fn execute(&self, sql: &str) {
        execute(&mut connect(&self.database).await, sql).await;
    }

    /// The lines of text that a query of one text column gives, past the service.
    pub async fn lines(&self, sql: &str) -> Vec<String> {
        lines(&mut connect(&self.database).await, sql).await
    }
}

impl Drop for TestDatabase {
    /// Drops the database on a thread and runtime of its own: the test's may be gone, or in no state to wait.
    fn drop(&mut self) {
        let (server, name) = (self.server.clone(), self.name.clone());
        let dropped = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
            runtime.block_on(async {
                let statement = format!("DROP DATABASE IF EXISTS {name} WITH (FORCE)");
                if let Ok(mut connection) = server.connect().await {
                    // A server that the test itself has stopped takes its databases along.
                    let _ = connection.batch_execute(&statement).await;
                }
            });
        });
        let _ = dropped.join();
    }
}

/// What tests give a pool: ten connections, and limits that a busy machine does not reach.
#[must_use]
pub fn pool_options() -> PoolOptions {
    PoolOptions {
        min_idle: 2,
        max: 10,
        max_requests: 10_000,
        wait: Duration::from_secs(20),
        statement_timeout: Duration::from_secs(20),
        lock_timeout: Duration::from_secs(20),
        deadline: Duration::from_secs(30),
        max_age: Duration::from_mins(10),
        session_settings_from_role: false,
    }
}

fn server() -> (String, Database) {
    let url = std::env::var("TEST_DATABASE_URL").unwrap_or_else(|_| {
        panic!("this test needs a PostgreSQL: run `cargo xtask test`, or set TEST_DATABASE_URL to a server of your own")
    });
    let database = Database::parse(&url).unwrap_or_else(|error| panic!("TEST_DATABASE_URL {error}"));
    (url, database)
}

/// Returns the name of the migrated template, which the first to come makes while the others wait.
async fn template(server: &Database, connection: &mut AsyncPgConnection) -> String {
    let mut hasher = DefaultHasher::new();
    (USERS, env!("MIGRATIONS_FINGERPRINT")).hash(&mut hasher);
    let name = format!("task_api_template_{:016x}", hasher.finish());
    if exists(connection, &name).await {
        return name;
    }
    let lock = format!("SELECT pg_advisory_lock({TEMPLATE_LOCK})");
    execute(connection, &lock).await;
    if !exists(connection, &name).await {
        drop_left_over(connection).await;
        let unfinished = format!("{name}_unfinished");
        execute(connection, &format!("DROP DATABASE IF EXISTS {unfinished} WITH (FORCE)")).await;
        execute(connection, &format!("CREATE DATABASE {unfinished}")).await;
        let database = server.with_name(&unfinished);
        create_users_table(&database).await.unwrap();
        migrations::run(&database).await.unwrap();
        // The connections above are closed by their drivers a moment later; a rename waits for none of them.
        let close =
            format!("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{unfinished}'");
        execute(connection, &close).await;
        let mut tries = 0;
        let rename = format!("ALTER DATABASE {unfinished} RENAME TO {name}");
        while let Err(error) = connection.batch_execute(&rename).await {
            assert!(tries < 50, "{error}");
            tries += 1;
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }
    execute(connection, &format!("SELECT pg_advisory_unlock({TEMPLATE_LOCK})")).await;
    name
}

/// Drops the databases of tests that were killed before they could do so themselves.
async fn drop_left_over(connection: &mut AsyncPgConnection) {
    let names = lines(
        connection,
        "SELECT datname::text AS line FROM pg_database WHERE datname LIKE 'task_api_test_%'",
    );
    for name in names.await {
        let born: Option<u64> = name.split('_').nth(3).and_then(|seconds| seconds.parse().ok());
        if born.is_some_and(|born| seconds_now().saturating_sub(born) > LEFT_OVER_AFTER) {
            execute(connection, &format!("DROP DATABASE IF EXISTS {name} WITH (FORCE)")).await;
        }
    }
}

async fn exists(connection: &mut AsyncPgConnection, name: &str) -> bool {
    #[derive(QueryableByName)]
    struct Count {
        #[diesel(sql_type = BigInt)]
        count: i64,
    }
    let count = diesel::sql_query("SELECT count(*) AS count FROM pg_database WHERE datname = $1");
    count.bind::<Text, _>(name).get_result::<Count>(connection).await.unwrap().count > 0
}

async fn lines(connection: &mut AsyncPgConnection, sql: &str) -> Vec<String> {
    #[derive(QueryableByName)]
    struct Line {
        #[diesel(sql_type = Text)]
        line: String,
    }
    diesel::sql_query(sql).load::<Line>(connection).await.unwrap().into_iter().map(|row| row.line).collect()
}

pub(super) async fn connect(database: &Database) -> AsyncPgConnection {
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
