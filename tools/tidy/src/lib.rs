#![doc = include_str!("../README.md")]

mod compiled_once;
mod crates;
mod dependencies;
mod imports;
mod links;
mod migrations;
mod paths;
mod rust;
mod sources;
mod variables;
mod violation;
mod words;

use std::fs;

use anyhow::bail;
use tools_kit::workspace;

use self::violation::File;

/// Checks every rule and fails with one line for each violation.
pub async fn check() -> anyhow::Result<()> {
    let paths = workspace::tracked_files().await?;
    let files = paths.iter().filter_map(|path| read(path)).collect::<Vec<_>>();
    let metadata = crates::metadata().await?;
    let mut violations = dependencies::check(&metadata).await?;
    violations.extend(compiled_once::check().await?);
    let crates = crates::of(&metadata);
    violations.extend(crates::arrows(&crates));
    violations.extend(crates::readmes(&crates, &files));
    let folders: Vec<_> = crates.iter().map(|one| one.folder.as_str()).collect();
    violations.extend(imports::check(&folders, &files));
    violations.extend(files.iter().flat_map(sources::check));
    violations.extend(files.iter().flat_map(paths::check));
    violations.extend(migrations::check(&workspace::root().join("migrations")));
    violations.extend(variables::check(&files));
    violations.extend(words::check(&files));
    violations.extend(links::check(&paths, &files));
    if violations.is_empty() {
        return Ok(());
    }
    let lines: Vec<String> = violations.iter().map(ToString::to_string).collect();
    bail!("{} broken:\n{}", if lines.len() == 1 { "a rule is" } else { "rules are" }, lines.join("\n"))
}

/// Reads a file of text. A file that is no text, or that was deleted and not committed yet, has no rules to keep.
fn read(path: &str) -> Option<File> {
    let text = fs::read_to_string(workspace::root().join(path)).ok()?;
    Some(File { path: path.to_owned(), text })
}
