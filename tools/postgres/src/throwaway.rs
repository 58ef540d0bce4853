//! A PostgreSQL for one run, gone afterwards: of the tests, in memory where that is possible; or of the measurements, as
//! durable as any, on a disk.

use std::{
    fs::{self, File},
    os::unix::fs::DirBuilderExt as _,
    path::{Path, PathBuf},
    process::Command,
    time::{Duration, Instant, SystemTime},
};

use anyhow::Context as _;

use super::{
    SUPERUSER,
    account::Account,
    binaries::{self, Binaries},
    cluster::{Cluster, Purpose},
    disk::{self, Disk},
    encrypted,
    pidfile::PidFile,
    server::Server,
};
use crate::{report, workspace};

const PREFIX: &str = "task-api-test-";
/// What a folder in memory must have free: the copies of the test databases add up.
const ROOM: u64 = 1 << 30;
/// A folder without a lock that is younger than this may be one that is just being made.
const YOUNG: Duration = Duration::from_mins(1);
/// How long a server may take to end when its disk goes on.
const END_LIMIT: Duration = Duration::from_secs(10);
const POLL: Duration = Duration::from_millis(50);

/// The server, for as long as this value lives.
pub(crate) struct ThrowAway {
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
    pub(crate) fn url(&self) -> &str {
        &self.url
    }

    /// The address of another database of the server.
    pub(crate) fn url_of(&self, database: &str) -> anyhow::Result<String> {
        self.cluster.url(self.server.port(), database)
    }

    /// A program that comes with the server, where it does: not all packages have the clients too.
    pub(crate) fn client(&self, name: &str) -> Option<PathBuf> {
        Some(self.binaries.program(name)).filter(|program| program.is_file())
    }

    /// The process that all others of the server are children of.
    pub(crate) fn pid(&self) -> u32 {
        self.server.pid()
    }

    /// Kills the main process, and starts the server anew on the same data and at the same address.
    pub(crate) async fn kill_and_start_again(&mut self) -> anyhow::Result<()> {
        self.server.kill_and_start_again(&self.cluster, &self.binaries, &self.folder.log()).await
    }

    /// Whether the main process has ended by itself.
    pub(crate) fn has_ended(&mut self) -> anyhow::Result<bool> {
        self.server.has_ended()
    }

    /// Starts the server anew, which has ended, on the same data and at the same address.
    pub(crate) async fn start_again(&mut self) -> anyhow::Result<()> {
        self.server.start_again(&self.cluster, &self.binaries, &self.folder.log()).await
    }

    /// The disk on which nothing is but the server's data, where it has one.
    pub(crate) fn disk(&self) -> Option<&Disk> {
        self.disk.as_ref()
    }

    /// A folder that goes with the server.
    pub(crate) fn folder(&self) -> &Path {
        &self.folder.path
    }
}

impl ThrowAway {
    /// The same server, ended and started again: its settings may have changed. It has another port afterwards.
    pub(crate) async fn restart(self) -> anyhow::Result<Self> {
        let Self { cluster, binaries, server, disk, folder, .. } = self;
        drop(server);
        let server = Server::start(&cluster, &binaries, &folder.log()).await?;
        Ok(Self { url: cluster.url(server.port(), SUPERUSER)?, cluster, binaries, server, disk, folder })
    }

