//! The service that faults are done to. It keeps its address however often it is started anew.

use std::{
    fs::File,
    net::{Ipv4Addr, SocketAddr},
    path::{Path, PathBuf},
    process::ExitStatus,
    time::{Duration, Instant},
};

use anyhow::{Context as _, bail};
use rustix::process::{Pid, Signal, kill_process};
use tokio::{process::Command, time::timeout};

use crate::{
    process::{self, Running},
    program,
};

/// Many times what a start takes.
const START_LIMIT: Duration = Duration::from_secs(20);
/// More than the service's own limit for ending.
const END_LIMIT: Duration = Duration::from_secs(30);

/// How a service is to run.
pub struct SetUp<'a> {
    /// What its log is called.
    pub name: &'static str,
    /// Where its log is, and where it runs.
    pub folder: &'a Path,
    /// Its `DATABASE_URL`.
    pub database: &'a str,
    /// What tokens are signed with.
    pub secret: &'a str,
    /// What else is set, if the default is not what is wanted.
    pub settings: &'a [(&'static str, &'a str)],
}

/// A service that ends with this value.
#[derive(Debug)]
pub struct Service {
    program: PathBuf,
    name: &'static str,
    folder: PathBuf,
    variables: Vec<(&'static str, String)>,
    address: SocketAddr,
    running: Option<Running>,
}

impl Service {
    /// Starts it on a port that is free, and waits until it answers.
    pub async fn start(program: PathBuf, set_up: &SetUp<'_>) -> anyhow::Result<Self> {
        let SetUp { name, folder, database, secret, settings } = *set_up;
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, process::free_port()?));
        let mut variables = vec![
            ("ENVIRONMENT", "production".to_owned()),
            ("DATABASE_URL", database.to_owned()),
            ("BETTER_AUTH_SECRET", secret.to_owned()),
            ("PORT", address.port().to_string()),
            ("WORKERS", "2".to_owned()),
        ];
        variables.extend(settings.iter().map(|(setting, value)| (*setting, (*value).to_owned())));
        let mut service =
            Self { program, name, folder: folder.to_owned(), variables, address, running: None };
        service.start_again().await?;
        Ok(service)
    }

    /// Where it is called.
    #[must_use]
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Where it listens.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Its number, for as long as it runs.
    pub fn pid(&self) -> anyhow::Result<u32> {
        self.running.as_ref().and_then(Running::pid).context("task-api does not run")
    }

    /// Waits until it ends by itself.
    pub async fn ended(&mut self) -> anyhow::Result<ExitStatus> {
        Ok(self.running.as_mut().context("task-api does not run")?.wait().await?)
    }

    /// Empties its log, which has a line for each request, and hands back the first error in it: nothing that is done here
    /// may be one to the service.
    pub fn empty_log(&self) -> anyhow::Result<Option<String>> {
        let log = self.log();
        let words =
            std::fs::read_to_string(&log).with_context(|| format!("cannot read {}", log.display()))?;
        File::options().write(true).truncate(true).open(&log).context("cannot empty the log of task-api")?;
        Ok(words.lines().find(|line| line.contains("\"ERROR\"")).map(str::to_owned))
    }

    /// The first warning in its log, of whichever of its processes.
    pub fn first_warning(&self) -> Option<String> {
        let words = std::fs::read_to_string(self.log()).ok()?;
        words.lines().find(|line| line.contains("\"WARN\"")).map(str::to_owned)
    }

    /// The last warning in its log.
    pub fn last_warning(&self) -> Option<String> {
        let words = std::fs::read_to_string(self.log()).ok()?;
        words.lines().rfind(|line| line.contains("\"WARN\"")).map(str::to_owned)
    }

    fn log(&self) -> PathBuf {
        self.folder.join(format!("{}.log", self.name))
    }

    /// Starts it if it does not run, and waits until it answers.
    pub async fn start_again(&mut self) -> anyhow::Result<()> {
        let log = self.log();
        let file = || {
            File::options()
                .create(true)
                .append(true)
                .open(&log)
                .with_context(|| format!("cannot write {}", log.display()))
        };
        let mut command = Command::new(&self.program);
        // Nothing of the person's variables and of their `.env`, which is read from the current folder.
        command.env_clear().envs(self.variables.iter().cloned()).current_dir(&self.folder);
        command.stdout(file()?).stderr(file()?);
        let mut running = Running::spawn(&mut command).context("cannot run task-api")?;
        let since = Instant::now();
        while !program::is_healthy(self.address).await {
            if running.child().try_wait()?.is_some() || since.elapsed() > START_LIMIT {
                let words = std::fs::read_to_string(&log).unwrap_or_default();
                bail!("task-api does not answer; its last words:\n{}", process::tail(&words, 8));
            }
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
        self.running = Some(running);
        Ok(())
    }

    /// Ends it by `kill -9`.
    pub async fn kill(&mut self) -> anyhow::Result<()> {
        self.end_by(Signal::KILL).await.map(drop)
    }

    /// Asks it to end, and says with what it ended.
    pub async fn end(&mut self) -> anyhow::Result<ExitStatus> {
        self.end_by(Signal::TERM).await
    }

    async fn end_by(&mut self, signal: Signal) -> anyhow::Result<ExitStatus> {
        let mut running = self.running.take().context("task-api does not run")?;
        let pid = running.pid().and_then(|pid| Pid::from_raw(i32::try_from(pid).ok()?));
        kill_process(pid.context("task-api has ended by itself")?, signal)
            .context("task-api has ended by itself")?;
        let ended = timeout(END_LIMIT, running.wait()).await;
        Ok(ended.context("task-api does not end")??)
    }
}
