//! The checkout: its root, and the git-ignored folder `.dev` that holds what the commands keep between runs.

use std::{
    fmt::Write as _,
    fs::{self, File, OpenOptions},
    io::{Read as _, Write as _},
    os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _},
    path::{Path, PathBuf},
};

use anyhow::Context as _;
use tokio::process::Command;

use crate::process;

/// Where the checkout begins: the folder of `Cargo.lock` above the package that cargo runs. Cargo names the package at run
/// time, which stays right when the checkout moves.
#[must_use]
pub fn root() -> PathBuf {
    let package = std::env::var_os("CARGO_MANIFEST_DIR")
        .map_or_else(|| env!("CARGO_MANIFEST_DIR").into(), PathBuf::from);
    let root = package.ancestors().find(|folder| folder.join("Cargo.lock").is_file());
    root.unwrap_or(&package).to_path_buf()
}

/// Makes the root the current folder: the commands may be typed anywhere in the checkout.
pub fn enter() -> anyhow::Result<()> {
    let root = root();
    std::env::set_current_dir(&root).with_context(|| format!("cannot enter {}", root.display()))
}

/// The folder of this checkout's own database, secrets and tools.
pub fn dev_dir() -> anyhow::Result<PathBuf> {
    let dir = root().join(".dev");
    fs::DirBuilder::new()
        .recursive(true)
        .mode(0o755)
        .create(&dir)
        .with_context(|| format!("cannot create {}: make the checkout writable", dir.display()))?;
    Ok(dir)
}

/// The files that belong to the project, as git knows them.
pub async fn tracked_files() -> anyhow::Result<Vec<String>> {
    let mut git = Command::new("git");
    let list = process::capture(git.args(["ls-files", "-z"]).current_dir(root()));
    let list = list.await.context("git cannot list the files of this checkout")?;
    Ok(list.split('\0').filter(|path| !path.is_empty()).map(str::to_owned).collect())
}

/// A secret of this checkout: made once, kept in `.dev` for its owner only.
pub fn kept_secret(name: &str) -> anyhow::Result<String> {
    let path = dev_dir()?.join(name);
    if let Ok(kept) = fs::read_to_string(&path)
        && !kept.trim().is_empty()
    {
        return Ok(kept.trim().to_owned());
    }
    let secret = random_hex(32)?;
    write_private(&path, &secret)?;
    Ok(secret)
}

/// Writes a file that only its owner may read, whole or not at all.
pub fn write_private(path: &Path, text: &str) -> anyhow::Result<()> {
    let unfinished = path.with_extension("new");
    let written = OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(true)
        .mode(0o600)
        .open(&unfinished)
        .and_then(|mut file| file.write_all(text.as_bytes()))
        .and_then(|()| fs::rename(&unfinished, path));
    written.with_context(|| format!("cannot write {}", path.display()))
}

/// That many random bytes of the system, as hexadecimal digits.
pub fn random_hex(bytes: usize) -> anyhow::Result<String> {
    let mut random = vec![0; bytes];
    File::open("/dev/urandom")
        .and_then(|mut source| source.read_exact(&mut random))
        .context("cannot read random bytes from /dev/urandom")?;
    Ok(random.iter().fold(String::new(), |mut digits, byte| {
        // Writing to a string cannot fail.
        let _ = write!(digits, "{byte:02x}");
        digits
    }))
}
