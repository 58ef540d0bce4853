//! `cargo xtask migrate`: the schema of the development database, and the migrations themselves.

pub(crate) mod check;

mod catalogue;
mod contract;
mod lint;
mod new;
mod schema_file;

use std::process::ExitCode;

use clap::Subcommand;
use task_adapters::Database;
use task_api::cli;

use crate::{environment::Variables, postgres::private};

#[derive(Subcommand)]
pub(crate) enum Command {
    /// What `task-api migrate` does in a container as well: on `DATABASE_URL`, or else on the private PostgreSQL.
    #[command(flatten)]
    Database(cli::Migrate),
    /// Make the two files of a new migration
    New {
        /// What it does, in `snake_case`, such as `add_task_version`
        name: String,
    },
    /// Judge all migrations with squawk, and try them on a throw-away PostgreSQL
    ///
    /// The release before has to be able to serve while they run and afterwards; up, down and up again must leave the same
    /// schema; and `schema.rs` must match. It needs Python 3.10 or later.
    Check,
}

pub(crate) async fn run(command: Command) -> anyhow::Result<ExitCode> {
    match command {
        Command::Database(what) => on_database(what).await?,
        Command::New { name } => new::run(&name)?,
        Command::Check => check::run().await?,
    }
    Ok(ExitCode::SUCCESS)
}

async fn on_database(what: cli::Migrate) -> anyhow::Result<()> {
    let variables = Variables::load()?;
    let (database, _server) = if variables.get("DATABASE_URL").is_some() {
        (task_api::settings::load_database()?, None)
    } else {
        let server = private::use_or_start().await?;
        (Database::parse(server.url())?, Some(server))
    };
    for line in cli::migrate(&database, what).await? {
        println!("{line}");
    }
    Ok(())
}
