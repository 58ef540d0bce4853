#![doc = include_str!("../README.md")]
#![expect(clippy::print_stdout, reason = "the tables are its result")]

mod args;
mod data;
mod database;
mod endurance;
mod fixed_rate;
mod machine;
mod measure;
mod pgbench;
mod plot;
mod requests;
mod sample;
mod scale;
mod subject;
mod workload;
mod workloads;
mod wrk;

use std::{fs, path::Path, process::ExitCode};

use anyhow::{Context as _, ensure};
use clap::Parser;
use serde_json::{Value, json};
use tools_kit::{
    command_line::parse_arguments,
    entry,
    program::{self, Profile},
    report, table, tools,
};

use crate::{args::Args, data::USUAL, database::Store, measure::Workshop, sample::rounded};

/// The part of `cargo xtask` that measures.
#[derive(Parser)]
#[command(name = "cargo xtask", bin_name = "cargo xtask", disable_help_subcommand = true)]
enum Cli {
    /// Measure the service: load on a database of its own, CPU, memory and latency, beside pgbench with the same SQL
    ///
    /// Prints tables, and writes them as JSON and as plots. It needs Linux and takes the machine for some minutes.
    Bench(Args),
}

fn main() -> ExitCode {
    let Cli::Bench(args) = parse_arguments::<Cli>();
    entry::run(async |stop| stop.or(Box::pin(run(&args))).await)
}

/// Measures the release binary with its default settings, on a durable PostgreSQL of its own. A point with one unexpected
/// answer counts for nothing, and fails the run.
async fn run(args: &Args) -> anyhow::Result<ExitCode> {
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
