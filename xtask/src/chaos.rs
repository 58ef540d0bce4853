//! `cargo xtask chaos`: bad days, done for real to a service and a durable PostgreSQL of its own, while clients write.
//!
//! The clients keep what they were told. At the end the table is compared with that: what was acknowledged must be there
//! once, and nothing may be there that nobody asked for. Any answer but a success and 503 with `Retry-After` fails the
//! run, and so does a service that does not come back.

mod asking;
mod balancer;
mod bouncer;
mod clients;
mod fault;
mod faults;
mod hostile;
mod ledger;
mod outcome;
pub(crate) mod pooler;
mod replicas;
pub(crate) mod service;
mod soak;
mod store;
pub(crate) mod upgrade;
mod visitors;
mod vitals;

use std::{
    path::PathBuf,
    process::ExitCode,
    time::{Duration, Instant},
};

use anyhow::{Context as _, ensure};
use tokio::time::sleep;

use self::{fault::Fault, faults::Stage, ledger::Ledger, outcome::Outcome, replicas::Pair};
use crate::{
    program::{self, Profile},
    report,
    table::Table,
    workspace,
};

#[derive(clap::Args, Clone, Debug, Default)]
pub(crate) struct Args {
    /// Do each thing a few times only, as `cargo xtask ci` does, to a service that was compiled for development
    #[arg(long)]
    short: bool,
    /// Only these, such as `killed-service,frozen-database`
    #[arg(long, value_name = "FAULTS", value_delimiter = ',')]
    only: Vec<Fault>,
    /// Let faults come at random for that long instead, and look for what grows
    #[arg(long, value_name = "MINUTES", conflicts_with_all = ["short", "only"],
          value_parser = clap::value_parser!(u64).range(soak::SHORTEST_MINUTES..))]
    soak: Option<u64>,
}

impl Args {
    /// What is done before a change lands.
    pub(crate) fn bounded() -> Self {
        Self { short: true, only: Vec::new(), soak: None }
    }

    /// What is done: what was named, or else everything, but for what takes too long for a short run.
    fn faults(&self) -> Vec<Fault> {
        let (done, left_out): (Vec<_>, Vec<_>) = Fault::ALL.into_iter().partition(|fault| {
            if self.only.is_empty() { !(self.short && fault.takes_long()) } else { self.only.contains(fault) }
        });
        if self.only.is_empty() {
            for fault in left_out {
                report::note(&format!("Left out of a short run: {}", fault.name()));
            }
        }
        done
    }
}

pub(crate) async fn run(args: &Args) -> anyhow::Result<ExitCode> {
    match args.soak {
        Some(minutes) => Box::pin(soak::run(minutes)).await?,
        None => check(args).await?,
    }
    Ok(ExitCode::SUCCESS)
}

/// Does it, prints the table, and fails where something was lost or answered as it must not be.
pub(crate) async fn check(args: &Args) -> anyhow::Result<()> {
    let profile = if args.short { Profile::Dev } else { Profile::Release };
    let mut scene =
        Scene { program: program::build(profile).await?, short: args.short, stage: None, pair: None };
    let mut table = Table::new(&Outcome::HEADS);
    let mut failures = Vec::new();
    for fault in args.faults() {
        let outcome = Box::pin(scene.run(fault, fault.times(args.short))).await?;
        table.row(outcome.cells());
        failures.extend(outcome.failures());
    }
    if let Some(pair) = scene.pair {
        pair.end().await?;
    }
    println!("\n{table}");
    ensure!(failures.is_empty(), "what must not happen has happened:\n{}", failures.join("\n"));
    Ok(())
}

/// What the faults are done to, each made when the first fault needs it.
struct Scene {
    program: PathBuf,
    short: bool,
    stage: Option<Stage>,
    pair: Option<Pair>,
}

impl Scene {
    async fn run(&mut self, fault: Fault, times: usize) -> anyhow::Result<Outcome> {
        report::headline(&format!("{}, {times} times", fault.name()));
        match fault {
            Fault::RollingReplacement => replicas::replace(&self.program, times).await,
            Fault::FailOver | Fault::SilentPrimary => {
                if self.pair.is_none() {
                    // There are two processors, and nothing else runs beside what is measured.
                    self.stage = None;
                    self.pair = Some(Pair::start(&self.program).await?);
                }
                let pair = self.pair.as_mut().context("it was just started")?;
                pair.fail_over(fault, times).await
            }
            _ => {
                if self.stage.is_none() {
                    self.stage = Some(Stage::set(&self.program, hostile::crowd(self.short)?).await?);
                }
                let stage = self.stage.as_mut().context("it was just set")?;
                faults::run(stage, fault, times).await
            }
        }
    }
}

/// Says how far it is.
fn tell(name: &str, ledger: &Ledger) {
    report::note(&format!("{}: {} writes were acknowledged", name, ledger.acknowledged()));
}

/// A number below another one, different each time.
fn random_below(limit: u64) -> anyhow::Result<u64> {
    let random = u64::from_str_radix(&workspace::random_hex(4)?, 16).context("no hexadecimal number")?;
    Ok(random % limit)
}

/// Some time, different each time, so that not always the same is under way.
fn pause() -> anyhow::Result<Duration> {
    Ok(Duration::from_millis(100 + random_below(300)?))
}

/// Waits until a write is acknowledged that is sent from now on, and says how long ago `since` was.
async fn until_writing(ledger: &Ledger, since: Instant, limit: Duration) -> anyhow::Result<Duration> {
    let now = Instant::now();
    while !ledger.writes_since(now) {
        ensure!(since.elapsed() < limit, "nothing is written after {} s", limit.as_secs());
        sleep(Duration::from_millis(1)).await;
    }
    Ok(since.elapsed())
}
