//! The command line of `task-api`; `cargo xtask` shares its migrations and its doctor.

use std::{
    ffi::OsStr,
    io::{self, Read},
};

use clap::{Arg, Args, Error, Parser, Subcommand, builder::TypedValueParser, error::ErrorKind};
use task_adapters::{
    Database,
    migrations::{self, MigrationError},
};

/// A small, self-hosted API for tasks on PostgreSQL.
#[derive(Debug, Parser)]
#[command(name = "task-api", version)]
pub struct Cli {
    /// What to do; serves the API unless it is given.
    #[command(subcommand)]
    pub command: Option<Command>,
}

/// What the program can do.
#[derive(Clone, Debug, Subcommand)]
pub enum Command {
    /// Serve the API until SIGTERM or Ctrl-C.
    Serve,
    /// Change the database's schema; needs `DATABASE_URL` only, or `DATABASE_DIRECT_URL` where a pooler is in between.
    #[command(subcommand)]
    Migrate(Migrate),
    /// Look at settings, database, users, keys, clocks and a token, and say what to change where something is wrong.
    ///
    /// Changes nothing. Exits with 0 where there is no problem, and with 1 where there is one.
    Doctor(Doctor),
    /// Ask the service that runs beside this, at `HOST` and `PORT`, whether it is up.
    ///
    /// For the health check of a container. Exits with 0 where it is, and with 1 where it is not.
    Health,
    /// Print the OpenAPI document, for `cargo xtask openapi`.
    #[command(hide = true)]
    Openapi,
}

/// What the doctor is to look at besides the set-up.
#[derive(Clone, Copy, Debug, Args)]
pub struct Doctor {
    /// Judge the token on standard input as well; `-` is the only value, since a token on the command line would be kept
    /// in the shell's history.
    #[arg(long, value_name = "-", value_parser = StandardInputOnly)]
    pub token: Option<StandardInput>,
}

/// How much of standard input is read, in bytes: more than any token that is sent in a header.
const MAX_TOKEN_BYTES: u64 = 1024 * 1024;

impl Doctor {
    /// What stands on standard input, where the token is to be read from there.
    pub fn token(self) -> io::Result<Option<String>> {
        if self.token.is_none() {
            return Ok(None);
        }
        let mut bytes = Vec::new();
        io::stdin().lock().take(MAX_TOKEN_BYTES).read_to_end(&mut bytes)?;
        Ok(Some(String::from_utf8_lossy(&bytes).into_owned()))
    }
}

/// Standard input, written as `-`.
#[derive(Clone, Copy, Debug)]
pub struct StandardInput;

/// Refuses everything but `-`, and repeats nothing of it: clap's own refusal would show the token.
#[derive(Clone, Copy)]
struct StandardInputOnly;

impl TypedValueParser for StandardInputOnly {
    type Value = StandardInput;

    fn parse_ref(&self, _: &clap::Command, _: Option<&Arg>, value: &OsStr) -> Result<StandardInput, Error> {
        if value == "-" {
            return Ok(StandardInput);
        }
        let sentence = "a token is not taken from the command line, where it would land in the shell's history: write \
                        `--token -` and send the token to standard input. If this was a real token, remove the line from the \
                        history\n";
        Err(Error::raw(ErrorKind::InvalidValue, sentence))
    }
}

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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_is_taken_from_standard_input_only_and_never_repeated() {
        for arguments in [&["task-api", "doctor"][..], &["task-api", "doctor", "--token", "-"]] {
            let Some(Command::Doctor(doctor)) = Cli::try_parse_from(arguments).unwrap().command else {
                panic!("it is the doctor");
            };
            assert_eq!(doctor.token.is_some(), arguments.len() > 2);
        }
        for value in ["eyJhbGciOiJIUzI1NiJ9.e30.c2lnbmF0dXJl", "--", "", "token.txt"] {
            let error = Cli::try_parse_from(["task-api", "doctor", &format!("--token={value}")]).unwrap_err();
            let text = error.to_string();
            assert!(text.contains("shell's history") && text.contains("`--token -`"), "{text}");
            assert!(value.is_empty() || value == "--" || !text.contains(value), "{text}");
            assert_eq!(error.exit_code(), 2);
        }
    }
}
