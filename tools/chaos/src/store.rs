//! The database that clients write to: prepared for them, and read at the end.

use std::time::{Duration, Instant};

use anyhow::Context as _;
use task_adapters::{Database, migrations, testing};
use tokio::time::sleep;
use tools_kit::{token, workspace};

/// Whose tasks are written.
pub(crate) const USER: &str = "demo";
/// Whose tasks are read, changed and deleted too, and are not compared with the ledger.
pub(crate) const VISITOR: &str = "visitor";
/// How long PostgreSQL may take to answer again.
const RECOVERY_LIMIT: Duration = Duration::from_secs(30);
/// How long the tokens of the clients are valid.
const TOKEN_LIFE: Duration = Duration::from_hours(12);

pub(crate) struct Store {
    url: String,
    secret: String,
    token: String,
    visitor_token: String,
}

impl Store {
    /// Makes the tables, the users, and a token of each.
    pub(crate) async fn prepare(url: String) -> anyhow::Result<Self> {
        let store = Self::with_users(url).await?;
        migrations::run(&Database::parse(&store.url)?).await?;
        Ok(store)
    }

    /// Makes the users and a token of each, and no table of ours.
    pub(crate) async fn with_users(url: String) -> anyhow::Result<Self> {
        let database = Database::parse(&url)?;
        testing::create_users_table(&database).await.map_err(anyhow::Error::from_boxed)?;
        for user in [USER, VISITOR] {
            testing::insert_user(&database, user).await.map_err(anyhow::Error::from_boxed)?;
        }
        let secret = workspace::random_hex(32)?;
        let token = token::issue(&secret, USER, TOKEN_LIFE)?;
        let visitor_token = token::issue(&secret, VISITOR, TOKEN_LIFE)?;
        Ok(Self { url, secret, token, visitor_token })
    }

    pub(crate) fn url(&self) -> &str {
        &self.url
    }

    /// What tokens are signed with.
    pub(crate) fn secret(&self) -> &str {
        &self.secret
    }

    pub(crate) fn token(&self) -> &str {
        &self.token
    }

    pub(crate) fn visitor_token(&self) -> &str {
        &self.visitor_token
    }

    /// The rows of the one query, as text.
    pub(crate) async fn column(&self, sql: &str) -> anyhow::Result<Vec<String>> {
        let since = Instant::now();
        let client = loop {
            match tools_postgres::connect(&self.url).await {
                Ok(client) => break client,
                // It may have crashed a moment ago.
                Err(_) if since.elapsed() < RECOVERY_LIMIT => sleep(Duration::from_millis(50)).await,
                Err(error) => return Err(error),
            }
        };
        let rows = client.query(sql, &[]).await.with_context(|| format!("PostgreSQL refuses `{sql}`"))?;
        Ok(rows.iter().map(|row| row.get(0)).collect())
    }

    /// The titles of all tasks of those who write, each as often as it is there.
    pub(crate) async fn titles(&self) -> anyhow::Result<Vec<String>> {
        self.column(&format!("SELECT title FROM tasks WHERE user_id <> '{VISITOR}'")).await
    }

    /// Takes away what an earlier fault has left.
    pub(crate) async fn empty(&self) -> anyhow::Result<()> {
        let sql = "WITH gone AS (DELETE FROM tasks RETURNING 1) SELECT count(*)::text FROM gone";
        self.column(sql).await.map(drop)
    }
}
