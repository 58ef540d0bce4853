//! The PostgreSQL of this checkout, for `cargo xtask dev`: its data survives.

use std::fs::{File, TryLockError};

use anyhow::{Context as _, bail};
use tools_kit::{report, workspace};

use crate::{
    account::Account,
    cache,
    cluster::{Cluster, Purpose, SUPERUSER},
    database,
    obtain::obtain,
    pidfile::PidFile,
    server::Server,
};

/// The database of the development data.
const DATABASE: &str = "task_api";

/// The server of this checkout, for as long as this value lives.
pub struct Private {
    url: String,
    _server: Option<Server>,
    _lock: Option<File>,
}

impl Private {
    /// The address of its database.
    #[must_use]
    pub fn url(&self) -> &str {
        &self.url
    }
}

/// Starts the server of this checkout. Only one command at a time can have it.
pub async fn start() -> anyhow::Result<Private> {
    match lock()? {
        Some(lock) => start_locked(lock).await,
        None => bail!(
            "another `cargo xtask` of this checkout has the private PostgreSQL: use that one, end it, or set DATABASE_URL"
        ),
    }
}

/// Uses the server that a running `cargo xtask dev` has, or starts it.
pub async fn use_or_start() -> anyhow::Result<Private> {
    match lock()? {
        Some(lock) => start_locked(lock).await,
        None => use_running(),
    }
}

/// Uses the server that a running `cargo xtask dev` has, if there is one.
pub fn use_if_running() -> anyhow::Result<Option<Private>> {
    if lock()?.is_some() { Ok(None) } else { use_running().map(Some) }
}

fn use_running() -> anyhow::Result<Private> {
    let cluster = cluster()?;
    let running = PidFile::read(&cluster.data()).filter(|file| file.ready && file.is_alive(&cluster.data()));
    let Some(port) = running.and_then(|file| file.port) else {
        bail!(
            "another `cargo xtask` of this checkout is just starting or stopping the private PostgreSQL: try again"
        )
    };
    report::note("Using the PostgreSQL of the `cargo xtask` that runs already.");
    Ok(Private { url: cluster.url(port, DATABASE)?, _server: None, _lock: None })
}

async fn start_locked(lock: File) -> anyhow::Result<Private> {
    let cluster = cluster()?;
    let cache = cache::of(cluster.account())?;
    let binaries = obtain(cluster.version()?, cluster.account(), &cache).await?;
    cluster.check_version(&binaries)?;
    if cluster.version()?.is_none() {
        let name = format!("Making the data folder of PostgreSQL {}", binaries.major);
        report::step(&name, cluster.initialise(&binaries)).await?;
    }
    let log = workspace::dev_dir()?.join("postgres.log");
    let name = format!("Starting PostgreSQL {}", binaries.major);
    let server = report::step(&name, Server::start(&cluster, &binaries, &log)).await?;
    database::create_where_missing(&cluster.url(server.port(), SUPERUSER)?, DATABASE).await?;
    Ok(Private { url: cluster.url(server.port(), DATABASE)?, _server: Some(server), _lock: Some(lock) })
}

fn cluster() -> anyhow::Result<Cluster> {
    let account = Account::choose()?;
    Cluster::at(cache::home(&account)?.join("postgres"), account, Purpose::Keep)
}

/// The lock that says who has the server. The system frees it with the process, however that ends.
fn lock() -> anyhow::Result<Option<File>> {
    let path = workspace::dev_dir()?.join("lock");
    let file = File::options().write(true).create(true).truncate(false).open(&path);
    let file = file.with_context(|| {
        format!(
            "cannot open {}: where another user ran the command before, run it as that user or delete .dev to begin anew",
            path.display()
        )
    })?;
    match file.try_lock() {
        Ok(()) => Ok(Some(file)),
        Err(TryLockError::WouldBlock) => Ok(None),
        Err(TryLockError::Error(error)) => {
            Err(error).with_context(|| format!("cannot lock {}", path.display()))
        }
    }
}
