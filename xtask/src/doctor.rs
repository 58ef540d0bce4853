//! `cargo xtask doctor`: `task-api doctor`, on what `cargo xtask dev` uses.

use std::{
    os::unix::process::CommandExt as _,
    process::{Command, ExitCode},
};

use anyhow::{anyhow, bail};
use tools_kit::{
    environment::Variables,
    program::{self, Profile},
};
use tools_postgres::private;

use crate::run_tool::Arguments;

/// Becomes the doctor, which reads a token from standard input. Returns only if that fails.
pub(crate) async fn run(arguments: &Arguments) -> anyhow::Result<ExitCode> {
    let mut variables = Variables::load()?;
    variables.refuse_production("it is `task-api doctor` that looks at the set-up")?;
    let program = program::build(Profile::Dev).await?;
    let mut doctor = Command::new(program);
    doctor.arg("doctor").args(arguments.all());
    if !arguments.ask_for_help() {
        if variables.get("DATABASE_URL").is_none() {
            let Some(database) = private::use_if_running()? else {
                bail!(
                    "there is no database to look at: start `cargo xtask dev` in another terminal, or set DATABASE_URL"
                )
            };
            variables.use_private_database(database.url());
        }
        let secret = variables.token_secret()?;
        variables.set("BETTER_AUTH_SECRET", secret);
    }
    let error = doctor.envs(variables).exec();
    Err(anyhow!("cannot run task-api: {error}"))
}
