//! `cargo xtask fuzz-api`: requests made from the OpenAPI document, valid and invalid, against a running service.

use std::{ffi::OsString, process::ExitCode, time::Duration};

use anyhow::{Context as _, bail};
use task_api::{Settings, startup::Server, telemetry};
use tokio::process::Command;

use crate::{
    environment::Variables,
    postgres::throwaway,
    process, report,
    service::{self, DEMO_USER},
    token, tools, workspace,
};

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

impl Args {
    /// What `cargo xtask ci` asks for: about a minute.
    pub(crate) fn bounded() -> Self {
        Self { max_examples: 100, seconds: None, seed: None }
    }
}

pub(crate) async fn run(args: &Args) -> anyhow::Result<ExitCode> {
    check(args).await?;
    Ok(ExitCode::SUCCESS)
}

/// Starts a service with an empty database, calls it, and fails where any answer is not as the document says.
pub(crate) async fn check(args: &Args) -> anyhow::Result<()> {
    let programs =
        tools::python("schemathesis", &workspace::root().join("xtask/fuzz/requirements.txt")).await?;
    let database = throwaway::start().await?;
    let secret = workspace::random_hex(32)?;
    let settings = settings(database.url(), &secret)?;
    telemetry::init(settings.log_filter.parse().context("LOG_LEVEL cannot be used")?, settings.log_format);
    service::provide_user(&settings.database).await?;
    service::migrate(&settings.database).await?;
    let server = Server::bind(&settings)?;
    let address = *server.addresses().first().context("the server listens nowhere")?;

    report::headline("Requests made from the OpenAPI document");
    let mut schemathesis = Command::new(programs.join("schemathesis"));
    schemathesis
        .arg("--config-file")
        .arg(workspace::root().join("xtask/fuzz/schemathesis.toml"))
        .args(["run", &format!("http://{address}/openapi.json"), "--checks", "all", "--continue-on-failure"])
        .args(args.for_schemathesis())
        .env("TASK_API_USER", DEMO_USER)
        .env("TASK_API_TOKEN", token::issue(&secret, DEMO_USER, TOKEN_TTL)?)
        .env("SCHEMATHESIS_HOOKS", "hooks")
        .env("PYTHONPATH", workspace::root().join("xtask/fuzz"))
        .env("PYTHONDONTWRITEBYTECODE", "1")
        // It keeps files in the folder where it runs.
        .current_dir(workspace::dev_dir()?);
    let passed = tokio::select! {
        passed = process::show(&mut schemathesis) => passed?,
        ended = server.run() => bail!("the service ended while it was called: {ended:?}"),
    };
    if !passed {
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

/// Settings of a service that only this run knows of, whatever the person's variables are.
fn settings(database_url: &str, secret: &str) -> anyhow::Result<Settings> {
    let mut variables = Variables::default();
    variables.set("DATABASE_URL", database_url);
    variables.set("BETTER_AUTH_SECRET", secret);
    variables.set("PORT", "0");
    variables.set("LOG_LEVEL", "warn");
    Ok(Settings::from_variables(variables)?)
}
