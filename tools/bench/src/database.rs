//! The databases that are measured on: each turn has a fresh copy of the same data.

use anyhow::Context as _;
use task_adapters::{Database, migrations, testing};
use tokio_postgres::Client;
use tools_kit::report;
use tools_postgres::throwaway::{self, ThrowAway};

use crate::data::DataSet;

/// How many tasks one statement makes: it keeps what it writes in memory until its end.
const AT_ONCE: u64 = 500_000;

/// What takes away, and gives back, all that slows down the loading: indexes are made faster, and come out the same for
/// every number of tasks, when they are made of all of them at once.
const INDEXES_AND_CONSTRAINTS: &str = "
    SELECT format('ALTER TABLE tasks DROP CONSTRAINT %I', conname),
           format('ALTER TABLE tasks ADD CONSTRAINT %I %s', conname, pg_get_constraintdef(oid))
    FROM pg_constraint WHERE conrelid = 'tasks'::regclass AND contype IN ('p', 'f')
    UNION ALL
    SELECT format('DROP INDEX %I', indexname), indexdef FROM pg_indexes
    WHERE tablename = 'tasks' AND indexname NOT IN (SELECT conname FROM pg_constraint)";

/// A server with databases of tasks.
pub(crate) struct Store {
    server: ThrowAway,
}

impl Store {
    pub(crate) async fn start() -> anyhow::Result<Self> {
        Ok(Self { server: throwaway::start_durable().await? })
    }

    pub(crate) fn server(&self) -> &ThrowAway {
        &self.server
    }

    pub(crate) async fn version(&self) -> anyhow::Result<String> {
        let client = self.client().await?;
        let row = client.query_one("SHOW server_version", &[]).await;
        Ok(row.context("PostgreSQL does not say its version")?.get(0))
    }

    /// Makes a database with the users, the schema and the tasks of a data set.
    pub(crate) async fn make(&self, name: &str, data: DataSet) -> anyhow::Result<()> {
        // What was changed before is written now, and not while something is measured.
        self.execute(&["CHECKPOINT", &format!("CREATE DATABASE {name}")]).await?;
        let database = Database::parse(&self.server.url_of(name)?)?;
        testing::create_users_table(&database).await.map_err(anyhow::Error::from_boxed)?;
        migrations::run(&database).await?;
        let client = tools_postgres::connect(&self.server.url_of(name)?).await?;
        let step = format!("Making {} tasks of {} users", data.tasks, data.users);
        report::step(&step, load(&client, data)).await
    }

    /// Makes a copy, whatever had that name before.
    pub(crate) async fn copy(&self, template: &str, name: &str) -> anyhow::Result<()> {
        self.drop(name).await?;
        self.execute(&["CHECKPOINT", &format!("CREATE DATABASE {name} TEMPLATE {template}")]).await
    }

    pub(crate) async fn drop(&self, name: &str) -> anyhow::Result<()> {
        self.execute(&[&format!("DROP DATABASE IF EXISTS {name} WITH (FORCE)")]).await
    }

    /// Adds tasks behind those that are there.
    pub(crate) async fn add(&self, name: &str, data: DataSet, first: u64, last: u64) -> anyhow::Result<()> {
        let client = tools_postgres::connect(&self.server.url_of(name)?).await?;
        execute(&client, &data.insert_tasks(first, last)).await?;
        settle(&client, last).await
    }

    /// None of these statements may stand in a transaction, so each is sent by itself.
    async fn execute(&self, statements: &[&str]) -> anyhow::Result<()> {
        let client = self.client().await?;
        for statement in statements {
            execute(&client, statement).await?;
        }
        Ok(())
    }

    async fn client(&self) -> anyhow::Result<Client> {
        tools_postgres::connect(self.server.url()).await
    }
}

async fn load(client: &Client, data: DataSet) -> anyhow::Result<()> {
    execute(client, "SET maintenance_work_mem = '1GB'").await?;
    execute(client, &data.insert_users()).await?;
    let rows =
        client.query(INDEXES_AND_CONSTRAINTS, &[]).await.context("cannot list the indexes of tasks")?;
    for row in &rows {
        execute(client, row.get(0)).await?;
    }
    let mut first = 1;
    while first <= data.tasks {
        let last = data.tasks.min(first + AT_ONCE - 1);
        execute(client, &data.insert_tasks(first, last)).await?;
        first = last + 1;
    }
    for row in &rows {
        execute(client, row.get(1)).await?;
    }
    execute(client, "VACUUM (FREEZE, ANALYZE) users").await?;
    settle(client, data.tasks).await
}

/// Goes on counting behind the last task, and does what autovacuum would.
async fn settle(client: &Client, last: u64) -> anyhow::Result<()> {
    execute(client, &format!("SELECT setval(pg_get_serial_sequence('tasks', 'id'), {last})")).await?;
    execute(client, "VACUUM (FREEZE, ANALYZE) tasks").await
}

async fn execute(client: &Client, statement: &str) -> anyhow::Result<()> {
    let shown = || format!("PostgreSQL refuses `{}`", statement.chars().take(80).collect::<String>());
    client.batch_execute(statement).await.with_context(shown)
}
