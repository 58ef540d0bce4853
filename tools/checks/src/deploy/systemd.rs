//! The unit of systemd, judged by systemd.

use std::fs;

use anyhow::{Context as _, ensure};
use tokio::process::Command;
use tools_kit::{process, report, workspace};

use crate::deploy::python;

pub(crate) const UNIT: &str = "deploy/systemd/task-api.service";
const PROGRAM: &str = "/usr/local/bin/task-api";
/// How exposed systemd may find the unit, in tenths of its scale from 0 to 10. Version 252 finds 0.9; others may count more.
const MOST_EXPOSED: &str = "15";

pub(crate) async fn check() -> anyhow::Result<()> {
    python::ensure("systemd-analyze", "systemd").await?;
    report::step("The unit of systemd", async {
        let text = fs::read_to_string(UNIT).with_context(|| format!("cannot read {UNIT}"))?;
        ensure!(text.contains(&format!("ExecStart={PROGRAM}\n")), "{UNIT} does not start {PROGRAM}");
        // systemd wants the program to be there, which on this machine it need not be.
        let folder = workspace::dev_dir()?.join("systemd");
        fs::create_dir_all(&folder).with_context(|| format!("cannot create {}", folder.display()))?;
        let unit = folder.join("task-api.service");
        fs::write(&unit, text.replace(PROGRAM, "/bin/true")).context("cannot copy the unit")?;
        let verified = process::output(Command::new("systemd-analyze").arg("verify").arg(&unit)).await?;
        let words = String::from_utf8_lossy(&verified.stderr).into_owned();
        // Other units of the machine are loaded too; and systemd only warns of an unknown setting.
        let ours: Vec<_> = words.lines().filter(|line| line.contains("task-api.service")).collect();
        ensure!(verified.status.success() && ours.is_empty(), "systemd does not like {UNIT}:\n{words}");
        let mut security = Command::new("systemd-analyze");
        security.args(["security", "--offline=true", "--threshold", MOST_EXPOSED, "--no-pager"]).arg(&unit);
        process::capture(&mut security).await.map(drop)
    })
    .await
}
