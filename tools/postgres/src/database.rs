//! The first words with a new server.

use anyhow::Context as _;
use tokio_postgres::{Client, NoTls};

/// Creates a database if there is none of that name.
pub(crate) async fn create_where_missing(server_url: &str, name: &str) -> anyhow::Result<()> {
    let client = connect(server_url).await?;
    let existing = client.query_opt("SELECT 1 FROM pg_database WHERE datname = $1", &[&name]).await;
    if existing.context("cannot list the databases of PostgreSQL")?.is_none() {
        // The name is a constant of ours: it needs no quoting.
        let created = client.batch_execute(&format!("CREATE DATABASE {name}")).await;
        created.with_context(|| format!("cannot create the database {name}"))?;
    }
    Ok(())
}

/// Connects to a server on this machine, without TLS.
pub async fn connect(url: &str) -> anyhow::Result<Client> {
    let (client, connection) =
        tokio_postgres::connect(url, NoTls).await.context("cannot connect to PostgreSQL")?;
    // The connection works beside us, and ends with the client.
    tokio::spawn(connection);
    Ok(client)
}
