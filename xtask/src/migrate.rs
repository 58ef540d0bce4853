//! `cargo xtask migrate`: the schema of the development database, and the migrations themselves.

mod new;

use std::process::ExitCode;

use clap::Subcommand;
use tools_kit::{
    environment::Variables,
    process,
    program::{self, Profile},
};
use tools_postgres::private;

use crate::run_tool::MIGRATE_CHECK;

#[derive(Subcommand)]
pub(crate) enum Command {
    /// Apply every migration that the database lacks
    Run,
    /// Take the last migrations back
    Revert {
        /// How many to take back
        #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u16).range(1..))]
        steps: u16,
    },
    /// Take the last migration back and apply it again
    Redo,
    /// List the migrations and say which of them the database has
    Status,
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
        Command::Run => on_database(&["run"]).await,
        Command::Revert { steps } => on_database(&["revert", "--steps", &steps.to_string()]).await,
        Command::Redo => on_database(&["redo"]).await,
        Command::Status => on_database(&["status"]).await,
        Command::New { name } => new::run(&name).map(|()| ExitCode::SUCCESS),
        Command::Check => MIGRATE_CHECK.run(&[]).await.map(|()| ExitCode::SUCCESS),
    }
}

/// What `task-api migrate` does in a container as well: on `DATABASE_URL`, or else on the private PostgreSQL.
async fn on_database(arguments: &[&str]) -> anyhow::Result<ExitCode> {
    let mut variables = Variables::load()?;
    let program = program::build(Profile::Dev).await?;
    let _server = if variables.get("DATABASE_URL").is_some() {
        None
    } else {
        let server = private::use_or_start().await?;
        variables.use_private_database(server.url());
        Some(server)
    };
    let mut migrate = tokio::process::Command::new(program);
    let done = process::show(migrate.arg("migrate").args(arguments).envs(variables)).await?;
    Ok(if done { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}
