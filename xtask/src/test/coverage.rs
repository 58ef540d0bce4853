//! How many lines of the service the tests reach.

use anyhow::Context as _;
use serde_json::Value;
use tokio::process::Command;
use tools_kit::{process, tools};

use crate::test::{
    llvm_tools::{self, LlvmTools},
    outcome::Outcome,
    runner::Runner,
};

/// The least share of lines, in hundredths.
const LEAST: f64 = 90.0;
/// The tools are tried by using them; what they print and start is not for unit tests.
const NOT_MEASURED: &str = r"(^|/)(xtask|tools)/";

/// Runs the tests on an instrumented build, prints the share, and fails if it is too small.
pub(crate) async fn run(runner: &Runner) -> anyhow::Result<Outcome> {
    tools::LLVM_COV.ensure().await?;
    let llvm = llvm_tools::obtain().await?;
    // Programs of an earlier build would count as well, and none of their lines would be reached.
    process::capture(&mut llvm_cov(&llvm, &["clean", "--workspace"])).await?;
    let mut outcome = runner.measured(&llvm).await?;
    if outcome.success {
        let mut report =
            llvm_cov(&llvm, &["report", "--json", "--summary-only", "--ignore-filename-regex", NOT_MEASURED]);
        outcome.success = judge(&process::capture(&mut report).await?)?;
    }
    Ok(outcome)
}

/// Prints the share, and if it is too small, the files with most of the missing lines.
fn judge(report: &str) -> anyhow::Result<bool> {
    let report: Value = serde_json::from_str(report).context("the coverage report is not JSON")?;
    let share = share_of_lines(&report)?;
    if share >= LEAST {
        eprintln!("\nCoverage of the service: {share:.2} % of lines (at least {LEAST} %)");
        return Ok(true);
    }
    eprintln!(
        "\nerror: the tests reach {share:.2} % of the lines of the service, not {LEAST} %. Most are missing in:"
    );
    for (file, missing) in most_missing(&report).into_iter().take(8) {
        eprintln!("  {missing:4} lines  {file}");
    }
    Ok(false)
}

fn llvm_cov(llvm: &LlvmTools, arguments: &[&str]) -> Command {
    let mut command = Command::new("cargo");
    command.arg("llvm-cov").args(arguments);
    llvm.apply(&mut command);
    command
}

/// The share of lines in the summary that cargo-llvm-cov writes.
fn share_of_lines(report: &Value) -> anyhow::Result<f64> {
    let share = report.pointer("/data/0/totals/lines/percent").and_then(Value::as_f64);
    share.context("the coverage report names no share of lines")
}

/// The files and how many of their lines no test reaches, the most first.
fn most_missing(report: &Value) -> Vec<(String, u64)> {
    let files = report.pointer("/data/0/files").and_then(Value::as_array).into_iter().flatten();
    let mut missing: Vec<(String, u64)> = files
        .filter_map(|file| {
            let lines = file.pointer("/summary/lines")?;
            let missing = lines["count"].as_u64()?.checked_sub(lines["covered"].as_u64()?)?;
            let name = file["filename"].as_str()?;
            Some((name.split_once("/crates/").map_or(name, |(_, inside)| inside).to_owned(), missing))
        })
        .filter(|(_, missing)| *missing > 0)
        .collect();
    missing.sort_by_key(|(_, missing)| std::cmp::Reverse(*missing));
    missing
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn the_share_is_read_from_the_report() {
        let report =
            json!({ "data": [{ "totals": { "lines": { "count": 200, "covered": 183, "percent": 91.5 } } }] });
        assert!((share_of_lines(&report).unwrap() - 91.5).abs() < 1e-9);
        assert!(judge(&report.to_string()).unwrap());
        assert!(share_of_lines(&json!({})).is_err());
        assert!(judge("").is_err());
    }

    #[test]
    fn the_least_tested_files_come_first() {
        let file = |name: &str, count: u64, covered: u64| json!({ "filename": name, "summary": { "lines": { "count": count, "covered": covered } } });
        let files =
            [file("/x/crates/api/src/a.rs", 9, 8), file("/x/crates/api/src/b.rs", 9, 1), file("c.rs", 9, 9)];
        let report = json!({ "data": [{ "files": files }] });
        assert_eq!(most_missing(&report), [("api/src/b.rs".to_owned(), 8), ("api/src/a.rs".to_owned(), 1)]);
    }
}
