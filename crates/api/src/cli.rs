//! The command line of `task-api`.

use clap::{Parser, Subcommand};
use task_ops::{Doctor, Migrate};

/// A small, self-hosted API for tasks on PostgreSQL.
#[derive(Debug, Parser)]
#[command(name = "task-api", version)]
pub struct Cli {
    /// What to do; the default is `serve`.
    #[command(subcommand)]
    pub command: Option<Command>,
}

/// What the program can do.
#[derive(Clone, Debug, Subcommand)]
pub enum Command {
    /// Serve the API until SIGTERM or Ctrl-C.
    Serve,
    /// Change the schema of the database; needs only `DATABASE_URL`, or `DATABASE_DIRECT_URL` behind a pooler.
    #[command(subcommand)]
    Migrate(Migrate),
    /// Examine settings, database, users, keys, clocks and a token, and say how to fix each problem.
    ///
    /// Changes nothing. Exits with 0 if there is no problem, with 1 otherwise.
    Doctor(Doctor),
    /// Check that the service at `HOST` and `PORT` is up.
    ///
    /// For the health check of a container. Exits with 0 if the service is up, with 1 otherwise.
    Health,
    /// Print the OpenAPI document, for `cargo xtask openapi`.
    #[command(hide = true)]
    Openapi,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_comes_from_standard_input_only_and_is_never_repeated() {
        for arguments in [&["task-api", "doctor"][..], &["task-api", "doctor", "--token", "-"]] {
            let Some(Command::Doctor(doctor)) = Cli::try_parse_from(arguments).unwrap().command else {
                panic!("the command is not `doctor`");
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
