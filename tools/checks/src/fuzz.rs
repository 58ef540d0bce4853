//! `cargo xtask fuzz`: cargo-fuzz on each parser, guided by the code that each input reaches.
//!
//! `tools/fuzzing` has the targets and what must hold. cargo-fuzz makes a program of each, in the workspace `tools/fuzz`.

mod outcome;

use std::{
    path::{Path, PathBuf},
    process::ExitCode,
    sync::Arc,
};

use anyhow::{Context as _, bail, ensure};
use tokio::{process::Command, sync::Semaphore, task::JoinSet};
use tools_kit::{
    process, report,
    table::{Table, whole},
    tools, workspace,
};

use self::outcome::Outcome;

/// How an input may go wrong without a panic: it takes longer than 10 seconds, or needs more than 2 GB.
const LIMITS: [&str; 2] = ["-timeout=10", "-rss_limit_mb=2048"];

#[derive(clap::Args)]
pub(crate) struct Args {
    /// Which targets: all of them unless some are named
    #[arg(value_name = "TARGET")]
    targets: Vec<String>,
    /// For how many seconds each target is called
    #[arg(long, value_name = "N", default_value_t = 600, value_parser = clap::value_parser!(u32).range(1..))]
    seconds: u32,
    /// How many targets are called at the same time
    #[arg(long, value_name = "N", default_value_t = 2, value_parser = clap::value_parser!(u32).range(1..))]
    jobs: u32,
}

/// Calls the targets, and fails if one of them has found something.
pub(crate) async fn run(args: &Args) -> anyhow::Result<ExitCode> {
    let known = targets(&workspace::root().join("tools/fuzz/fuzz_targets"))?;
    if let Some(unknown) = args.targets.iter().find(|target| !known.contains(target)) {
        bail!("there is no target `{unknown}`; there are {}", known.join(", "));
    }
    let chosen = if args.targets.is_empty() { &known } else { &args.targets };
    tools::FUZZ.ensure().await?;
    report::step("Building the targets (some minutes, the first time)", build(chosen)).await?;

    let outcomes = call(chosen, args).await?;
    println!("{}", shown(&outcomes));
    let found: Vec<_> = outcomes.iter().filter(|(_, outcome)| outcome.failure.is_some()).collect();
    for (target, outcome) in &found {
        println!("{target}: {}", outcome.failure.as_deref().unwrap_or_default());
    }
    Ok(if found.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// The names of the targets, in order.
fn targets(folder: &Path) -> anyhow::Result<Vec<String>> {
    let entries = std::fs::read_dir(folder).with_context(|| format!("cannot read {}", folder.display()))?;
    let names = entries.filter_map(|entry| Some(entry.ok()?.path().file_stem()?.to_str()?.to_owned()));
    let mut names: Vec<_> = names.collect();
    names.sort();
    Ok(names)
}

/// What cargo-fuzz is given each time. There is no unsafe code of ours that `AddressSanitizer` would watch, and without it
/// the ordinary compiler does; and what we use is to be compiled as it is used.
fn cargo_fuzz(subcommand: &str) -> Command {
    let mut command = Command::new("cargo");
    command.args([
        "fuzz",
        subcommand,
        "--sanitizer",
        "none",
        "--no-cfg-fuzzing",
        "--fuzz-dir",
        "tools/fuzz",
        "--target-dir",
    ]);
    command.arg(target_dir()).current_dir(workspace::root());
    command
}

/// Where the programs are built: apart from everything else, which is compiled in another way.
fn target_dir() -> PathBuf {
    let all = std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| "target".into(), PathBuf::from);
    workspace::root().join(all).join("fuzz")
}

async fn build(targets: &[String]) -> anyhow::Result<()> {
    for target in targets {
        process::capture(cargo_fuzz("build").arg(target)).await?;
    }
    Ok(())
}

/// Calls some targets at a time, and returns what came of each in the order of their names.
async fn call(targets: &[String], args: &Args) -> anyhow::Result<Vec<(String, Outcome)>> {
    let places = Arc::new(Semaphore::new(args.jobs as usize));
    let mut running = JoinSet::new();
    for target in targets.iter().cloned() {
        let (places, seconds) = (Arc::clone(&places), args.seconds);
        running.spawn(async move {
            let _place = places.acquire_owned().await?;
            let outcome = call_one(&target, seconds).await?;
            report::note(&format!("{target}: {} executions", whole(outcome.executions)));
            Ok::<_, anyhow::Error>((target, outcome))
        });
    }
    let mut outcomes = Vec::new();
    while let Some(ended) = running.join_next().await {
        outcomes.push(ended.context("a run broke off")??);
    }
    outcomes.sort_by(|(one, _), (other, _)| one.cmp(other));
    Ok(outcomes)
}

async fn call_one(target: &str, seconds: u32) -> anyhow::Result<Outcome> {
    let corpus = format!("tools/fuzz/corpus/{target}");
    std::fs::create_dir_all(workspace::root().join(&corpus))
        .with_context(|| format!("cannot create {corpus}"))?;
    let mut command = cargo_fuzz("run");
    // What is found goes into the first of the folders.
    command.args([target, &corpus, &format!("tools/fuzz/seeds/{target}"), "--"]);
    command
        .args([format!("-max_total_time={seconds}"), format!("-dict=tools/fuzz/dictionaries/{target}.txt")]);
    command.args(LIMITS).arg("-print_final_stats=1");
    let output = process::output(&mut command).await?;
    let told = String::from_utf8_lossy(&output.stderr);
    let outcome = Outcome::of(&told, output.status.success());
    ensure!(outcome.executions > 0.0, "{target} did not run:\n{}", process::tail(&told, 12));
    Ok(outcome)
}

fn shown(outcomes: &[(String, Outcome)]) -> Table {
    let head = [
        "target",
        "executions",
        "per second",
        "edges of the seeds",
        "edges at the end",
        "corpus",
        "failures",
    ];
    let mut table = Table::new(&head);
    for (target, outcome) in outcomes {
        let numbers = [outcome.executions, outcome.per_second, outcome.edges_of_seeds, outcome.edges];
        let failures = if outcome.failure.is_some() { "1" } else { "0" };
        let mut cells = vec![target.clone()];
        cells.extend(numbers.map(whole));
        cells.extend([whole(outcome.corpus), failures.to_owned()]);
        table.row(cells);
    }
    table
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_targets_are_known_by_their_programs() {
        let known = targets(&workspace::root().join("tools/fuzz/fuzz_targets")).unwrap();
        assert!(known.contains(&"token".to_owned()) && known.is_sorted(), "{known:?}");
    }
}
