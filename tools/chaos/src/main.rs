#![doc = include_str!("../README.md")]
#![expect(clippy::print_stdout, reason = "the table is its result")]

mod args;
mod asking;
mod balancer;
mod bouncer;
mod clients;
mod disks;
mod fault;
mod faults;
mod hostile;
mod ledger;
mod onlookers;
mod outcome;
mod overload;
mod pause;
mod pooler;
mod replicas;
mod soak;
mod stage;
mod store;
mod upgrade;
mod vanish;
mod visitors;
mod vitals;

use std::{path::PathBuf, process::ExitCode};

use anyhow::{Context as _, ensure};
use clap::Parser;
use tools_kit::{
    command_line::parse_arguments,
    entry,
    program::{self, Profile},
    report,
    table::Table,
};

use crate::{args::Args, fault::Fault, outcome::Outcome, replicas::Pair, stage::Stage};

/// The part of `cargo xtask` that injects faults.
#[derive(Parser)]
#[command(name = "cargo xtask", bin_name = "cargo xtask", disable_help_subcommand = true)]
enum Cli {
    /// Inject faults into a service of its own while clients write, and check that nothing is lost
    ///
    /// Kills and ends the service, crashes and freezes its PostgreSQL, lets clients disconnect; then compares what is in the
    /// table with what was acknowledged.
    Chaos(Args),
    /// Try the service behind PgBouncer in transaction mode: one that loses prepared statements, and one that keeps them
    Pooler(pooler::Args),
    /// Change from the program of an earlier release to this one and back while clients work, and check that nothing fails
    Upgrade(upgrade::Args),
}

fn main() -> ExitCode {
    let cli: Cli = parse_arguments();
    entry::run(async |stop| {
        stop.or(async {
            match &cli {
                Cli::Chaos(args) => Box::pin(run(args)).await,
                Cli::Pooler(args) => Box::pin(pooler::run(args)).await,
                Cli::Upgrade(args) => Box::pin(upgrade::run(args)).await,
            }
        })
        .await
    })
}

async fn run(args: &Args) -> anyhow::Result<ExitCode> {
    match args.soak {
        Some(minutes) => Box::pin(soak::run(minutes)).await?,
        None => check(args).await?,
    }
    Ok(ExitCode::SUCCESS)
}

/// Injects the faults, prints the table, and fails if something was lost or answered as it must not be.
async fn check(args: &Args) -> anyhow::Result<()> {
    let faults = args.faults()?;
    let profile = if args.short { Profile::Dev } else { Profile::Release };
    let mut scene =
        Scene { program: program::build(profile).await?, short: args.short, stage: None, pair: None };
    let mut table = Table::new(&Outcome::HEADS);
    let mut failures = Vec::new();
    for fault in faults {
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
                if self.stage.as_ref().is_none_or(|stage| stage.has_disk() != fault.is_of_disk()) {
                    // It ends before another one begins.
                    self.stage = None;
                    let crowd = hostile::crowd(self.short)?;
                    self.stage = Some(if fault.is_of_disk() {
                        Stage::set_on_small_disk(&self.program, crowd).await?
                    } else {
                        Stage::set(&self.program, crowd).await?
                    });
                }
                let stage = self.stage.as_mut().context("it was just set")?;
                faults::run(stage, fault, times).await
            }
        }
    }
}
