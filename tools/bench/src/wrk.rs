//! wrk, the load generator: as many requests as the service answers, in a closed loop.

use std::path::Path;

use anyhow::{Context as _, ensure};
use serde_json::Value;
use tokio::process::Command;
use tools_kit::{process, report, tools, workspace};

use crate::{
    sample::{Faults, Load},
    workload::Point,
};

/// Longer than the service lets a client wait, so that only what hangs is counted.
const TIMEOUT: &str = "10s";

/// What to send where to, and for how long.
pub(crate) struct Order<'a> {
    pub(crate) url: &'a str,
    pub(crate) requests: &'a Path,
    pub(crate) point: Point,
    pub(crate) seconds: u32,
    pub(crate) seed: u32,
    /// Whether the status of each answer is looked at, which slows the generator down.
    pub(crate) strict: bool,
}

/// Makes sure that wrk is there.
pub(crate) async fn ensure() -> anyhow::Result<()> {
    if is_installed().await {
        return Ok(());
    }
    let installed = report::step("Installing wrk with apt-get", tools::apt_install("wrk")).await;
    installed.context("wrk makes the load: install it (`apt-get install wrk`, `brew install wrk`)")?;
    ensure!(is_installed().await, "wrk was installed and does not run");
    Ok(())
}

/// Asked for its version it prints that, and fails.
async fn is_installed() -> bool {
    let version = process::output(Command::new("wrk").arg("--version")).await;
    version.is_ok_and(|output| String::from_utf8_lossy(&output.stdout).starts_with("wrk "))
}

/// Sends requests, and tells what came of it.
pub(crate) async fn run(order: &Order<'_>) -> anyhow::Result<Load> {
    let workload = order.point.workload;
    let mut wrk = Command::new("wrk");
    wrk.args(["--threads", "1", "--timeout", TIMEOUT])
        .args(["--connections", &order.point.connections.to_string()])
        .args(["--duration", &format!("{}s", order.seconds)])
        .arg("--script")
        .arg(workspace::root().join("tools/bench/requests.lua"))
        .arg(order.url)
        .arg("--")
        .arg(order.requests)
        .args([&order.seed.to_string(), workload.statuses()])
        .args(order.strict.then_some("strict"));
    let words = process::capture(&mut wrk).await?;
    load(&words).with_context(|| format!("wrk does not say what it did, but:\n{}", process::tail(&words, 8)))
}

/// The line of JSON that our script ends with.
fn load(words: &str) -> Option<Load> {
    let line = words.lines().rfind(|line| line.starts_with('{'))?;
    let told: Value = serde_json::from_str(line).ok()?;
    let number = |name: &str| told[name].as_f64();
    let count = |name: &str| told[name].as_u64();
    let faults =
        Faults { status: count("unexpected")?, socket: count("socket")?, timeout: count("timeout")? };
    Some(Load {
        requests: count("requests")?,
        seconds: number("microseconds")? / 1e6,
        p50_ms: number("p50")? / 1e3,
        p95_ms: number("p95")? / 1e3,
        p99_ms: number("p99")? / 1e3,
        faults,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const WORDS: &str = "Running 1s test @ http://127.0.0.1:1\n  1 threads and 100 connections\n\
        {\"requests\":41000,\"microseconds\":1000000,\"unexpected\":0,\"socket\":0,\"timeout\":0,\"p50\":1700,\
        \"p95\":3300,\"p99\":4500}\n";

    #[test]
    fn the_line_of_the_script_is_read_among_the_words_of_wrk() {
        let load = load(WORDS).unwrap();
        assert_eq!((load.requests, load.p50_ms, load.p99_ms), (41_000, 1.7, 4.5));
        assert!((load.rate() - 41_000.0).abs() < 0.1 && load.faults == Faults::default());
    }

    #[test]
    fn every_kind_of_fault_is_read() {
        let words = WORDS
            .replace("\"unexpected\":0", "\"unexpected\":1")
            .replace("\"socket\":0", "\"socket\":2")
            .replace("\"timeout\":0", "\"timeout\":3");
        assert_eq!(load(&words).unwrap().faults, Faults { status: 1, socket: 2, timeout: 3 });
    }

    #[test]
    fn a_wrk_that_says_nothing_has_measured_nothing() {
        assert_eq!(load("Running 1s test\nunable to connect\n"), None);
        assert_eq!(load("{\"requests\":1}"), None);
    }
}
