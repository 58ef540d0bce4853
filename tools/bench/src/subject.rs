//! The service that is measured: a process of its own, as it would run in production.

use std::{
    fs::{File, OpenOptions},
    net::{Ipv4Addr, SocketAddr},
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

use anyhow::{Context as _, bail};
use tokio::{process::Command, time::sleep};
use tools_kit::{
    process::{self, Running},
    program, resources,
};

/// Many times what a start takes.
const START_LIMIT: Duration = Duration::from_secs(20);
/// How long it is left alone before its memory at rest is read.
const REST: Duration = Duration::from_millis(500);

/// A service that runs for as long as this value lives.
pub(crate) struct Subject {
    running: Running,
    address: SocketAddr,
    log: File,
    start: Start,
}

/// What a start takes.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Start {
    /// From the start of the process to the first 200 of `/health`.
    pub(crate) milliseconds: f64,
    /// Resident memory before the first request of the load.
    pub(crate) rest_mib: f64,
}

impl Subject {
    /// Starts the program on its default settings and waits until it answers.
    pub(crate) async fn start(
        program: &Path,
        folder: &Path,
        database_url: &str,
        secret: &str,
    ) -> anyhow::Result<Self> {
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, process::free_port()?));
        let path = folder.join("task-api.log");
        let log = open(&path)?;
        let mut command = Command::new(program);
        // Nothing of the person's variables and of their `.env`, which is read from the current folder.
        command
            .env_clear()
            .env("ENVIRONMENT", "production")
            .env("DATABASE_URL", database_url)
            .env("BETTER_AUTH_SECRET", secret)
            .env("HOST", address.ip().to_string())
            .env("PORT", address.port().to_string())
            .current_dir(folder)
            .stdout(open(&path)?)
            .stderr(open(&path)?);
        let since = Instant::now();
        let mut running = Running::spawn(&mut command).context("cannot run task-api")?;
        while !program::is_healthy(address).await {
            if running.child().try_wait()?.is_some() || since.elapsed() > START_LIMIT {
                bail!("task-api does not answer; its last words:\n{}", last_words(&path));
            }
            sleep(Duration::from_millis(1)).await;
        }
        let milliseconds = since.elapsed().as_secs_f64() * 1e3;
        sleep(REST).await;
        let pid = running.pid().with_context(|| format!("task-api ended: {}", last_words(&path)))?;
        let start = Start { milliseconds, rest_mib: resources::resident_mib(pid)? };
        Ok(Self { running, address, log, start })
    }

    pub(crate) fn start_taken(&self) -> Start {
        self.start
    }

    pub(crate) fn pid(&self) -> anyhow::Result<u32> {
        self.running.pid().context("task-api has ended while it was measured")
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Forgets what was logged: a line for each request fills a disk in the end.
    pub(crate) fn empty_log(&self) -> anyhow::Result<()> {
        self.log.set_len(0).context("cannot empty the log of task-api")
    }
}

/// Opened anew for each who writes, always at its end, so that it can be emptied meanwhile.
fn open(path: &PathBuf) -> anyhow::Result<File> {
    let file = OpenOptions::new().create(true).append(true).open(path);
    file.with_context(|| format!("cannot write {}", path.display()))
}

fn last_words(log: &Path) -> String {
    process::tail(&std::fs::read_to_string(log).unwrap_or_default(), 8)
}
