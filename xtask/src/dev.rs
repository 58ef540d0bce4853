//! `cargo xtask dev`: the service on this machine, with everything that it needs.

use std::{
    net::{Ipv4Addr, SocketAddr, TcpListener},
    path::{Path, PathBuf},
    process::ExitCode,
    time::Duration,
};

use anyhow::{Context as _, anyhow, bail};
use tokio::process::Command;
use tools_kit::{
    environment::Variables,
    process::{self, Running},
    program::{self, Profile},
    report,
    stop::{Asked, Stop},
    token,
};
use tools_postgres::{
    private::{self, Private},
    stand_in_users,
};

use crate::run_tool::PROVIDE_USER;

/// How long the token of the printed example is valid: a working day and the evening after it.
const TOKEN_TTL: Duration = Duration::from_hours(24);
/// The port unless PORT or `--port` names one.
const PORT: u16 = 8080;
/// How often the service is asked whether it is up.
const POLL: Duration = Duration::from_millis(20);

#[derive(clap::Args)]
pub(crate) struct Args {
    /// The port to listen on, whatever PORT says; 0 takes any that is free
    #[arg(long, value_name = "N")]
    port: Option<u16>,
}

/// Starts everything, says where it is, and serves until a signal asks it to stop.
pub(crate) async fn run(args: &Args, stop: &mut Stop) -> anyhow::Result<ExitCode> {
    let mut started = tokio::select! {
        started = start(args) => started?,
        asked = stop.requested() => return Ok(asked.exit_code()),
    };
    println!("{}", started.welcome()?);
    started.serve(stop).await
}

/// A service that answers.
struct Started {
    // Dropped in this order: the service ends before its database.
    service: Running,
    address: SocketAddr,
    secret: String,
    user: Option<String>,
    _database: Option<Private>,
}

async fn start(args: &Args) -> anyhow::Result<Started> {
    let mut variables = Variables::load()?;
    variables.refuse_production("nothing is tried out")?;
    let address = SocketAddr::from((Ipv4Addr::LOCALHOST, port(args, &variables)?));
    let program = program::build(Profile::Dev).await?;
    let database = provide_database(&mut variables).await?;
    let secret = variables.token_secret()?;
    variables.set("BETTER_AUTH_SECRET", secret.clone());
    // Whatever a deployment listens on, this is for this machine only.
    variables.set("HOST", "127.0.0.1");
    variables.set("PORT", address.port().to_string());
    let url = variables.get("DATABASE_URL").context("no database was provided")?;
    let user = report::step("Looking for users", provide_user(url)).await;
    let user = user.map_err(|error| explain(&error, database.is_some()))?;
    report::step("Applying migrations", migrate(&program, &variables)).await?;
    let service = serve(&program, variables, address).await?;
    Ok(Started { service, address, secret, user, _database: database })
}

/// The port to listen on, which is free now.
fn port(args: &Args, variables: &Variables) -> anyhow::Result<u16> {
    let port = match (args.port, variables.get("PORT")) {
        (Some(port), _) => port,
        (None, Some(text)) => text.parse().context("PORT must be a number from 0 to 65535")?,
        (None, None) => PORT,
    };
    if port == 0 {
        return process::free_port();
    }
    TcpListener::bind((Ipv4Addr::LOCALHOST, port)).map_err(|error| {
        anyhow!("cannot listen on 127.0.0.1:{port}: {error}: choose another PORT (`--port N` does that for one run)")
    })?;
    Ok(port)
}

/// Makes sure that the variables name a database: the person's own, or else a private one.
async fn provide_database(variables: &mut Variables) -> anyhow::Result<Option<Private>> {
    if variables.get("DATABASE_URL").is_some() {
        report::note("Using the database of DATABASE_URL.");
        return Ok(None);
    }
    let database = private::start().await?;
    variables.use_private_database(database.url());
    Ok(Some(database))
}

/// A user of the database, if it has one. A database on another machine, or one that asks for TLS, is reached by a tool:
/// this program has no TLS.
async fn provide_user(url: &str) -> anyhow::Result<Option<String>> {
    if stand_in_users::is_near(url) {
        return stand_in_users::provide_user(&tools_postgres::connect(url).await?).await;
    }
    let mut tool = Command::from(PROVIDE_USER.command());
    report::note("Compiling the tool that reaches this database (some minutes the first time) ...");
    let told = process::capture_stdout(tool.env("DATABASE_URL", url)).await?;
    Ok(Some(told.trim_end_matches('\n').to_owned()).filter(|user| !user.is_empty()))
}

