//! Files that are looked at one by one, each by a tool that knows its kind.

use std::path::Path;

use anyhow::{Context as _, ensure};
use tokio::process::Command;
use tools_kit::{process, workspace};

use crate::deploy::dashboard;

pub(crate) const COMPOSE: &str = "deploy/compose/compose.yaml";
pub(crate) const KUBERNETES: &str = "deploy/kubernetes";
/// The list of a folder's manifests, which is none itself.
pub(crate) const KUSTOMIZATION: &str = "kustomization.yaml";

pub(crate) async fn check(programs: &Path) -> anyhow::Result<()> {
    let mut hadolint = Command::new(programs.join("hadolint"));
    hadolint.args(["--failure-threshold", "info", "Dockerfile", "deploy/compose/better-auth.Dockerfile"]);
    process::capture(&mut hadolint).await?;
    let mut schema = Command::new(programs.join("check-jsonschema"));
    // The schema of the Compose Specification comes with the tool.
    process::capture(schema.args(["--builtin-schema", "vendor.compose-spec", COMPOSE])).await?;
    let mut kubernetes = Command::new(programs.join("kubernetes-validate"));
    let manifests = manifests().await?;
    ensure!(!manifests.is_empty(), "there are no manifests below {KUBERNETES}");
    process::capture(kubernetes.args(["--strict", "--quiet"]).args(&manifests)).await?;
    let mut dashboard = Command::new(programs.join("python"));
    process::capture(dashboard.arg("tools/checks/deploy/dashboard.py").arg(dashboard::FILE)).await?;
    Ok(())
}

/// The manifests of Kubernetes, examples included.
pub(crate) async fn manifests() -> anyhow::Result<Vec<String>> {
    let files = workspace::tracked_files().await.context("the manifests cannot be listed")?;
    let is_manifest = |path: &String| path.starts_with(KUBERNETES) && !path.ends_with(KUSTOMIZATION);
    Ok(files.into_iter().filter(is_manifest).collect())
}
