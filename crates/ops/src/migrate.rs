//! `task-api migrate`: applies, reverts and lists migrations.

use clap::Subcommand;
use task_adapters::{
    Database,
    migrations::{self, MigrationError},
};

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
pub async fn migrate(database: &Database, command: Migrate) -> Result<Vec<String>, MigrationError> {
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
