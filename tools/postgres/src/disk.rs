//! A small disk for one server: a file system in a file, which can be filled up and brought to a standstill.
//!
//! A process that writes to a frozen file system can neither be interrupted nor ended before it is thawed. So thawing waits
//! for no process: [`Frozen`] does it when it is dropped, a shell of its own if this process is killed, and the next run
//! (`thaw`) if that shell was killed as well.

use std::{
    ffi::OsStr,
    fs::{self, File},
    os::unix::{fs::MetadataExt as _, process::CommandExt as _},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use anyhow::{Context as _, ensure};
use rustix::{
    fs::{FallocateFlags, fallocate},
    io::Errno,
    process::geteuid,
};
use tools_kit::report;

use crate::folder::{self, Folder};

/// Room for the data and the log of the server, many times what the clients of some faults write. It takes no more of the
/// machine's disk than is written to it.
pub(crate) const ROOMY: u64 = 1 << 30;
/// Room for nothing: it is only tried whether there can be one.
const TINY: u64 = 16 << 20;
/// The steps in which room is taken, from a block on.
const STEPS: std::ops::RangeInclusive<u64> = 4096..=64 << 20;
/// How long the processes that used it may take to close their files.
const BUSY_LIMIT: Duration = Duration::from_secs(5);
const POLL: Duration = Duration::from_millis(50);

/// A file system that is mounted for as long as this value lives.
pub struct Disk {
    root: PathBuf,
    watcher: Child,
}

/// A file system that stands still for as long as this value lives.
pub struct Frozen<'a>(&'a Disk);

/// A file that takes all room, for as long as this value lives.
pub struct Filling {
    file: File,
    path: PathBuf,
    size: u64,
}

/// Why there can be no disk of our own here; `None` if there can, which was tried.
#[must_use]
pub fn lacking() -> Option<String> {
    if geteuid().is_root() {
        try_one().err().map(|error| report::sentence(&error))
    } else {
        Some("only root may mount one".to_owned())
    }
}

fn try_one() -> anyhow::Result<()> {
    let folder = Folder::create(&folder::on_disk())?;
    fs::create_dir(&folder.path).with_context(|| format!("cannot create {}", folder.path.display()))?;
    let disk = Disk::create(&folder.path, TINY)?;
    disk.freeze().map(drop)
}

impl Disk {
    /// Makes one in that folder, and mounts it there.
    pub(crate) fn create(folder: &Path, bytes: u64) -> anyhow::Result<Self> {
        let (image, root) = (folder.join("disk.img"), root_in(folder));
        let cannot = || format!("cannot make a disk in {}", folder.display());
        fs::create_dir(&root).with_context(cannot)?;
        File::create_new(&image).and_then(|file| file.set_len(bytes)).with_context(cannot)?;
        // All of it is made now, so that the system does not go on making it while it is used.
        let mut make = command("mkfs.ext4");
        run(make.args(["-q", "-m", "0", "-E", "lazy_itable_init=0,nodiscard"]).arg(&image))?;
        // The value is there before it is mounted, so that it is unmounted whatever comes next.
        let disk = Self { watcher: watch(&root)?, root };
        run(command("mount").args(["-o", "loop,nosuid,nodev"]).args([&image, &disk.root]))?;
        Ok(disk)
    }

    /// The folder that it is.
    pub(crate) fn root(&self) -> &Path {
        &self.root
    }

    /// Freezes it: a process that writes to it waits.
    pub fn freeze(&self) -> anyhow::Result<Frozen<'_>> {
        // Otherwise it would be the machine's own.
        ensure!(is_mounted(&self.root), "{} is not mounted", self.root.display());
        let frozen = Frozen(self);
        run(command("fsfreeze").arg("--freeze").arg(&self.root))?;
        Ok(frozen)
    }

    /// Takes all of its room.
    pub fn fill(&self) -> anyhow::Result<Filling> {
        ensure!(is_mounted(&self.root), "{} is not mounted", self.root.display());
        let path = self.root.join("ballast");
        let file = File::create_new(&path).with_context(|| format!("cannot create {}", path.display()))?;
        let mut filling = Filling { file, path, size: 0 };
        filling.top_up()?;
        Ok(filling)
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        unmount(&self.root);
        let _ = self.watcher.kill();
        let _ = self.watcher.wait();
    }
}

impl Drop for Frozen<'_> {
    fn drop(&mut self) {
        unfreeze(&self.0.root);
    }
}

