//! `cargo xtask ci`: everything that must hold before a change lands, in one command.

use std::{future::Future, process::ExitCode, time::Instant};

use anyhow::{Context as _, bail};
use tokio::process::Command;
use tools_kit::{process, report, tools};

use crate::{
    openapi,
    run_tool::{CHAOS, CLIENTS, DEPLOY_CHECK, FUZZ_API, INTEROP, MIGRATE_CHECK, POOLER, RESTORE_CHECK},
    test::{self, Outcome},
};

/// Runs the checks, the quick ones first, and stops at the first that fails. The totals of the tests come last.
pub(crate) async fn run() -> anyhow::Result<ExitCode> {
    let since = Instant::now();
    check("Format", cargo(&["fmt", "--all", "--check"])).await?;
    check("Rules of the architecture", tools_tidy::check()).await?;
    check("OpenAPI document", openapi::check()).await?;
    check(
        "Clippy",
        cargo(&["clippy", "--workspace", "--all-targets", "--locked", "--", "--deny", "warnings"]),
    )
    .await?;
    check("Documentation", documentation()).await?;
    check("Licences, sources and advisories", dependencies()).await?;
    check("Migrations", MIGRATE_CHECK.run(&[])).await?;
    let outcome = check("Tests", test::run_tests(&test::Args::with_coverage())).await?;
    if outcome.success {
        check("Requests made from the OpenAPI document", FUZZ_API.run(&["--max-examples", "100"])).await?;
        check("Clients made from the OpenAPI document", CLIENTS.run(&[])).await?;
        check("The files of the deployment", DEPLOY_CHECK.run(&[])).await?;
        check("Poolers", POOLER.run(&[])).await?;
        check("Fault injection", CHAOS.run(&["--short"])).await?;
        check("Backup and restore", RESTORE_CHECK.run(&[])).await?;
        check("A real Better Auth and a real browser", INTEROP.run(&[])).await?;
    }
    Ok(close(&outcome, since))
}

fn close(outcome: &Outcome, since: Instant) -> ExitCode {
    let verdict = if outcome.success { "Everything holds" } else { "The tests do not hold" };
    eprintln!("\n{verdict}, after {}.\n", report::seconds(since.elapsed()));
    println!("{}", outcome.totals);
    if outcome.success { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// Runs one check under its name and says how long it took.
async fn check<T>(name: &str, work: impl Future<Output = anyhow::Result<T>>) -> anyhow::Result<T> {
    report::headline(name);
    let since = Instant::now();
    let outcome = work.await;
    let verdict = if outcome.is_ok() { "done" } else { "failed" };
    report::note(&format!("{name}: {verdict} after {}", report::seconds(since.elapsed())));
    outcome
}

async fn cargo(arguments: &[&str]) -> anyhow::Result<()> {
    succeed(Command::new("cargo").args(arguments)).await
}

async fn succeed(command: &mut Command) -> anyhow::Result<()> {
    let name = process::name_of(command);
    if process::show(command).await? {
        return Ok(());
    }
    bail!("`{name}` found something: see above")
}

async fn documentation() -> anyhow::Result<()> {
    let mut doc = Command::new("cargo");
    doc.args(["doc", "--workspace", "--no-deps", "--document-private-items", "--locked"]);
    succeed(doc.env("RUSTDOCFLAGS", "--deny warnings")).await
}

/// The list of advisories comes from the network. If it cannot be had, everything else is still checked.
async fn dependencies() -> anyhow::Result<()> {
    tools::DENY.ensure().await?;
    // Also what only other systems compile: the build has not fetched that, and what follows looks at all of it.
    cargo(&["fetch", "--locked"]).await?;
    cargo(&["deny", "--offline", "--log-level", "warn", "check", "licenses", "bans", "sources"]).await?;
    // The workspace of `cargo xtask fuzz` never becomes part of the program, and has one licence more.
    cargo(&["fetch", "--locked", "--manifest-path", "tools/fuzz/Cargo.toml"]).await?;
    let mut fuzz =
        vec!["deny", "--offline", "--log-level", "error", "--manifest-path", "tools/fuzz/Cargo.toml"];
    fuzz.extend(["check", "licenses", "bans", "sources"]);
    cargo(&fuzz).await?;
    let mut advisories = Command::new("cargo");
    advisories.args(["deny", "--log-level", "error", "check", "advisories"]);
    let advisories = process::output(&mut advisories).await.context("cannot run cargo-deny")?;
    if advisories.status.success() {
        return Ok(());
    }
    let words = String::from_utf8_lossy(&advisories.stderr).into_owned();
    if is_unreachable(&words) {
        report::note("Advisories: NOT checked, because their list cannot be fetched from here.");
        return Ok(());
    }
    bail!("an advisory concerns a dependency:\n{words}")
}

/// Whether cargo-deny failed for want of its list, and not for what stands in it.
fn is_unreachable(words: &str) -> bool {
    words.contains("failed to fetch advisory database") || words.contains("failed to open advisory database")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_missing_list_is_no_finding() {
        assert!(is_unreachable("error: failed to fetch advisory database somewhere: could not connect"));
        assert!(!is_unreachable("error[vulnerability]: RUSTSEC-2026-0001"));
    }
}
