//! The programs that the checks of the deployment run: Python's and Debian's.

use std::path::{Path, PathBuf};

use anyhow::Context as _;
use serde_json::Value;
use tokio::process::Command;
use tools_kit::{process, report, tools, workspace};

/// The folder of the Python programs that look at files.
pub(crate) async fn programs() -> anyhow::Result<PathBuf> {
    tools::python("deploy", &workspace::root().join("tools/checks/deploy/requirements.txt")).await
}

/// Makes sure that a program of Debian is there; as root it can be had.
pub(crate) async fn ensure(program: &str, package: &str) -> anyhow::Result<()> {
    if process::works(program, &["--version"]).await {
        return Ok(());
    }
    let name = format!("Installing {package} with apt-get");
    let installed = report::step(&name, tools::apt_install(package)).await;
    installed.with_context(|| format!("`{program}` is needed: install it (`apt-get install {package}`)"))
}

/// The documents of YAML files.
pub(crate) async fn documents(programs: &Path, files: &[String]) -> anyhow::Result<Vec<Value>> {
    let mut python = Command::new(programs.join("python"));
    python.arg("tools/checks/deploy/as_json.py").args(files);
    let text = process::capture(&mut python).await?;
    serde_json::from_str(&text).context("the documents of a YAML file cannot be read")
}
