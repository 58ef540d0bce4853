//! `cargo xtask test`: every test of the project, with the database that they need.

mod coverage;
mod llvm_tools;
mod outcome;
mod runner;
mod totals;

use std::process::ExitCode;

use tools_kit::report;
use tools_postgres::throwaway::{self, ThrowAway};

pub(crate) use self::outcome::Outcome;
use self::runner::Runner;

#[derive(clap::Args)]
pub(crate) struct Args {
    /// Measure how much of the code the tests reach, and fail under 90 % of the lines of the service
    #[arg(long)]
    coverage: bool,
    /// Goes to the test runner as it is: `-- -p task-domain` for one crate, `-- title` for tests of that name
    #[arg(last = true, value_name = "ARGUMENTS")]
    arguments: Vec<String>,
}

impl Args {
    /// What `cargo xtask ci` asks for.
    pub(crate) fn with_coverage() -> Self {
        Self { coverage: true, arguments: Vec::new() }
    }
}

/// Runs the tests and ends with a line of totals, alone and in the form `N passed, N failed`.
pub(crate) async fn run(args: &Args) -> anyhow::Result<ExitCode> {
    let outcome = run_tests(args).await?;
    println!("{}", outcome.totals);
    Ok(if outcome.success { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// Runs the tests and leaves the line of totals to the caller.
pub(crate) async fn run_tests(args: &Args) -> anyhow::Result<Outcome> {
    let database = TestServer::obtain().await?;
    let encrypted = encrypted().await;
    let tls_url = encrypted.as_ref().map(ThrowAway::url);
    let runner = Runner::new(database.url(), tls_url, &args.arguments).await;
    let mut outcome = if args.coverage { coverage::run(&runner).await? } else { runner.run().await? };
    // A person who picks tests means tests of the runner: it has no examples of the documentation to pick from.
    if args.arguments.is_empty() {
        let examples = runner.documentation().await?;
        outcome.totals += examples.totals;
        outcome.success &= examples.success;
    }
    drop((database, encrypted));
    eprintln!();
    Ok(outcome)
}

/// A server that speaks TLS, whatever the other one does. If there can be none, its tests fail and the others do not.
async fn encrypted() -> Option<ThrowAway> {
    match throwaway::start_encrypted().await {
        Ok(server) => Some(server),
        Err(error) => {
            report::note(&format!(
                "The tests of TLS will fail: no PostgreSQL with TLS could be started, for which PG_BIN_DIR may name one that \
                 was built with OpenSSL. {}",
                report::sentence(&error)
            ));
            None
        }
    }
}

/// The server on which tests make databases of their own.
enum TestServer {
    TheirOwn(String),
    Ours(Box<ThrowAway>),
}

impl TestServer {
    async fn obtain() -> anyhow::Result<Self> {
        match std::env::var("TEST_DATABASE_URL") {
            Ok(url) if !url.trim().is_empty() => {
                report::note("Using the PostgreSQL of TEST_DATABASE_URL.");
                Ok(Self::TheirOwn(url))
            }
            _ => Ok(Self::Ours(Box::new(throwaway::start().await?))),
        }
    }

    fn url(&self) -> &str {
        match self {
            Self::TheirOwn(url) => url,
            Self::Ours(server) => server.url(),
        }
    }
}
