//! A temporary folder whose lock says that the process that made it still lives.

use std::{
    fs::{self, File},
    os::unix::fs::DirBuilderExt as _,
    path::{Path, PathBuf},
};

use anyhow::Context as _;
use tools_kit::workspace;

use crate::account::Account;

pub(crate) const PREFIX: &str = "task-api-test-";
/// What a folder in memory must have free: the copies of the test databases add up.
const ROOM: u64 = 1 << 30;

/// A temporary folder with a lock beside it that says that its maker still lives.
pub(crate) struct Folder {
    pub(crate) path: PathBuf,
    _lock: File,
}

impl Folder {
    pub(crate) fn create(base: &Path) -> anyhow::Result<Self> {
        let path = base.join(format!("{PREFIX}{}", workspace::random_hex(8)?));
        let lock = lock_path(&path);
        let lock = File::create_new(&lock).with_context(|| format!("cannot create {}", lock.display()))?;
        lock.try_lock().context("cannot lock a file that was just made")?;
        Ok(Self { path, _lock: lock })
    }

    /// Makes the folder itself, which the servers' account can enter.
    pub(crate) fn make_for(&self, account: &Account) -> anyhow::Result<()> {
        let created = fs::DirBuilder::new().mode(0o700).create(&self.path);
        created.with_context(|| format!("cannot create {}", self.path.display()))?;
        account.own(&self.path)
    }

    pub(crate) fn log(&self) -> PathBuf {
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

/// Memory if there is enough of it, else the system's folder for temporary files.
pub(crate) fn in_memory() -> PathBuf {
    let memory = Path::new("/dev/shm");
    let room = rustix::fs::statvfs(memory).map_or(0, |found| found.f_bavail.saturating_mul(found.f_frsize));
    let writable = rustix::fs::access(memory, rustix::fs::Access::WRITE_OK).is_ok();
    if writable && room >= ROOM { memory.to_path_buf() } else { std::env::temp_dir() }
}

/// The folder for temporary files that is on a disk even if the usual one is in memory, unless TMPDIR names another.
pub(crate) fn on_disk() -> PathBuf {
    let named = std::env::var_os("TMPDIR").filter(|folder| !folder.is_empty());
    named.map_or_else(|| PathBuf::from("/var/tmp"), PathBuf::from)
}
