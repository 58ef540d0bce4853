//! `migrate`: what a person or a container asks of the schema, and what is answered.

use clap::Subcommand;
use task_adapters::{
    Database,
    migrations::{self, MigrationError},
};

/// What can be done with migrations.
#[derive(Clone, Copy, Debug, Subcommand)]
pub enum Migrate {
    /// Apply every migration that the database lacks.
    Run,
    /// Take the last migrations back.
    Revert {
        /// How many to take back.
        #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u16).range(1..))]
        steps: u16,
    },
    /// Take the last migration back and apply it again.
    Redo,
    /// List the migrations and say which of them the database has.
    Status,
}

/// Does it and says in lines what was done.
pub async fn migrate(database: &Database, what: Migrate) -> Result<Vec<String>, MigrationError> {
    let said = |verb: &str, names: Vec<String>, nothing: &str| match names.as_slice() {
        [] => vec![nothing.to_owned()],
        names => names.iter().map(|name| format!("{verb} {name}")).collect(),
    };
    Ok(match what {
        Migrate::Run => {
            said("applied", migrations::run(database).await?, "nothing to do: the schema is up to date")
        }
        Migrate::Revert { steps } => {
            let reverted = migrations::revert(database, usize::from(steps)).await?;
            said("reverted", reverted, "nothing to do: no migration is applied")
        }
        Migrate::Redo => {
            let redone = migrations::redo(database).await?;
            said("redid", redone.into_iter().collect(), "nothing to do: no migration is applied")
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
