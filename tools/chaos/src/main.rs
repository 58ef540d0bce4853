//! `cargo xtask chaos`: bad days, done for real to a service and a durable PostgreSQL of its own, while clients write.
//!
//! The clients keep what they were told. At the end the table is compared with that: what was acknowledged must be there
//! once, and nothing may be there that nobody asked for. Any answer but a success and 503 with `Retry-After` fails the
//! run, and so does a service that does not come back.

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
    postgres::disk,
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

    /// What is done: what was named, or else everything, but for what takes too long for a short run and what cannot be done
    /// on this machine.
    fn faults(&self) -> anyhow::Result<Vec<Fault>> {
        let chosen = self.chosen();
        if !chosen.iter().any(|fault| fault.is_of_disk()) {
            return Ok(chosen);
        }
        let Some(lacking) = disk::lacking() else { return Ok(chosen) };
        let without = format!("without a disk of PostgreSQL's own ({lacking})");
        self.without_disk(chosen, &without)
    }

    fn chosen(&self) -> Vec<Fault> {
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

    /// What is left of it where none has a disk of its own. What was named must not be left out.
    fn without_disk(&self, chosen: Vec<Fault>, why: &str) -> anyhow::Result<Vec<Fault>> {
        let (left_out, done): (Vec<_>, Vec<_>) = chosen.into_iter().partition(|fault| fault.is_of_disk());
        let names = left_out.into_iter().map(Fault::name).collect::<Vec<_>>().join("; ");
        ensure!(self.only.is_empty(), "this cannot be done {why}: {names}");
        report::note(&format!("Left out {why}: {names}"));
        Ok(done)
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_machine_cannot_do_is_left_out_but_not_where_it_was_named() {
        let all = Args::default();
        let done = all.without_disk(all.chosen(), "").unwrap();
        assert_eq!(done.len(), Fault::ALL.len() - 3);
        assert!(!done.iter().any(|fault| fault.is_of_disk()));
        let named = Args { only: vec![Fault::KilledService, Fault::FullDisk], ..Args::default() };
        let error = named.without_disk(named.chosen(), "as somebody else").unwrap_err().to_string();
        assert!(error.contains("as somebody else") && error.contains(Fault::FullDisk.name()), "{error}");
        assert!(!error.contains(Fault::KilledService.name()), "{error}");
    }
}
