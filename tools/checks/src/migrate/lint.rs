//! The migrations as squawk sees them: whether the release before can serve while they run, and after.

use std::{
    fs,
    path::{Path, PathBuf},
};

use anyhow::{Context as _, bail, ensure};
use serde_json::Value;
use tokio::process::Command;
use tools_kit::{process, tools, workspace};

use crate::migrate::contract::{Finding, judge};

const CONFIGURATION: &str = "tools/checks/migrate/squawk.toml";
const REQUIREMENTS: &str = "tools/checks/migrate/requirements.txt";
/// Migrations that must pass and that must not, each with what is expected in its first line.
const SAMPLES: &str = "tools/checks/migrate/samples";
const EXPECTED: &str = "-- expected: ";
/// What is judged: the migrations, and those that a test runs while the service is under load.
const JUDGED: [&str; 2] = ["migrations", "crates/api/tests/later_migrations/expand"];

/// squawk, and what else there is to know for a judgement.
pub(crate) struct Linter {
    squawk: PathBuf,
    released: Vec<String>,
}

impl Linter {
    /// Installs squawk if that has not been done yet.
    pub(crate) async fn obtain() -> anyhow::Result<Self> {
        let programs = tools::python("squawk", &workspace::root().join(REQUIREMENTS)).await?;
        let changelog = fs::read_to_string(workspace::root().join("CHANGELOG.md"));
        let changelog = changelog.context("cannot read CHANGELOG.md, which names the releases")?;
        Ok(Self { squawk: programs.join("squawk"), released: releases(&changelog) })
    }

    /// Sees that what must be refused is refused, for the reason that it must be, and that the rest passes.
    pub(crate) async fn check_samples(&self) -> anyhow::Result<()> {
        let samples = entries(&workspace::root().join(SAMPLES))?;
        ensure!(!samples.is_empty(), "{SAMPLES} is empty");
        for path in samples {
            let text = read(&path)?;
            let first = text.lines().next().and_then(|line| line.strip_prefix(EXPECTED));
            let expected =
                first.with_context(|| format!("{} does not begin with {EXPECTED:?}", shown(&path)))?;
            // In a transaction PostgreSQL refuses it, and so it is never in one.
            let rules = self.complaints(&path, &text, !text.contains("CONCURRENTLY")).await?;
            let mut rules: Vec<_> = rules.into_iter().map(|complaint| complaint.rule).collect();
            rules.sort_unstable();
            rules.dedup();
            let found = if rules.is_empty() { "nothing".to_owned() } else { rules.join(", ") };
            ensure!(found == expected, "{}: found {found}, expected {expected}", shown(&path));
        }
        Ok(())
    }

    /// Judges every migration, and fails with a line for each thing that must not be.
    pub(crate) async fn check_migrations(&self) -> anyhow::Result<()> {
        let mut lines = Vec::new();
        for folder in migrations()? {
            let path = folder.join("up.sql");
            let text = read(&path)?;
            for Finding { line, rule, message } in
                self.complaints(&path, &text, is_in_transaction(&folder)).await?
            {
                lines.push(format!("{}:{line}: {rule}: {message}", shown(&path)));
            }
        }
        if lines.is_empty() {
            return Ok(());
        }
        bail!(
            "the release before could not serve while this runs, or after (migrations/README.md):\n{}",
            lines.join("\n")
        )
    }

    async fn complaints(
        &self,
        path: &Path,
        text: &str,
        in_transaction: bool,
    ) -> anyhow::Result<Vec<Finding>> {
        let mut squawk = Command::new(&self.squawk);
        squawk.arg("--config").arg(workspace::root().join(CONFIGURATION)).args(["--reporter", "json"]);
        squawk.arg(if in_transaction { "--assume-in-transaction" } else { "--no-assume-in-transaction" });
        // Its exit code tells no finding from a failure; only what it prints does.
        let output = process::output(squawk.arg(path)).await?;
        let said = || String::from_utf8_lossy(&output.stderr).trim().to_owned();
        let findings = serde_json::from_slice(&output.stdout).ok().as_ref().and_then(findings);
        let findings =
            findings.with_context(|| format!("squawk cannot judge {}: {}", shown(path), said()))?;
        Ok(judge(text, findings, &self.released))
    }
}

