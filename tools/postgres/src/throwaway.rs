//! A PostgreSQL for one run, gone afterwards: of the tests, in memory if that is possible; or of the measurements, as
//! durable as any, on a disk.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use anyhow::Context as _;
use tools_kit::report;

use crate::{
    account::Account,
    binaries::Binaries,
    cache,
    cluster::{Cluster, Purpose, SUPERUSER},
    disk::{self, Disk},
    encrypted,
    folder::{self, Folder},
    obtain::obtain,
    server::Server,
    sweep::sweep,
};

/// The server, for as long as this value lives.
pub struct ThrowAway {
    url: String,
    cluster: Cluster,
    binaries: Binaries,
    // Dropped in this order: first the server ends, then its disk and its folder go.
    server: Server,
    disk: Option<Disk>,
    folder: Folder,
}

impl ThrowAway {
    /// The address of the superuser's own database, beside which others can be created.
    #[must_use]
    pub fn url(&self) -> &str {
        &self.url
    }

    /// The address of another database of the server.
    pub fn url_of(&self, database: &str) -> anyhow::Result<String> {
        self.cluster.url(self.server.port(), database)
    }

    /// A program that comes with the server, if it does: not all packages have the clients too.
    #[must_use]
    pub fn client(&self, name: &str) -> Option<PathBuf> {
        Some(self.binaries.program(name)).filter(|program| program.is_file())
    }

    /// The process that all others of the server are children of.
    #[must_use]
    pub fn pid(&self) -> u32 {
        self.server.pid()
    }

    /// Kills the main process, and starts the server anew on the same data and at the same address.
    pub async fn kill_and_start_again(&mut self) -> anyhow::Result<()> {
        self.server.kill_and_start_again(&self.cluster, &self.binaries, &self.folder.log()).await
    }

    /// Whether the main process has ended by itself.
    pub fn has_ended(&mut self) -> anyhow::Result<bool> {
        self.server.has_ended()
    }

    /// Starts the server anew, which has ended, on the same data and at the same address.
    pub async fn start_again(&mut self) -> anyhow::Result<()> {
        self.server.start_again(&self.cluster, &self.binaries, &self.folder.log()).await
    }

    /// The disk on which nothing is but the server's data, if it has one.
    #[must_use]
    pub fn disk(&self) -> Option<&Disk> {
        self.disk.as_ref()
    }

    /// A folder that goes with the server.
    #[must_use]
    pub fn folder(&self) -> &Path {
        &self.folder.path
    }
}

impl ThrowAway {
    /// The same server, ended and started again: its settings may have changed. It has another port afterwards.
    pub async fn restart(self) -> anyhow::Result<Self> {
        let Self { cluster, binaries, server, disk, folder, .. } = self;
        drop(server);
        let server = Server::start(&cluster, &binaries, &folder.log()).await?;
        Ok(Self { url: cluster.url(server.port(), SUPERUSER)?, cluster, binaries, server, disk, folder })
    }

    /// A folder for another server beside this one, which has the same superuser.
    pub fn beside(&self, name: &str) -> anyhow::Result<Beside<'_>> {
        let home = self.folder.path.join(name);
        let cluster = Cluster::at(home.clone(), self.cluster.account().clone(), Purpose::Measure)?;
        cluster.share_password(&self.cluster)?;
        Ok(Beside { cluster, log: home.join("log"), binaries: &self.binaries })
    }

    /// A new folder that belongs to the server's account.
    pub fn new_folder(&self, name: &str) -> anyhow::Result<PathBuf> {
        let folder = self.folder.path.join(name);
        fs::create_dir(&folder).with_context(|| format!("cannot create {}", folder.display()))?;
        self.cluster.account().own(&folder)?;
        Ok(folder)
    }

    /// A shell that runs as the account of the server.
    #[must_use]
    pub fn shell(&self) -> Command {
        self.cluster.account().command("/bin/sh")
    }

    /// A shell of our own, which knows as little of the person's variables.
    #[must_use]
    pub fn own_shell() -> Command {
        Account::Ourselves.command("/bin/sh")
    }

    /// The folder of the server's programs.
    #[must_use]
    pub fn programs(&self) -> &Path {
        &self.binaries.folder
    }
}

/// A place for the data of a second server.
pub struct Beside<'a> {
    cluster: Cluster,
    log: PathBuf,
    binaries: &'a Binaries,
}

impl Beside<'_> {
    /// Where the data has to be.
    #[must_use]
    pub fn data(&self) -> PathBuf {
        self.cluster.data()
    }

    /// Starts a server on what is there now, and returns it with the address of one of its databases.
    pub async fn start(&self, database: &str) -> anyhow::Result<(Server, String)> {
        let server = Server::start(&self.cluster, self.binaries, &self.log).await?;
        let url = self.cluster.url(server.port(), database)?;
        Ok((server, url))
    }
}

/// Starts an empty server for tests.
pub async fn start() -> anyhow::Result<ThrowAway> {
    start_for(Purpose::ThrowAway, &folder::in_memory()).await
}

/// Starts an empty server for tests that speaks TLS and takes passwords by SCRAM only. Its address names its authority.
pub async fn start_encrypted() -> anyhow::Result<ThrowAway> {
    let mut server = start_for(Purpose::Encrypted, &folder::in_memory()).await?;
    let authority = encrypted::authority(server.folder());
    let authority = authority.to_str().context("the folder for temporary files is no text")?;
    let verified = format!("?sslmode=verify-full&sslrootcert={authority}");
    server.url = server.url.replace("?sslmode=disable", &verified);
    Ok(server)
}

/// Starts an empty server for measurements.
pub async fn start_durable() -> anyhow::Result<ThrowAway> {
    start_for(Purpose::Measure, &folder::on_disk()).await
}

/// Starts an empty server whose data is alone on a small disk. If that cannot be, [`disk::lacking`] says why.
pub async fn start_on_small_disk() -> anyhow::Result<ThrowAway> {
    start_for(Purpose::OnSmallDisk, &folder::on_disk()).await
}

async fn start_for(purpose: Purpose, base: &Path) -> anyhow::Result<ThrowAway> {
    let account = Account::choose()?;
    let binaries = obtain(None, &account, &cache::of(&account)?).await?;
    sweep(base);
    let folder = Folder::create(base)?;
    let disk = if purpose == Purpose::OnSmallDisk {
        folder.make_for(&account)?;
        Some(Disk::create(&folder.path, disk::ROOMY)?)
    } else {
        None
    };
    let home = disk.as_ref().map_or(folder.path.as_path(), Disk::root);
    let cluster = Cluster::at(home.to_owned(), account, purpose)?;
    let with_tls = if purpose == Purpose::Encrypted { " with TLS" } else { "" };
    let name = format!("Starting a throw-away PostgreSQL {}{with_tls}", binaries.major);
    let server = report::step(&name, async {
        cluster.initialise(&binaries).await?;
        if purpose == Purpose::Encrypted {
            encrypted::set_up(&cluster, &folder.path)?;
        }
        Server::start(&cluster, &binaries, &folder.log()).await
    })
    .await?;
    Ok(ThrowAway { url: cluster.url(server.port(), SUPERUSER)?, cluster, binaries, server, disk, folder })
}
