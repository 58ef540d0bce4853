//! `cargo xtask deploy-check`: everything below `deploy/`, and the Dockerfile, looked at by the tools that know these files;
//! and the program locked in as they lock it in.

mod agreement;
mod dashboard;
mod files;
mod inside;
mod names;
mod prometheus;
mod python;
mod socket;
mod systemd;

use tools_kit::report;

pub(crate) use self::python::programs;

/// Looks at everything, and fails at the first that is not as it should be.
pub(crate) async fn run() -> anyhow::Result<()> {
    let programs = programs().await?;
    report::step("Dockerfiles, composition, manifests and dashboard", files::check(&programs)).await?;
    report::step("Whether the files agree with each other", agreement::check(&programs)).await?;
    systemd::check().await?;
    let metrics = inside::check(&programs).await?;
    prometheus::check(&programs, &metrics).await?;
    println!("All files of the deployment are as they should be.");
    Ok(())
}
