//! `task-api migrate`: applies, reverts and lists migrations.

use clap::Subcommand;
use task_adapters::{
    Database,
    inspection::{Fault, Part},
    migrations::{self, MigrationError},
};

use task_support::Chain;

use crate::database_check::log;

/// The subcommands of `task-api migrate`.
#[derive(Clone, Copy, Debug, Subcommand)]
pub enum Migrate {
    /// Apply all pending migrations.
    Run,
    /// Revert the last migrations.
    Revert {
        /// How many migrations to revert.
        #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u16).range(1..))]
        steps: u16,
    },
    /// Revert the last migration and apply it again.
    Redo,
    /// List the migrations, each as applied or pending.
    Status,
}

/// Runs a subcommand, and returns the lines to print.
///
/// After [`Migrate::Run`] and [`Migrate::Status`] it logs what is wrong with the database, as the start of the service does.
pub async fn migrate(database: &Database, command: Migrate) -> Result<Vec<String>, MigrationError> {
    let lines = carry_out(database, command).await?;
    if matches!(command, Migrate::Run | Migrate::Status) {
        match migrations::faults(database).await {
            Ok(faults) => faults.iter().filter(|fault| !is_pending(fault)).for_each(log),
            // What was done is done, and has to be said.
            Err(error) => {
                tracing::warn!(error = %Chain(&error), "the state of the database cannot be looked at");
            }
        }
    }
    Ok(lines)
}

/// The lines of `status` say that already.
fn is_pending(fault: &Fault) -> bool {
    fault.part == Part::Migrations && !fault.stops_migrations
}

async fn carry_out(database: &Database, command: Migrate) -> Result<Vec<String>, MigrationError> {
    let report = |verb: &str, names: Vec<String>, nothing: &str| match names.as_slice() {
        [] => vec![nothing.to_owned()],
        names => names.iter().map(|name| format!("{verb} {name}")).collect(),
    };
    Ok(match command {
        Migrate::Run => {
            report("applied", migrations::run(database).await?, "nothing to do: the schema is up to date")
        }
        Migrate::Revert { steps } => {
            let reverted = migrations::revert(database, usize::from(steps)).await?;
            report("reverted", reverted, "nothing to do: no migration is applied")
        }
        Migrate::Redo => {
            let redone = migrations::redo(database).await?;
            report("redid", redone.into_iter().collect(), "nothing to do: no migration is applied")
        }
        Migrate::Status => migrations::status(database)
            .await?
            .into_iter()
            .map(|migration| {
                format!("{} {}", if migration.applied { "applied" } else { "pending" }, migration.name)
            })
            .collect(),
    })
}
