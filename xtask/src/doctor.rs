//! `cargo xtask doctor`: what `task-api doctor` does, on what `cargo xtask dev` uses.

use std::process::ExitCode;

use anyhow::{Context as _, bail};
use task_api::{Settings, cli::Doctor, doctor};

use crate::{environment::Variables, postgres::private};

pub(crate) async fn run(what: Doctor) -> anyhow::Result<ExitCode> {
    let mut variables = Variables::load()?;
    variables.refuse_production("it is `task-api doctor` that looks at the set-up")?;
    if variables.get("DATABASE_URL").is_none() {
        let Some(database) = private::use_if_running()? else {
            bail!(
                "there is no database to look at: start `cargo xtask dev` in another terminal, or set DATABASE_URL"
            )
        };
        variables.set("DATABASE_URL", database.url());
    }
    let secret = variables.token_secret()?;
    variables.set("BETTER_AUTH_SECRET", secret);
    // On a thread of its own, so that Ctrl-C is heard while nothing comes.
    let token =
        tokio::task::spawn_blocking(move || what.token()).await?.context("standard input cannot be read")?;
    let report = doctor::examine(Settings::from_variables(variables), token.as_deref()).await;
    println!("{report}");
    Ok(if report.is_good() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}
