//! `cargo xtask fuzz-api`: requests made from the OpenAPI document, valid and invalid, against a running service.

use std::{ffi::OsString, time::Duration};

use anyhow::bail;
use tokio::process::Command;
use tools_kit::{process, report, token, tools, workspace};
use tools_postgres::stand_in_users::DEMO_USER;

use crate::served::Served;

/// Longer than any run: it must not end because its token does.
const TOKEN_TTL: Duration = Duration::from_hours(24);

#[derive(clap::Args)]
pub(crate) struct Args {
    /// How many requests to make up for each operation
    #[arg(long, value_name = "N", default_value_t = 200, value_parser = clap::value_parser!(u32).range(1..))]
    max_examples: u32,
    /// Go on making up requests until that many seconds are over
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    seconds: Option<u32>,
    /// The number that a failed run printed, to make the same requests again
    #[arg(long, value_name = "N")]
    seed: Option<String>,
}

/// Starts a service with an empty database, calls it, and fails if any answer is not as the document says.
pub(crate) async fn run(args: &Args) -> anyhow::Result<()> {
    let folder = workspace::root().join("tools/checks/fuzz-api");
    let programs = tools::python("schemathesis", &folder.join("requirements.txt")).await?;
    let Served { mut service, secret, database: _database } = Served::start().await?;

    report::headline("Requests made from the OpenAPI document");
    let mut schemathesis = Command::new(programs.join("schemathesis"));
    schemathesis
        .arg("--config-file")
        .arg(folder.join("schemathesis.toml"))
        .args(["run", &format!("{}/openapi.json", service.url()), "--checks", "all", "--continue-on-failure"])
        .args(args.for_schemathesis())
        .env("TASK_API_USER", DEMO_USER)
        .env("TASK_API_TOKEN", token::issue(&secret, DEMO_USER, TOKEN_TTL)?)
        .env("SCHEMATHESIS_HOOKS", "hooks")
        .env("PYTHONPATH", &folder)
        .env("PYTHONDONTWRITEBYTECODE", "1")
        // It keeps files in the folder where it runs.
        .current_dir(workspace::dev_dir()?);
    let passed = tokio::select! {
        passed = process::show(&mut schemathesis) => passed?,
        ended = service.ended() => bail!("the service ended while it was called: {}", ended?),
    };
    if !passed {
        if let Some(warning) = service.first_warning() {
            report::note(&format!("The first warning of the service: {warning}"));
        }
        bail!("the service does not answer as its OpenAPI document says: see above, and repeat with --seed");
    }
    Ok(())
}

impl Args {
    fn for_schemathesis(&self) -> Vec<OsString> {
        let mut words = vec!["--max-examples".into(), self.max_examples.to_string().into()];
        if let Some(seconds) = self.seconds {
            words.extend(["--max-time".into(), seconds.to_string().into()]);
        }
        if let Some(seed) = &self.seed {
            words.extend(["--seed".into(), seed.into()]);
        }
        words
    }
}
