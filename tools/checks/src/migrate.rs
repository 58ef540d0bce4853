//! `cargo xtask migrate check`: the migrations suit the release before, go up, down and up again, and the code knows what
//! they make.

mod catalogue;
mod contract;
mod lint;
mod schema_file;

use std::fs;

use anyhow::{Context as _, bail, ensure};
use task_adapters::{Database, migrations, testing};
use tokio_postgres::Client;
use tools_kit::{report, workspace};
use tools_postgres::{connect, throwaway};

use crate::migrate::lint::Linter;

const SCHEMA_FILE: &str = "crates/adapters/src/schema.rs";

/// Judges everything, and tries it on a throw-away server.
pub(crate) async fn run() -> anyhow::Result<()> {
    let linter = Linter::obtain().await?;
    // First whether the judge is awake: a rule that a new version of squawk no longer knows would let everything pass.
    report::step("Judging samples, good and bad", linter.check_samples()).await?;
    report::step("Judging the migrations", linter.check_migrations()).await?;
    let server = throwaway::start().await?;
    let database =
        Database::parse(server.url()).context("the address of the throw-away PostgreSQL is wrong")?;
    let client = connect(server.url()).await?;
    testing::create_users_table(&database).await.map_err(anyhow::Error::from_boxed)?;
    report::step("Applying, reverting and applying again", up_down_up(&database, &client)).await?;
    report::step(&format!("Comparing {SCHEMA_FILE}"), compare_schema(&client)).await
}

async fn up_down_up(database: &Database, client: &Client) -> anyhow::Result<()> {
    let empty = catalogue::describe(client).await?;
    let count = migrations::run(database).await?.len();
    let whole = catalogue::describe(client).await?;
    // Each migration is tried with all that come after it, so that a fault is found beside the one that has it.
    for steps in 1..=count {
        let reverted = migrations::revert(database, steps).await?;
        ensure!(reverted.len() == steps, "only {} of {steps} migrations could be reverted", reverted.len());
        if steps == count {
            same(
                &empty,
                &catalogue::describe(client).await?,
                "reverting everything leaves something behind",
            )?;
        }
        migrations::run(database).await?;
        let oldest = reverted.last().map_or("", String::as_str);
        same(
            &whole,
            &catalogue::describe(client).await?,
            &format!("reverting {oldest} and applying it again changes the schema"),
        )?;
    }
    Ok(())
}

fn same(first: &[String], second: &[String], what: &str) -> anyhow::Result<()> {
    let difference = catalogue::difference(first, second);
    if difference.is_empty() {
        return Ok(());
    }
    bail!("{what}; correct its down.sql or up.sql:\n{}", difference.join("\n"))
}

async fn compare_schema(client: &Client) -> anyhow::Result<()> {
    let path = workspace::root().join(SCHEMA_FILE);
    let source = fs::read_to_string(&path).with_context(|| format!("cannot read {SCHEMA_FILE}"))?;
    let differences = schema_file::compare(&source, &catalogue::tables(client).await?)?;
    if differences.is_empty() {
        return Ok(());
    }
    bail!("{SCHEMA_FILE} is not what the migrations make; correct it:\n{}", differences.join("\n"))
}
