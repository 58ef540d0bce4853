//! `cargo xtask dev`: the service on this machine, with everything that it needs.

use std::{net::SocketAddr, process::ExitCode, time::Duration};

use anyhow::{Context as _, anyhow};
use task_adapters::Database;
use task_api::{Settings, startup::Server, telemetry};

use crate::{
    environment::Variables,
    postgres::private::{self, Private},
    report,
    service::{self, User},
    stop::Stop,
    token,
};

/// How long the token of the printed example is valid: a working day and the evening after it.
const TOKEN_TTL: Duration = Duration::from_hours(24);

#[derive(clap::Args)]
pub(crate) struct Args {
    /// The port to listen on, whatever PORT says; 0 takes any that is free
    #[arg(long, value_name = "N")]
    port: Option<u16>,
}

/// Starts everything, says where it is, and serves until somebody asks to stop.
pub(crate) async fn run(args: &Args, stop: &mut Stop) -> anyhow::Result<ExitCode> {
    let started = tokio::select! {
        started = start(args) => started?,
        asked = stop.requested() => return Ok(asked.exit_code()),
    };
    println!("{}", started.welcome()?);
    // The server hears Ctrl-C and SIGTERM itself and first finishes what is in flight. The database outlives it.
    tokio::select! {
        ended = started.server.run() => ended.context("the server stopped unexpectedly")?,
        asked = stop.hung_up() => return Ok(asked.exit_code()),
    }
    Ok(ExitCode::SUCCESS)
}

/// A server that is bound, on a database that is ready.
struct Started {
    server: Server,
    secret: String,
    user: User,
    _database: Option<Private>,
}

async fn start(args: &Args) -> anyhow::Result<Started> {
    let mut variables = Variables::load()?;
    variables.refuse_production("nothing is tried out")?;
    let own_database = provide_database(&mut variables).await?;
    let secret = variables.token_secret()?;
    variables.set("BETTER_AUTH_SECRET", secret.clone());
    // Whatever a deployment listens on, this is for this machine only.
    variables.set("HOST", "127.0.0.1");
    if let Some(port) = args.port {
        variables.set("PORT", port.to_string());
    }
    let settings = Settings::from_variables(variables)?;
    connect(&settings.database, own_database.is_some()).await?;
    let server =
        Server::bind(&settings).map_err(|error| anyhow!("{error} (`--port N` does that for one run)"))?;
    telemetry::init(settings.log_filter.parse().context("LOG_LEVEL cannot be used")?, settings.log_format);
    let user = report::step("Looking for users", service::provide_user(&settings.database)).await?;
    report::step("Applying migrations", service::migrate(&settings.database)).await?;
    Ok(Started { server, secret, user, _database: own_database })
}

/// Makes sure that the variables name a database: the person's own, or else a private one.
async fn provide_database(variables: &mut Variables) -> anyhow::Result<Option<Private>> {
    if variables.get("DATABASE_URL").is_some() {
        report::note("Using the database of DATABASE_URL.");
        return Ok(None);
    }
    let database = private::start().await?;
    variables.set("DATABASE_URL", database.url());
    Ok(Some(database))
}

/// Finds out now whether the database answers, with a word on what to do where it does not.
async fn connect(database: &Database, is_private: bool) -> anyhow::Result<()> {
    let connected = report::step("Connecting to the database", async { Ok(database.connect().await?) }).await;
    connected.map(drop).map_err(|error| {
        let reason = report::sentence(&error);
        if is_private {
            anyhow!("the private PostgreSQL does not answer ({reason}): see .dev/postgres.log")
        } else {
            anyhow!(
                "the database of DATABASE_URL does not answer ({reason}): start it, correct DATABASE_URL, or unset it to \
                 get a private PostgreSQL"
            )
        }
    })
}

impl Started {
    /// What the person needs to go on.
    fn welcome(&self) -> anyhow::Result<String> {
        let address = self.server.addresses().first().context("the server listens nowhere")?;
        let example = match &self.user {
            User::Known(user) => example(*address, user, &token::issue(&self.secret, user, TOKEN_TTL)?),
            User::None => "The table `users` is empty. When somebody has signed up, `cargo xtask token --user ID` prints a \
                           token for them."
                .to_owned(),
        };
        Ok(format!(
            "\nThe Task API is running; Ctrl-C stops it.\n\n  API   http://{address}\n  Docs  http://{address}/docs, \
             http://{address}/redoc\n\n{example}\n"
        ))
    }
}

/// A line that creates a task when it is pasted into another terminal.
fn example(address: SocketAddr, user: &str, token: &str) -> String {
    let segment = service::path_segment(user);
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
}
