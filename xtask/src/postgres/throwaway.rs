//! A PostgreSQL for one run of the tests: in memory where that is possible, and gone afterwards.

use std::{
    fs::{self, File},
    path::{Path, PathBuf},
    time::{Duration, SystemTime},
};

use anyhow::Context as _;

use super::{
    SUPERUSER,
    account::Account,
    binaries,
    cluster::{Cluster, Purpose},
    pidfile::PidFile,
    server::Server,
};
use crate::{report, workspace};

const PREFIX: &str = "task-api-test-";
/// What a folder in memory must have free: the copies of the test databases add up.
const ROOM: u64 = 1 << 30;
/// A folder without a lock that is younger than this may be one that is just being made.
const YOUNG: Duration = Duration::from_mins(1);

/// The server, for as long as this value lives.
pub(crate) struct ThrowAway {
    url: String,
    // Dropped in this order: first the server ends, then its folder goes.
    _server: Server,
    _folder: Folder,
}

impl ThrowAway {
    /// The address of the superuser's own database, beside which others can be created.
    pub(crate) fn url(&self) -> &str {
        &self.url
    }
}

/// Starts an empty server.
pub(crate) async fn start() -> anyhow::Result<ThrowAway> {
    let account = Account::choose()?;
    let cache = cache(&account)?;
    let binaries = binaries::obtain(None, &account, &cache).await?;
    let folder = Folder::create()?;
    let cluster = Cluster::at(folder.path.clone(), account, Purpose::ThrowAway)?;
    let name = format!("Starting a throw-away PostgreSQL {}", binaries.major);
    let server = report::step(&name, async {
        cluster.initialise(&binaries).await?;
        Server::start(&cluster, &binaries, &folder.log()).await
    })
    .await?;
    Ok(ThrowAway { url: cluster.url(server.port(), SUPERUSER)?, _server: server, _folder: folder })
}

/// Fetched programs are shared with the private server.
fn cache(account: &Account) -> anyhow::Result<PathBuf> {
    Ok(super::private::home(account)?.join("packages"))
}

/// A temporary folder with a lock beside it that says that its maker still lives.
struct Folder {
    path: PathBuf,
    _lock: File,
}

impl Folder {
    fn create() -> anyhow::Result<Self> {
        let base = base();
        sweep(&base);
        let path = base.join(format!("{PREFIX}{}", workspace::random_hex(8)?));
        let lock = lock_path(&path);
        let lock = File::create_new(&lock).with_context(|| format!("cannot create {}", lock.display()))?;
        lock.try_lock().context("cannot lock a file that was just made")?;
        Ok(Self { path, _lock: lock })
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
fn base() -> PathBuf {
    let memory = Path::new("/dev/shm");
    let room = rustix::fs::statvfs(memory).map_or(0, |found| found.f_bavail.saturating_mul(found.f_frsize));
    let writable = rustix::fs::access(memory, rustix::fs::Access::WRITE_OK).is_ok();
    if writable && room >= ROOM { memory.to_path_buf() } else { std::env::temp_dir() }
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
        let ended = PidFile::read(&folder.join("data")).is_none_or(|file| !file.is_alive(&folder));
        if abandoned && ended {
            let _ = fs::remove_dir_all(&folder);
            let _ = fs::remove_file(&lock);
        }
    }
}

fn is_young(path: &Path) -> bool {
    let changed = fs::metadata(path).and_then(|found| found.modified()).unwrap_or_else(|_| SystemTime::now());
    changed.elapsed().unwrap_or_default() < YOUNG
}
