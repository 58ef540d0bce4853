//! A program that never outlives the tool that started it.

use std::process::{Child, ExitStatus};

use anyhow::Context as _;
use tokio::process::Command;
use tools_kit::process::{self, Running};

use crate::server;

/// A program that ends with this value, and with this process however that ends.
pub(crate) struct Watched {
    running: Running,
    watcher: Child,
}

impl Watched {
    pub(crate) fn spawn(command: &mut Command) -> anyhow::Result<Self> {
        let running =
            Running::spawn(command).with_context(|| format!("cannot run `{}`", process::name_of(command)))?;
        let pid = running.pid().context("a program that was just started has a number")?;
        Ok(Self { watcher: server::watch(pid, "TERM")?, running })
    }

    pub(crate) fn pid(&self) -> Option<u32> {
        self.running.pid()
    }

    pub(crate) async fn wait(&mut self) -> anyhow::Result<ExitStatus> {
        Ok(self.running.wait().await?)
    }
}

impl Drop for Watched {
    fn drop(&mut self) {
        // The watcher goes first: it would otherwise end the process that has the number by now.
        let _ = self.watcher.kill();
        let _ = self.watcher.wait();
    }
}