/// The folders of all that is judged.
fn migrations() -> anyhow::Result<Vec<PathBuf>> {
    let mut folders = Vec::new();
    for place in JUDGED {
        folders.extend(entries(&workspace::root().join(place))?.into_iter().filter(|entry| entry.is_dir()));
    }
    Ok(folders)
}

/// What squawk prints, as findings.
fn findings(report: &Value) -> Option<Vec<Finding>> {
    let text = |entry: &Value, name: &str| entry[name].as_str().map(str::to_owned);
    let finding = |entry: &Value| {
        let line = usize::try_from(entry["line"].as_u64()?).ok()? + 1;
        Some(Finding { line, rule: text(entry, "rule_name")?, message: text(entry, "message")? })
    };
    report.as_array()?.iter().map(finding).collect()
}

/// The versions that were released, by their headlines.
fn releases(changelog: &str) -> Vec<String> {
    let headlines = changelog.lines().filter_map(|line| line.strip_prefix("## [")?.split(']').next());
    headlines.filter(|version| version.starts_with(|c: char| c.is_ascii_digit())).map(str::to_owned).collect()
}

/// Whether `task-api migrate` runs it in a transaction, which is the default.
fn is_in_transaction(folder: &Path) -> bool {
    let metadata = fs::read_to_string(folder.join("metadata.toml")).unwrap_or_default();
    let plain: String = metadata.split_whitespace().collect();
    !plain.contains("run_in_transaction=false")
}

fn entries(folder: &Path) -> anyhow::Result<Vec<PathBuf>> {
    let read = fs::read_dir(folder).and_then(|entries| entries.map(|entry| Ok(entry?.path())).collect());
    let mut paths: Vec<PathBuf> = read.with_context(|| format!("cannot read {}", folder.display()))?;
    paths.sort();
    Ok(paths)
}

fn read(path: &Path) -> anyhow::Result<String> {
    fs::read_to_string(path).with_context(|| format!("cannot read {}", shown(path)))
}

fn shown(path: &Path) -> String {
    path.strip_prefix(workspace::root()).unwrap_or(path).display().to_string()
}

#[cfg(test)]
mod tests {
    use serde_json::json;
    use tools_kit::scratch::Scratch;

    use super::*;

    #[test]
    fn only_what_has_a_number_was_released() {
        let changelog =
            "# Changelog\n\n## [Unreleased]\n\n### Added\n\n## [0.2.0] - 2026-12-01\n\n## [0.1.0]\n";
        assert_eq!(releases(changelog), ["0.2.0", "0.1.0"]);
    }

    #[test]
    fn a_report_is_read_whole_or_not_at_all() {
        let entry =
            json!({ "line": 2, "rule_name": "ban-drop-column", "message": "may break", "file": "up.sql" });
        let finding =
            Finding { line: 3, rule: "ban-drop-column".to_owned(), message: "may break".to_owned() };
        assert_eq!(findings(&json!([entry])), Some(vec![finding]));
        assert_eq!(findings(&json!([])), Some(Vec::new()));
        assert_eq!(findings(&json!([entry, { "line": 3 }])), None);
        assert_eq!(findings(&json!({ "error": "no" })), None);
    }

    #[test]
    fn a_migration_says_itself_that_it_runs_outside_of_a_transaction() {
        let scratch = Scratch::new();
        assert!(is_in_transaction(scratch.path()));
        fs::write(scratch.path().join("metadata.toml"), "run_in_transaction = false\n").unwrap();
        assert!(!is_in_transaction(scratch.path()));
    }
}
