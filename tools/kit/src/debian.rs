//! Programs of Debian's packages: those that are installed, or else unpacked into a folder of ours.
//!
//! Unpacking instead of installing needs no root and leaves the machine as it is: to install `haproxy`, `etcd-server` or
//! `patroni` would also make accounts and start services of the machine's own.

use std::{
    env, fs,
    path::{Path, PathBuf},
};

use anyhow::{Context as _, ensure};
use tokio::process::Command;

use crate::{process, report};

/// Where systems keep servers, which an ordinary person's `PATH` may lack.
const SERVERS: &str = "/usr/sbin";

/// A program that a package of Debian has.
pub struct Package {
    /// What Debian calls it.
    pub name: &'static str,
    /// The program in it.
    pub program: &'static str,
    /// What it is asked to see whether it runs at all.
    pub version: &'static str,
}

/// A program that can be run.
#[derive(Clone, Debug)]
pub struct Program {
    path: PathBuf,
    /// Where the package was unpacked, unless it is installed.
    root: Option<PathBuf>,
}

impl Package {
    /// Finds the program, or unpacks it below `folder`, which others than root can enter.
    pub async fn obtain(&self, folder: &Path) -> anyhow::Result<Program> {
        if let Some(program) = self.installed().await {
            return Ok(program);
        }
        let root = folder.join(self.name);
        if let Some(program) = self.unpacked(&root).await {
            return Ok(program);
        }
        let advice = || {
            let Self { name, program, .. } = self;
            format!("`{program}` is missing, and is needed for this: install it (`apt-get install {name}`)")
        };
        let step = format!("Unpacking Debian's {} (once)", self.name);
        report::step(&step, unpack(self.name, &root)).await.with_context(advice)?;
        self.unpacked(&root).await.context("what was unpacked does not run here").with_context(advice)
    }

    async fn installed(&self) -> Option<Program> {
        let path = env::var_os("PATH").unwrap_or_default();
        let folders = env::split_paths(&path).chain([PathBuf::from(SERVERS)]);
        let path = folders.map(|folder| folder.join(self.program)).find(|path| path.is_file())?;
        self.that_runs(Program { path, root: None }).await
    }

    async fn unpacked(&self, root: &Path) -> Option<Program> {
        let places = ["usr/bin", "usr/sbin"].map(|place| root.join(place).join(self.program));
        let path = places.into_iter().find(|path| path.is_file())?;
        self.that_runs(Program { path, root: Some(root.to_owned()) }).await
    }

    async fn that_runs(&self, program: Program) -> Option<Program> {
        let mut command = Command::new(program.path());
        command.arg(self.version).envs(program.variables());
        let output = process::output(&mut command).await;
        output.is_ok_and(|output| output.status.success()).then_some(program)
    }
}

impl Program {
    /// Where it is.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Where an unpacked program finds what was unpacked with it.
    #[must_use]
    pub fn variables(&self) -> Vec<(&'static str, PathBuf)> {
        let Some(root) = &self.root else { return Vec::new() };
        let libraries = fs::read_dir(root.join("usr/lib")).into_iter().flatten().flatten();
        let mut libraries = libraries.map(|entry| entry.path());
        let of_this_machine = libraries.find(|path| path.to_string_lossy().ends_with("-linux-gnu"));
        let python = Some(root.join("usr/lib/python3/dist-packages")).filter(|path| path.is_dir());
        [("LD_LIBRARY_PATH", of_this_machine), ("PYTHONPATH", python)]
            .into_iter()
            .filter_map(|(name, path)| Some((name, path?)))
            .collect()
    }
}

/// Fetches a package and what it needs beyond what is installed, and unpacks all of it: whole or not at all.
async fn unpack(name: &str, root: &Path) -> anyhow::Result<()> {
    ensure!(process::works("apt-get", &["--version"]).await, "apt-get is not installed");
    let unfinished = root.with_extension("unfinished");
    let packages = root.with_extension("packages");
    for folder in [&unfinished, &packages, &root.to_owned()] {
        if folder.exists() {
            fs::remove_dir_all(folder).with_context(|| format!("cannot remove {}", folder.display()))?;
        }
    }
    for folder in [&unfinished, &packages.join("partial")] {
        fs::create_dir_all(folder).with_context(|| format!("cannot create {}", folder.display()))?;
    }
    // Root only may do this. An old list serves as well; what follows tells.
    let _ = process::output(Command::new("apt-get").args(["-qq", "update"])).await;
    let archives = format!("Dir::Cache::archives={}", packages.display());
    let mut fetch = Command::new("apt-get");
    // Nothing of the machine's is changed, so that nothing has to be locked, which root only may.
    fetch.args(["-qq", "-y", "-o", "Debug::NoLocking=1", "-o", "APT::Sandbox::User=root", "-o", &archives]);
    fetch.args(["--no-install-recommends", "--download-only", "install", name]);
    process::capture(&mut fetch).await?;
    for entry in fs::read_dir(&packages).with_context(|| format!("cannot read {}", packages.display()))? {
        let package = entry?.path();
        if package.extension().is_some_and(|extension| extension == "deb") {
            let mut unpack = Command::new("dpkg-deb");
            unpack.arg("--extract").arg(&package).arg(&unfinished);
            process::capture(&mut unpack).await?;
        }
    }
    fs::remove_dir_all(&packages).with_context(|| format!("cannot remove {}", packages.display()))?;
    fs::rename(&unfinished, root).with_context(|| format!("cannot create {}", root.display()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scratch::Scratch;

    #[test]
    fn an_unpacked_program_finds_its_libraries_and_modules() {
        let scratch = Scratch::new();
        let root = scratch.path().to_owned();
        let program = |root| Program { path: PathBuf::from("/x"), root };
        assert_eq!(program(None).variables(), []);
        assert_eq!(program(Some(root.clone())).variables(), []);
        let (libraries, python) =
            (root.join("usr/lib/x86_64-linux-gnu"), root.join("usr/lib/python3/dist-packages"));
        for folder in [&libraries, &python] {
            fs::create_dir_all(folder).unwrap();
        }
        assert_eq!(program(Some(root)).variables(), [("LD_LIBRARY_PATH", libraries), ("PYTHONPATH", python)]);
    }

    #[tokio::test]
    async fn what_is_no_package_fails_with_what_to_install() {
        let scratch = Scratch::new();
        let package = Package { name: "no-such-package", program: "no-such-program", version: "-v" };
        let error = format!("{:#}", package.obtain(scratch.path()).await.unwrap_err());
        assert!(error.contains("apt-get install no-such-package"), "{error}");
        assert!(!scratch.path().join("no-such-package").exists());
    }
}
