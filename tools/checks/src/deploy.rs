//! `cargo xtask deploy-check`: everything below `deploy/`, and the Dockerfile, looked at by the tools that know these files;
//! and the program locked in as they lock it in.

mod agreement;
mod dashboard;
mod files;
mod inside;
mod names;
mod prometheus;
mod socket;
mod systemd;

use std::{
    path::{Path, PathBuf},
    process::ExitCode,
};

use anyhow::Context as _;
use serde_json::Value;
use tokio::process::Command;

use crate::{process, report, tools, workspace};

pub(crate) async fn run() -> anyhow::Result<ExitCode> {
    check().await?;
    println!("All files of the deployment are as they should be.");
    Ok(ExitCode::SUCCESS)
}

/// Looks at everything, and fails at the first that is not as it should be.
pub(crate) async fn check() -> anyhow::Result<()> {
    let programs = programs().await?;
    report::step("Dockerfiles, composition, manifests and dashboard", files::check(&programs)).await?;
    report::step("Whether the files agree with each other", agreement::check(&programs)).await?;
    systemd::check().await?;
    let metrics = inside::check(&programs).await?;
    prometheus::check(&programs, &metrics).await
}

/// The folder of the Python programs that look at files.
pub(crate) async fn programs() -> anyhow::Result<PathBuf> {
    tools::python("deploy", &workspace::root().join("xtask/deploy/requirements.txt")).await
}

/// Makes sure that a program of Debian is there; as root it can be had.
async fn ensure(program: &str, package: &str) -> anyhow::Result<()> {
    if process::works(program, &["--version"]).await {
        return Ok(());
    }
    let name = format!("Installing {package} with apt-get");
    let installed = report::step(&name, tools::apt_install(package)).await;
    installed.with_context(|| format!("`{program}` is needed: install it (`apt-get install {package}`)"))
}

/// The documents of YAML files.
async fn documents(programs: &Path, files: &[String]) -> anyhow::Result<Vec<Value>> {
    let mut python = Command::new(programs.join("python"));
    python.arg("xtask/deploy/as_json.py").args(files);
    let text = process::capture(&mut python).await?;
    serde_json::from_str(&text).context("the documents of a YAML file cannot be read")
}