    /// A folder for another server beside this one, which has the same superuser.
    pub(crate) fn beside(&self, name: &str) -> anyhow::Result<Beside<'_>> {
        let home = self.folder.path.join(name);
        let cluster = Cluster::at(home.clone(), self.cluster.account().clone(), Purpose::Measure)?;
        cluster.share_password(&self.cluster)?;
        Ok(Beside { cluster, log: home.join("log"), binaries: &self.binaries })
    }

    /// A new folder that belongs to the server's account.
    pub(crate) fn new_folder(&self, name: &str) -> anyhow::Result<PathBuf> {
        let folder = self.folder.path.join(name);
        fs::create_dir(&folder).with_context(|| format!("cannot create {}", folder.display()))?;
        self.cluster.account().own(&folder)?;
        Ok(folder)
    }

    /// A shell that runs as the account of the server.
    pub(crate) fn shell(&self) -> Command {
        self.cluster.account().command("/bin/sh")
    }

    /// A shell of our own, which knows as little of the person's variables.
    pub(crate) fn own_shell() -> Command {
        Account::Ourselves.command("/bin/sh")
    }

    /// The folder of the server's programs.
    pub(crate) fn programs(&self) -> &Path {
        &self.binaries.folder
    }
}

/// A place for the data of a second server.
pub(crate) struct Beside<'a> {
    cluster: Cluster,
    log: PathBuf,
    binaries: &'a Binaries,
}

impl Beside<'_> {
    /// Where the data has to be.
    pub(crate) fn data(&self) -> PathBuf {
        self.cluster.data()
    }

    /// Starts a server on what is there now, and returns it with the address of one of its databases.
    pub(crate) async fn start(&self, database: &str) -> anyhow::Result<(Server, String)> {
        let server = Server::start(&self.cluster, self.binaries, &self.log).await?;
        let url = self.cluster.url(server.port(), database)?;
        Ok((server, url))
    }
}

/// Starts an empty server for tests.
pub(crate) async fn start() -> anyhow::Result<ThrowAway> {
    start_for(Purpose::ThrowAway, &in_memory(), Tls::Off).await
}

/// Starts an empty server for tests that speaks TLS and takes passwords by SCRAM only. Its address names its authority.
pub(crate) async fn start_encrypted() -> anyhow::Result<ThrowAway> {
    let mut server = start_for(Purpose::ThrowAway, &in_memory(), Tls::On).await?;
    let authority = encrypted::authority(server.folder());
    let authority = authority.to_str().context("the folder for temporary files is no text")?;
    let verified = format!("?sslmode=verify-full&sslrootcert={authority}");
    server.url = server.url.replace("?sslmode=disable", &verified);
    Ok(server)
}

/// Starts an empty server for measurements.
pub(crate) async fn start_durable() -> anyhow::Result<ThrowAway> {
    start_for(Purpose::Measure, &on_disk(), Tls::Off).await
}

/// Starts an empty server whose data is alone on a small disk. Where that cannot be, [`disk::lacking`] says why.
pub(crate) async fn start_on_small_disk() -> anyhow::Result<ThrowAway> {
    start_for(Purpose::OnSmallDisk, &on_disk(), Tls::Off).await
}

/// Whether a server speaks TLS.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Tls {
    On,
    Off,
}

async fn start_for(purpose: Purpose, base: &Path, tls: Tls) -> anyhow::Result<ThrowAway> {
    let account = Account::choose()?;
    let cache = cache(&account)?;
    let binaries = binaries::obtain(None, &account, &cache).await?;
    let folder = Folder::create(base)?;
    let disk = if purpose == Purpose::OnSmallDisk {
        folder.make_for(&account)?;
        Some(Disk::create(&folder.path, disk::ROOMY)?)
    } else {
        None
    };
    let home = disk.as_ref().map_or(folder.path.as_path(), Disk::root);
    let cluster = Cluster::at(home.to_owned(), account, purpose)?;
    let name = match tls {
        Tls::Off => format!("Starting a throw-away PostgreSQL {}", binaries.major),
        Tls::On => format!("Starting a throw-away PostgreSQL {} with TLS", binaries.major),
    };
    let server = report::step(&name, async {
        cluster.initialise(&binaries).await?;
        if tls == Tls::On {
            encrypted::set_up(&cluster, &folder.path)?;
        }
        Server::start(&cluster, &binaries, &folder.log()).await
    })
    .await?;
    Ok(ThrowAway { url: cluster.url(server.port(), SUPERUSER)?, cluster, binaries, server, disk, folder })
}

