//! `cargo xtask interop`: the service with a real Better Auth and behind real proxies, and the example in a real browser.

mod browser;
mod proxies;

use std::{ffi::OsString, fs, path::Path, time::Duration};

use anyhow::{Context as _, bail};
use tokio::{process::Command, time::timeout};
use tools_kit::{
    process,
    program::{self, Profile},
    report, workspace,
};
use tools_postgres::throwaway;

use crate::node;

/// What the checks are, and the packages they need.
const CHECKS: &str = "tools/checks/interop";
const EXAMPLE: &str = "examples/better-auth";
/// Many times what the checks take: one that hangs must not hold up everything for ever.
const LIMIT: Duration = Duration::from_mins(5);

#[derive(clap::Args)]
pub(crate) struct Args {
    /// Run only the checks whose name matches this regular expression, such as `rotation|restarted`
    #[arg(value_name = "NAME")]
    only: Option<String>,
}

/// Installs a pinned Better Auth, starts what the checks need, and fails if one of them does.
pub(crate) async fn run(args: &Args) -> anyhow::Result<()> {
    node::check().await?;
    let checks = node::install(CHECKS, "interop").await?;
    let example = node::install(EXAMPLE, "example").await?;
    let chromium = browser::obtain().await?;
    let proxies = proxies::obtain().await?;
    report::step("Compiling the example", node::script(&example, "build")).await?;
    let task_api = program::build(Profile::Dev).await?;
    let database = throwaway::start().await?;

    report::headline("The service with a real Better Auth, and behind nginx and HAProxy");
    let mut node = Command::new("node");
    // Two files at a time: each has programs of its own, which mostly wait.
    node.args(["--test", "--test-reporter=spec", "--test-concurrency=2"])
        .args(args.only.iter().map(|name| format!("--test-name-pattern={name}")))
        .args(test_files(&checks)?)
        .env("DATABASE_SERVER_URL", database.url())
        .env("TASK_API_PROGRAM", task_api)
        .env("EXAMPLE", example)
        .env("CHROMIUM", chromium)
        .envs(proxies)
        .env("DEPLOY", workspace::root().join("deploy"))
        .current_dir(&checks);
    let passed = timeout(LIMIT, process::show(&mut node)).await;
    let passed =
        passed.with_context(|| format!("the checks had not ended after {}", report::seconds(LIMIT)))?;
    if !passed? {
        bail!("the service does not work with Better Auth or a proxy as it should: see above");
    }
    Ok(())
}

/// The files of checks, in the order of their names.
fn test_files(checks: &Path) -> anyhow::Result<Vec<OsString>> {
    let folder = checks.join("checks");
    let entries = fs::read_dir(&folder).and_then(Iterator::collect::<Result<Vec<_>, _>>);
    let entries = entries.with_context(|| format!("cannot read {}", folder.display()))?;
    let mut files: Vec<OsString> = entries.iter().map(|entry| entry.path().into_os_string()).collect();
    files.sort();
    Ok(files)
}

#[cfg(test)]
mod tests {
    use tools_kit::scratch::Scratch;

    use super::*;

    #[test]
    fn checks_run_in_the_order_of_their_names() {
        let scratch = Scratch::new();
        fs::create_dir(scratch.path().join("checks")).unwrap();
        for name in ["2-b.mjs", "1-a.mjs"] {
            fs::write(scratch.path().join("checks").join(name), "").unwrap();
        }
        let names: Vec<_> = test_files(scratch.path()).unwrap();
        let folder = scratch.path().join("checks");
        assert_eq!(names, [folder.join("1-a.mjs").into_os_string(), folder.join("2-b.mjs").into_os_string()]);
    }
}
