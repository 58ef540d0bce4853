//! The command line of `task-api`.

use clap::{Parser, Subcommand};
use task_ops::{Doctor, Migrate};

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