/// Fetched programs are shared with the private server.
pub(super) fn cache(account: &Account) -> anyhow::Result<PathBuf> {
    Ok(super::private::home(account)?.join("packages"))
}

/// A temporary folder with a lock beside it that says that its maker still lives.
pub(super) struct Folder {
    pub(super) path: PathBuf,
    _lock: File,
}

impl Folder {
    pub(super) fn create(base: &Path) -> anyhow::Result<Self> {
        sweep(base);
        let path = base.join(format!("{PREFIX}{}", workspace::random_hex(8)?));
        let lock = lock_path(&path);
        let lock = File::create_new(&lock).with_context(|| format!("cannot create {}", lock.display()))?;
        lock.try_lock().context("cannot lock a file that was just made")?;
        Ok(Self { path, _lock: lock })
    }

    /// Makes the folder itself, which the servers' account can enter.
    pub(super) fn make_for(&self, account: &Account) -> anyhow::Result<()> {
        let created = fs::DirBuilder::new().mode(0o700).create(&self.path);
        created.with_context(|| format!("cannot create {}", self.path.display()))?;
        account.own(&self.path)
    }

    fn log(&self) -> PathBuf {
        self.path.join("log")
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.path);
        let _ = fs::remove_file(lock_path(&self.path));
    }
}

fn lock_path(folder: &Path) -> PathBuf {
    folder.with_extension("lock")
}

/// Memory where there is enough of it, else the system's folder for temporary files.
fn in_memory() -> PathBuf {
    let memory = Path::new("/dev/shm");
    let room = rustix::fs::statvfs(memory).map_or(0, |found| found.f_bavail.saturating_mul(found.f_frsize));
    let writable = rustix::fs::access(memory, rustix::fs::Access::WRITE_OK).is_ok();
    if writable && room >= ROOM { memory.to_path_buf() } else { std::env::temp_dir() }
}

/// The folder for temporary files that is on a disk even where the usual one is in memory, unless TMPDIR names another.
pub(super) fn on_disk() -> PathBuf {
    let named = std::env::var_os("TMPDIR").filter(|folder| !folder.is_empty());
    named.map_or_else(|| PathBuf::from("/var/tmp"), PathBuf::from)
}

/// Removes what killed runs left behind: folders whose lock nobody holds and whose server has ended.
fn sweep(base: &Path) {
    for entry in fs::read_dir(base).into_iter().flatten().flatten() {
        let lock = entry.path();
        let ours = entry.file_name().to_string_lossy().starts_with(PREFIX);
        if !ours || lock.extension().is_none_or(|extension| extension != "lock") || is_young(&lock) {
            continue;
        }
        let folder = lock.with_extension("");
        let abandoned = File::open(&lock).is_ok_and(|file| file.try_lock().is_ok());
        if abandoned && has_ended(&folder) {
            disk::unmount(&disk::root_in(&folder));
            let _ = fs::remove_dir_all(&folder);
            let _ = fs::remove_file(&lock);
        }
    }
}

/// Whether the server of an abandoned folder has ended. One whose disk stood still could not: it was told to, and does when
/// the disk goes on.
fn has_ended(folder: &Path) -> bool {
    let homes = [folder.to_owned(), disk::root_in(folder)];
    let ended = || {
        let file = |home: &PathBuf| PidFile::read(&home.join("data"));
        homes.iter().all(|home| file(home).is_none_or(|file| !file.is_alive(folder)))
    };
    let since = Instant::now();
    while disk::let_go(folder) && !ended() && since.elapsed() < END_LIMIT {
        std::thread::sleep(POLL);
    }
    ended()
}

fn is_young(path: &Path) -> bool {
    let changed = fs::metadata(path).and_then(|found| found.modified()).unwrap_or_else(|_| SystemTime::now());
    changed.elapsed().unwrap_or_default() < YOUNG
}
