//! How many lines of domain, adapters and api the tests reach.

use anyhow::{Context as _, bail};
use tokio::process::Command;

use super::Outcome;
use super::llvm_tools::{self, LlvmTools};
use super::runner::Runner;
use crate::{process, tools};

/// The least share of lines, in hundredths.
const LEAST: f64 = 90.0;
/// This program is tried by using it; what it prints and starts is not for unit tests.
const NOT_MEASURED: &str = r"(^|/)xtask/";

/// Runs the tests on an instrumented build, prints the share and fails where it is too small.
pub(super) async fn run(runner: &Runner) -> anyhow::Result<Outcome> {
    tools::LLVM_COV.ensure().await?;
    let llvm = llvm_tools::obtain().await?;
    process::capture(&mut llvm_cov(&llvm, &["clean", "--workspace", "--profraw-only"])).await?;
    let mut outcome = runner.measured(&llvm).await?;
    if outcome.success {
        let report =
            llvm_cov(&llvm, &["report", "--json", "--summary-only", "--ignore-filename-regex", NOT_MEASURED]);
        let share = share_of_lines(&process::capture(&mut { report }).await?)?;
        eprintln!("\nCoverage of domain, adapters and api: {share:.2} % of lines (at least {LEAST} %)");
        outcome.success = share >= LEAST;
    }
    Ok(outcome)
}

fn llvm_cov(llvm: &LlvmTools, arguments: &[&str]) -> Command {
    let mut command = Command::new("cargo");
    command.arg("llvm-cov").args(arguments);
    llvm.apply(&mut command);
    command
}

/// The share of lines in the summary that cargo-llvm-cov writes.
fn share_of_lines(report: &str) -> anyhow::Result<f64> {
    let report: serde_json::Value =
        serde_json::from_str(report).context("the coverage report is not JSON")?;
    match report.pointer("/data/0/totals/lines/percent").and_then(serde_json::Value::as_f64) {
        Some(share) => Ok(share),
        None => bail!("the coverage report names no share of lines"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_share_is_read_from_the_report() {
        let report = r#"{"data":[{"totals":{"lines":{"count":200,"covered":183,"percent":91.5}}}]}"#;
        assert!((share_of_lines(report).unwrap() - 91.5).abs() < 1e-9);
        assert!(share_of_lines("{}").is_err());
        assert!(share_of_lines("").is_err());
    }
}
