//! `cargo xtask bench`: what the service does in a second, what a request costs, and what memory it takes.
//!
//! It measures the release binary on its default settings, on a durable PostgreSQL of its own. Correctness under load is
//! part of that: a point with a single unexpected answer counts for nothing, and fails the run.

mod data;
mod database;
mod endurance;
mod fixed_rate;
mod machine;
mod measure;
mod pgbench;
mod plot;
mod requests;
pub(crate) mod resources;
mod sample;
mod scale;
mod subject;
mod workload;
mod workloads;
mod wrk;

use std::{
    fs,
    path::{Path, PathBuf},
    process::ExitCode,
};

use anyhow::{Context as _, ensure};
use serde_json::{Value, json};

use self::{data::USUAL, database::Store, measure::Workshop, sample::rounded, workload::Workload};
use crate::{
    program::{self, Profile},
    report, table, tools,
};

#[derive(clap::Args)]
pub(crate) struct Args {
    /// How long each point is measured, in seconds
    #[arg(long, value_name = "N", default_value_t = 5, value_parser = clap::value_parser!(u32).range(1..))]
    seconds: u32,
    /// How long each point runs before that, in seconds; each status is looked at meanwhile
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..))]
    warmup: u32,
    /// How often each point is measured; the median counts
    #[arg(long, value_name = "N", default_value_t = 3, value_parser = clap::value_parser!(u32).range(1..))]
    rounds: u32,
    /// Only these, such as `get,mix`
    #[arg(long, value_name = "NAMES", value_delimiter = ',')]
    workloads: Vec<Workload>,
    /// With so many connections, such as `100,10`; 100, and 10 as well for `get` and `mix`, where it is not given
    #[arg(long, value_name = "N", value_delimiter = ',', value_parser = clap::value_parser!(u32).range(1..=1000))]
    connections: Vec<u32>,
    /// Also measure latency at half of the peak, with requests sent at a fixed rate
    #[arg(long)]
    fixed_rate: bool,
    /// Also measure with ten million tasks in the table (12 GB of disk, and some minutes to make them)
    #[arg(long)]
    scale: bool,
    /// With so many tasks instead
    #[arg(long, value_name = "N", default_value_t = 10_000_000, requires = "scale")]
    #[arg(value_parser = clap::value_parser!(u64).range(data::MANY..))]
    scale_tasks: u64,
    /// Also hold the mix for so many minutes and watch the memory
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=240))]
    minutes: Option<u32>,
    /// Leave out the workloads themselves, for only what `--scale` and `--minutes` ask for
    #[arg(long, conflicts_with = "fixed_rate")]
    no_workloads: bool,
    /// The folder for the results
    #[arg(long, value_name = "FOLDER", default_value = "bench/results")]
    out: PathBuf,
}

pub(crate) async fn run(args: &Args) -> anyhow::Result<ExitCode> {
    ensure!(cfg!(target_os = "linux"), "the measurement reads /proc, which only Linux has: run it there");
    wrk::ensure().await?;
    if args.fixed_rate {
        tools::OHA.ensure().await?;
    }
    let program = program::build(Profile::Release).await?;
    let mut workshop = Workshop::new(program, Store::start().await?)?;
    workshop.store.make(workloads::TEMPLATE, USUAL).await?;
    let mut results = Results::begin(args, &workshop).await?;
    let outcome = measure(&mut workshop, args, &mut results).await;
    // What was measured before something failed is worth keeping.
    results.write(&args.out)?;
    outcome?;
    println!("{}", results.shown.join("\n"));
    report::note(&format!("Written to {}.", args.out.display()));
    if !results.sound {
        report::note(
            "Something was answered as it must not be: what is marked as spoiled counts for nothing.",
        );
        return Ok(ExitCode::FAILURE);
    }
    Ok(ExitCode::SUCCESS)
}

async fn measure(workshop: &mut Workshop, args: &Args, results: &mut Results) -> anyhow::Result<()> {
    if !args.no_workloads {
        let outcome = workloads::run(workshop, args).await?;
        results.add("workloads", outcome.json(), &outcome.table(), outcome.is_sound());
        results.add_start(&outcome);
        results.plots.push(("rates.svg", plot::rates(&outcome)?));
        if args.fixed_rate {
            let outcome = fixed_rate::run(workshop, args, &outcome).await?;
            results.add("fixed_rate", outcome.json(), &outcome.table(), outcome.is_sound());
        }
    }
    if args.scale {
        let outcome = scale::run(workshop, args).await?;
        results.add("scale", outcome.json(), &outcome.table(), outcome.is_sound());
    }
    if let Some(minutes) = args.minutes {
        let outcome = endurance::run(workshop, args, minutes).await?;
        results.add("endurance", outcome.json(), &outcome.table(), outcome.is_sound());
        results.plots.push(("memory.svg", plot::memory(&outcome)?));
    }
    Ok(())
}

/// What was measured so far.
struct Results {
    json: Value,
    shown: Vec<String>,
    plots: Vec<(&'static str, String)>,
    sound: bool,
}

impl Results {
    async fn begin(args: &Args, workshop: &Workshop) -> anyhow::Result<Self> {
        let bytes = fs::metadata(&workshop.program).context("task-api is not where cargo put it")?.len();
        let json = json!({
            "machine": machine::facts(&workshop.store.version().await?).await,
            "settings": {
                "seconds": args.seconds,
                "warmup": args.warmup,
                "rounds": args.rounds,
                "users": USUAL.users,
                "tasks": USUAL.tasks,
            },
            "program": { "bytes": bytes },
        });
        let shown = vec![format!("task-api has {:.1} MB.\n", rounded(megabytes(bytes)))];
        Ok(Self { json, shown, plots: Vec::new(), sound: true })
    }

    fn add(&mut self, name: &str, json: Value, table: &str, sound: bool) {
        self.json[name] = json;
        self.shown.push(table.to_owned());
        self.sound &= sound;
    }

    fn add_start(&mut self, outcome: &workloads::Outcome) {
        let Some(start) = outcome.start() else { return };
        let (milliseconds, rest) = (start.milliseconds, start.rest_mib);
        let members = json!({ "start_ms": rounded(milliseconds), "at_rest_mib": rounded(rest) });
        table::merge(&mut self.json["program"], members);
        self.shown.push(format!(
            "It answers {milliseconds:.0} ms after its start, and takes {rest:.1} MiB at rest.\n"
        ));
    }

    fn write(&self, out: &Path) -> anyhow::Result<()> {
        fs::create_dir_all(out).with_context(|| format!("cannot create {}", out.display()))?;
        let json = serde_json::to_string_pretty(&self.json).context("the results are no JSON")?;
        let files = self.plots.iter().map(|(name, svg)| (*name, svg.clone()));
        for (name, text) in files.chain([("results.json", format!("{json}\n"))]) {
            let path = out.join(name);
            fs::write(&path, text).with_context(|| format!("cannot write {}", path.display()))?;
        }
        Ok(())
    }
}

#[expect(clippy::cast_precision_loss, reason = "no program is that large")]
fn megabytes(bytes: u64) -> f64 {
    bytes as f64 / 1e6
}