impl Filling {
    /// Takes what has become free since.
    pub fn top_up(&mut self) -> anyhow::Result<()> {
        // The smallest first: to be told that there is no room makes the file system write, which is to happen rarely.
        let mut step = *STEPS.start();
        while STEPS.contains(&step) {
            match fallocate(&self.file, FallocateFlags::empty(), self.size, step) {
                Ok(()) => {
                    self.size += step;
                    step = (step * 2).min(*STEPS.end());
                }
                Err(Errno::NOSPC) => step /= 2,
                Err(error) => return Err(error).context("a disk cannot be filled"),
            }
        }
        Ok(())
    }
}

impl Drop for Filling {
    fn drop(&mut self) {
        let _ = fs::remove_file(&self.path);
    }
}

/// Lets a disk go on that a killed run has left in that folder. Says whether there is one.
pub(crate) fn thaw(folder: &Path) -> bool {
    let root = root_in(folder);
    let left = is_mounted(&root);
    unfreeze(&root);
    left
}

/// Where the disk of a folder is.
pub(crate) fn root_in(folder: &Path) -> PathBuf {
    folder.join("disk")
}

fn unfreeze(root: &Path) {
    if is_mounted(root) {
        // It may not stand still, which is what is wanted.
        let _ = run(command("fsfreeze").arg("--unfreeze").arg(root));
    }
}

/// Unmounts it, at once if no process uses it any more.
pub(crate) fn unmount(root: &Path) {
    unfreeze(root);
    let since = Instant::now();
    while is_mounted(root) {
        if run(command("umount").arg(root)).is_ok() {
            return;
        }
        if since.elapsed() > BUSY_LIMIT {
            // It is gone for everybody else now, and its room when the last one lets go of it.
            let _ = run(command("umount").arg("--lazy").arg(root));
            return;
        }
        std::thread::sleep(POLL);
    }
}

/// Whether a file system begins at that folder.
fn is_mounted(folder: &Path) -> bool {
    let device = |path: &Path| fs::metadata(path).map(|found| found.dev()).ok();
    let parent = folder.parent().and_then(device);
    parent.is_some_and(|parent| device(folder).is_some_and(|own| own != parent))
}

/// A shell that outlives us, even our `kill -9`, only to let the disk go on and to unmount it.
fn watch(root: &Path) -> anyhow::Result<Child> {
    const SCRIPT: &str = r#"trap "" HUP INT TERM; read -r _
        mountpoint -q "$1" && fsfreeze --unfreeze "$1"; mountpoint -q "$1" && umount --lazy "$1""#;
    let mut shell = command("sh");
    shell.args(["-c", SCRIPT, "disk-watcher"]).arg(root);
    shell.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null());
    shell.spawn().context("cannot run a shell, which watches over a disk")
}

/// A program of the system's, which Ctrl-C on the keyboard does not reach: it would be ended half-way.
fn command(program: &str) -> Command {
    let mut command = Command::new(program);
    // Not every root has these in its path.
    let mut path = std::env::var_os("PATH").unwrap_or_default();
    path.push(OsStr::new(":/usr/sbin:/sbin"));
    command.env("PATH", path).current_dir("/").process_group(0).stdin(Stdio::null());
    command
}

fn run(command: &mut Command) -> anyhow::Result<()> {
    let name = command.get_program().to_string_lossy().into_owned();
    let output = command.output().with_context(|| format!("cannot run `{name}`"))?;
    let words = String::from_utf8_lossy(&output.stderr);
    ensure!(output.status.success(), "`{name}` failed: {}", words.lines().next().unwrap_or_default());
    Ok(())
}

#[cfg(test)]
mod tests {
    use tools_kit::scratch::Scratch;

    use super::*;

    #[test]
    fn a_folder_of_the_machines_own_disk_is_neither_frozen_nor_filled() {
        let scratch = Scratch::new();
        assert!(!is_mounted(scratch.path()));
        let watcher = command("true").spawn().unwrap();
        let disk = Disk { root: scratch.path().to_owned(), watcher };
        assert!(disk.freeze().is_err());
        assert!(disk.fill().is_err());
    }

    #[test]
    fn a_file_system_is_not_taken_for_a_folder() {
        assert!(is_mounted(Path::new("/proc")));
        assert!(!is_mounted(Path::new("/proc/self")));
        assert!(!is_mounted(Path::new("/no/such/folder")));
    }
}
