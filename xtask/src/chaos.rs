//! `cargo xtask chaos`: bad days, done for real to a service and a durable PostgreSQL of its own, while clients write.
//!
//! The clients keep what they were told. At the end the table is compared with that: what was acknowledged must be there
//! once, and nothing may be there that nobody asked for. Any answer but a success and 503 with `Retry-After` fails the
//! run, and so does a service that does not come back.

mod clients;
mod faults;
mod ledger;
mod service;

use std::{
    process::ExitCode,
    time::{Duration, Instant},
};

use anyhow::Context as _;
use task_adapters::{Database, testing};
use tokio::time::sleep;

use self::{faults::Fault, ledger::Ledger, service::Service};
use crate::{
    postgres::{
        self,
        throwaway::{self, ThrowAway},
    },
    program::{self, Profile},
    report, service as development,
    table::Table,
    token, workspace,
};

/// How long PostgreSQL may take to answer again.
const RECOVERY_LIMIT: Duration = Duration::from_secs(30);
/// How long the tokens of the clients are valid.
const TOKEN_LIFE: Duration = Duration::from_hours(12);

#[derive(clap::Args, Clone, Debug, Default)]
pub(crate) struct Args {
    /// Do each thing a few times only, as `cargo xtask ci` does, to a service that was compiled for development
    #[arg(long)]
    short: bool,
    /// Only these, such as `killed-service,frozen-database`
    #[arg(long, value_name = "FAULTS", value_delimiter = ',')]
    only: Vec<Fault>,
}

impl Args {
    /// What is done before a change lands.
    pub(crate) fn bounded() -> Self {
        Self { short: true, only: Vec::new() }
    }
}

pub(crate) async fn run(args: &Args) -> anyhow::Result<ExitCode> {
    check(args).await?;
    Ok(ExitCode::SUCCESS)
}

/// Does it, prints the table, and fails where something was lost or answered as it must not be.
pub(crate) async fn check(args: &Args) -> anyhow::Result<()> {
    let program = program::build(if args.short { Profile::Dev } else { Profile::Release }).await?;
    let server = throwaway::start_durable().await?;
    let mut stage = Stage::set(server, program).await?;
    let all = [
        Fault::KilledService,
        Fault::EndedService,
        Fault::CrashedDatabase,
        Fault::FrozenDatabase,
        Fault::VanishedClients,
    ];
    let mut table = Table::new(&[
        "fault",
        "times",
        "acknowledged writes",
        "lost",
        "twice",
        "not asked for",
        "answers 503",
        "broken off",
        "longest answer, ms",
        "back after, ms (median)",
        "at most",
    ]);
    let mut failures = Vec::new();
    for fault in all.into_iter().filter(|fault| args.only.is_empty() || args.only.contains(fault)) {
        let outcome = Box::pin(faults::run(&mut stage, fault, args.short)).await?;
        table.row(outcome.cells(fault));
        failures.extend(outcome.failures(fault));
    }
    println!("\n{table}");
    anyhow::ensure!(failures.is_empty(), "what must not happen has happened:\n{}", failures.join("\n"));
    Ok(())
}

/// What the faults are done to.
struct Stage {
    service: Service,
    database: String,
    token: String,
    /// Dropped last: the service ends before its database.
    server: ThrowAway,
}

/// Whose tasks are written.
const USER: &str = "demo";

impl Stage {
    async fn set(server: ThrowAway, program: std::path::PathBuf) -> anyhow::Result<Self> {
        let url = server.url().to_owned();
        let database = Database::parse(&url)?;
        testing::create_users_table(&database).await.map_err(anyhow::Error::from_boxed)?;
        testing::insert_user(&database, USER).await.map_err(anyhow::Error::from_boxed)?;
        development::migrate(&database).await?;
        let secret = workspace::random_hex(32)?;
        let token = token::issue(&secret, USER, TOKEN_LIFE)?;
        let service = Service::start(program, server.folder(), &url, &secret).await?;
        Ok(Self { service, database: url, token, server })
    }

    /// The rows of the one query, as text.
    async fn column(&self, sql: &str) -> anyhow::Result<Vec<String>> {
        let since = Instant::now();
        let client = loop {
            match postgres::connect(&self.database).await {
                Ok(client) => break client,
                // It may have crashed a moment ago.
                Err(_) if since.elapsed() < RECOVERY_LIMIT => sleep(Duration::from_millis(50)).await,
                Err(error) => return Err(error),
            }
        };
        let rows = client.query(sql, &[]).await.with_context(|| format!("PostgreSQL refuses `{sql}`"))?;
        Ok(rows.iter().map(|row| row.get(0)).collect())
    }

    /// The titles of all tasks, each as often as it is there.
    async fn titles(&self) -> anyhow::Result<Vec<String>> {
        self.column("SELECT title FROM tasks").await
    }

    /// The process that all others of PostgreSQL are children of.
    fn postmaster(&self) -> anyhow::Result<i32> {
        i32::try_from(self.server.pid()).context("a process has a small number")
    }

    /// The processes of PostgreSQL that work for the service.
    async fn backends(&self) -> anyhow::Result<Vec<i32>> {
        let sql = "SELECT pid::text FROM pg_stat_activity WHERE application_name = 'task-api' AND pid <> pg_backend_pid()";
        self.column(sql).await?.iter().map(|pid| pid.parse().context("a process has a number")).collect()
    }
}

/// Says how far it is.
fn tell(fault: Fault, ledger: &Ledger) {
    report::note(&format!("{}: {} writes were acknowledged", fault.name(), ledger.acknowledged()));
}