/// Says what to do about a database that cannot be used.
fn explain(error: &anyhow::Error, is_private: bool) -> anyhow::Error {
    let reason = report::sentence(error);
    if is_private {
        anyhow!("the private PostgreSQL does not answer ({reason}): see .dev/postgres.log")
    } else {
        anyhow!(
            "the database of DATABASE_URL cannot be used ({reason}): start it, correct DATABASE_URL, or unset it to get a private \
             PostgreSQL"
        )
    }
}

async fn migrate(program: &Path, variables: &Variables) -> anyhow::Result<()> {
    let mut migrate = Command::new(program);
    process::capture(migrate.args(["migrate", "run"]).envs(variables.clone())).await.map(drop)
}

/// Starts the service, and waits until it answers.
async fn serve(program: &PathBuf, variables: Variables, address: SocketAddr) -> anyhow::Result<Running> {
    let mut service = Running::spawn(Command::new(program).envs(variables)).context("cannot run task-api")?;
    while !program::is_healthy(address).await {
        if let Some(status) = service.child().try_wait().context("cannot watch task-api")? {
            bail!("task-api ended at its start ({status}): see above");
        }
        tokio::time::sleep(POLL).await;
    }
    Ok(service)
}

impl Started {
    /// What the person needs to go on.
    fn welcome(&self) -> anyhow::Result<String> {
        let address = self.address;
        let example = match &self.user {
            Some(user) => example(address, user, &token::issue(&self.secret, user, TOKEN_TTL)?),
            None => "The table `users` is empty. After a user has signed up, `cargo xtask token --user ID` prints a token for \
                     that user."
                .to_owned(),
        };
        Ok(format!(
            "\nThe Task API is running; Ctrl-C stops it.\n\n  API   http://{address}\n  Docs  http://{address}/docs, \
             http://{address}/redoc\n\n{example}\n"
        ))
    }

    /// Waits for a signal, and then for the service, which first finishes what is in flight. A second signal ends it at once.
    async fn serve(&mut self, stop: &mut Stop) -> anyhow::Result<ExitCode> {
        let asked = tokio::select! {
            ended = self.service.wait() => {
                let status = ended.context("cannot wait for task-api")?;
                anyhow::ensure!(status.success(), "task-api stopped unexpectedly ({status})");
                return Ok(ExitCode::SUCCESS);
            }
            asked = stop.requested() => asked,
        };
        self.service.signal(asked.signal());
        let ended = tokio::select! {
            ended = self.service.wait() => ended.context("cannot wait for task-api")?,
            again = stop.requested() => return Ok(again.exit_code()),
        };
        anyhow::ensure!(ended.success(), "task-api did not end in good order ({ended})");
        Ok(if asked == Asked::HangUp { asked.exit_code() } else { ExitCode::SUCCESS })
    }
}

/// A line that creates a task when it is pasted into another terminal.
fn example(address: SocketAddr, user: &str, token: &str) -> String {
    let segment = stand_in_users::path_segment(user);
    format!(
        "Create a task from another terminal (the token is valid for 24 hours):\n\n  curl -i http://{address}/api/{segment}/tasks \
         -H 'Authorization: Bearer {token}' -H 'Content-Type: application/json' -d '{{\"title\": \"Buy milk\"}}'"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_example_is_one_line_for_any_user() {
        let text = example("127.0.0.1:8080".parse().unwrap(), "it's me", "a.b.c");
        let line = text.lines().find(|line| line.contains("curl")).unwrap();
        assert!(line.contains("http://127.0.0.1:8080/api/it%27s%20me/tasks"), "{line}");
        assert!(line.contains("Bearer a.b.c") && line.ends_with("'{\"title\": \"Buy milk\"}'"), "{line}");
    }

    #[test]
    fn a_port_is_chosen_before_the_service_is_compiled() {
        let taken = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let number = taken.local_addr().unwrap().port();
        let mut variables = Variables::default();
        variables.set("PORT", number.to_string());
        let error = port(&Args { port: None }, &variables).unwrap_err().to_string();
        assert!(error.contains(&number.to_string()) && error.contains("--port N"), "{error}");
        assert_ne!(port(&Args { port: Some(0) }, &variables).unwrap(), 0);
        variables.set("PORT", "many");
        assert!(port(&Args { port: None }, &variables).is_err());
    }
}
