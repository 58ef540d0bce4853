use std::{
    fmt,
    sync::{
        Mutex,
        atomic::{AtomicU32, Ordering},
    },
};

use diesel::sql_types::Text;
use diesel_async::{AsyncPgConnection, RunQueryDsl as _, pooled_connection::PoolableConnection as _};

use super::{
    owner::{self, Owner},
    proxy::Proxy,
    sql::{connect, execute, lines, seconds_now},
    template, url,
    users::INSERT_USER,
    waiting::HUNG,
};
use crate::postgres::{
    database::Database,
    pool::{PgPool, options::PoolOptions},
};

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

    /// An empty database in which text has that encoding, such as `SQL_ASCII`.
    pub async fn in_encoding(encoding: &str) -> Self {
        let (server_url, server) = server();
        let connection = connect(&server).await;
        let template = format!("template0 ENCODING '{encoding}' LC_COLLATE 'C' LC_CTYPE 'C'");
        Self::copy(&template, &server_url, server, connection).await
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
        Proxy::new(&self.url).await
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
        min_idle: 2,
        max: 10,
        max_requests: 10_000,
        wait: HUNG,
        statement_timeout: HUNG,
        lock_timeout: HUNG,
        deadline: HUNG,
        max_age: HUNG,
        session_settings_from_role: false,
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
