//! How each tool begins and ends.

use std::{process::ExitCode, time::Duration};

use anyhow::Context as _;

use crate::{report, stop::Stop, workspace};

/// How long threads may take to end when the command is done.
const SHUTDOWN_LIMIT: Duration = Duration::from_secs(2);

/// Runs a command in the root of the checkout, on a runtime of its own, until it is done or a signal asks it to stop. The
/// commands that stop in an order of their own listen to [`Stop`] themselves.
pub fn run(command: impl AsyncFnOnce(&mut Stop) -> anyhow::Result<ExitCode>) -> ExitCode {
    match start(command) {
        Ok(code) => code,
        Err(error) => {
            eprintln!("error: {}", report::sentence(&error));
            ExitCode::FAILURE
        }
    }
}

fn start(command: impl AsyncFnOnce(&mut Stop) -> anyhow::Result<ExitCode>) -> anyhow::Result<ExitCode> {
    workspace::enter()?;
    let runtime = tokio::runtime::Runtime::new().context("cannot start the async runtime")?;
    let outcome = runtime.block_on(async { Box::pin(command(&mut Stop::listen()?)).await });
    // A migration that was interrupted may still wait for its database on a thread of its own.
    runtime.shutdown_timeout(SHUTDOWN_LIMIT);
    outcome
}
