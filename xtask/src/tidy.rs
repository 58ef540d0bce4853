//! `cargo xtask tidy`: the rules of the architecture that neither the compiler nor clippy knows.

mod dependencies;
mod migrations;
mod paths;
mod sources;
mod variables;

use std::{fmt, fs, path::Path, process::ExitCode};

use anyhow::{Context as _, bail};
use tools_kit::workspace;

/// A place where a rule is broken.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Violation {
    /// A file, with a line where that helps.
    place: String,
    /// The rule, and what breaks it.
    rule: String,
}

impl Violation {
    fn new(place: impl Into<String>, rule: impl Into<String>) -> Self {
        Self { place: place.into(), rule: rule.into() }
    }
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.place, self.rule)
    }
}

/// A file of the checkout, its path relative to the root.
struct File {
    path: String,
    text: String,
}

pub(crate) async fn run() -> anyhow::Result<ExitCode> {
    check().await?;
    println!("All rules are kept.");
    Ok(ExitCode::SUCCESS)
}

/// Checks every rule and fails with one line for each violation.
pub(crate) async fn check() -> anyhow::Result<()> {
    let files = workspace::tracked_files().await?.into_iter().filter_map(read).collect::<Vec<_>>();
    let mut violations = dependencies::check().await?;
    violations.extend(files.iter().flat_map(sources::check));
    violations.extend(files.iter().flat_map(paths::check));
    violations.extend(migrations::check(&workspace::root().join("migrations")));
    violations.extend(variables::check(&files));
    if violations.is_empty() {
        return Ok(());
    }
    let lines: Vec<String> = violations.iter().map(ToString::to_string).collect();
    bail!("{} broken:\n{}", if lines.len() == 1 { "a rule is" } else { "rules are" }, lines.join("\n"))
}

/// Reads a file of text. What is no text, or was deleted and not committed yet, has no rules to keep.
fn read(path: String) -> Option<File> {
    let text = fs::read_to_string(workspace::root().join(&path)).ok()?;
    Some(File { path, text })
}

/// A file that a rule needs.
fn required<'a>(files: &'a [File], path: &str) -> Result<&'a File, Violation> {
    files
        .iter()
        .find(|file| file.path == path)
        .ok_or_else(|| Violation::new(path, "is missing, or git does not track it"))
}

/// The entries of a folder, by name.
fn entries(folder: &Path) -> anyhow::Result<Vec<fs::DirEntry>> {
    let read = fs::read_dir(folder).and_then(Iterator::collect::<Result<Vec<_>, _>>);
    let mut entries = read.with_context(|| format!("cannot read {}", folder.display()))?;
    entries.sort_by_key(fs::DirEntry::file_name);
    Ok(entries)
}
