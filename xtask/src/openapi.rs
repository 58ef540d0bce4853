//! `cargo xtask openapi`: the checked-in OpenAPI document, which is generated from the code.

use std::{fs, process::ExitCode};

use anyhow::{Context as _, bail};
use tokio::process::Command;
use tools_kit::{
    process,
    program::{self, Profile},
    workspace,
};

const FILE: &str = "docs/openapi.json";

#[derive(clap::Args)]
pub(crate) struct Args {
    /// Change nothing, and fail if the file is not what the code says
    #[arg(long)]
    check: bool,
}

pub(crate) async fn run(args: &Args) -> anyhow::Result<ExitCode> {
    if args.check {
        check().await?;
        println!("{FILE} is what the code says.");
    } else {
        write().await?;
    }
    Ok(ExitCode::SUCCESS)
}

async fn write() -> anyhow::Result<()> {
    let path = workspace::root().join(FILE);
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder).with_context(|| format!("cannot create {}", folder.display()))?;
    }
    fs::write(&path, generated().await?).with_context(|| format!("cannot write {FILE}"))?;
    println!("Wrote {FILE}.");
    Ok(())
}

/// Fails if the file and the code differ.
pub(crate) async fn check() -> anyhow::Result<()> {
    let kept = fs::read_to_string(workspace::root().join(FILE));
    let kept = kept.with_context(|| format!("cannot read {FILE}: write it with `cargo xtask openapi`"))?;
    if let Some((number, code)) = first_difference(&kept, &generated().await?) {
        bail!(
            "{FILE} differs from the code, first in line {number}, where the code says {code:?}: run `cargo xtask openapi`"
        );
    }
    Ok(())
}

async fn generated() -> anyhow::Result<String> {
    let program = program::build(Profile::Dev).await?;
    process::capture(Command::new(program).arg("openapi")).await
}

/// The number of the first line that differs, and what the second text has there.
fn first_difference(first: &str, second: &str) -> Option<(usize, String)> {
    if first == second {
        return None;
    }
    let same = first.lines().zip(second.lines()).take_while(|(first, second)| first == second).count();
    Some((same + 1, second.lines().nth(same).unwrap_or("").trim().to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_difference_is_found() {
        assert_eq!(first_difference("a\nb\n", "a\nb\n"), None);
        assert_eq!(first_difference("a\nb\n", "a\n c\n"), Some((2, "c".to_owned())));
        assert_eq!(first_difference("a\n", "a"), Some((2, String::new())));
        assert_eq!(first_difference("a\n", "a\nb\n"), Some((2, "b".to_owned())));
    }
}
