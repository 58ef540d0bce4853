//! Programs that a check needs and a machine may lack: installed once, at a fixed version.

use std::path::{Path, PathBuf};

use anyhow::{Context as _, ensure};
use tokio::process::Command;

use crate::{process, report, workspace};

/// A program that cargo installs.
pub struct CargoTool {
    /// Its package: the program's name, which for a subcommand of cargo begins with `cargo-`.
    package: &'static str,
    version: &'static str,
}

/// Checks licences, sources and advisories.
pub const DENY: CargoTool = CargoTool { package: "cargo-deny", version: "0.20.2" };
/// Measures which lines the tests reach.
pub const LLVM_COV: CargoTool = CargoTool { package: "cargo-llvm-cov", version: "0.9.1" };
/// Builds and runs programs that are led by what their input makes them do.
pub const FUZZ: CargoTool = CargoTool { package: "cargo-fuzz", version: "0.13.2" };
/// Writes what a program is made of.
pub const CYCLONEDX: CargoTool = CargoTool { package: "cargo-cyclonedx", version: "0.5.9" };
/// Sends requests at a fixed rate.
pub const OHA: CargoTool = CargoTool { package: "oha", version: "1.16.0" };

impl CargoTool {
    /// Installs the tool unless some version of it is there already.
    pub async fn ensure(&self) -> anyhow::Result<()> {
        let is_there = match self.package.strip_prefix("cargo-") {
            Some(subcommand) => process::works("cargo", &[subcommand, "--version"]).await,
            None => process::works(self.package, &["--version"]).await,
        };
        if is_there {
            return Ok(());
        }
        let pinned = format!("{}@{}", self.package, self.version);
        let mut install = Command::new("cargo");
        install.args(["install", "--locked", "--quiet", &pinned]);
        let name = format!("Installing {pinned} (some minutes, once)");
        report::step(&name, process::capture(&mut install)).await.map(drop)
    }
}

/// A Python environment in `.dev` with the packages of a requirements file, made anew when that file changes. Returns
/// its folder of programs.
pub async fn python(name: &str, requirements: &Path) -> anyhow::Result<PathBuf> {
    let wanted = std::fs::read_to_string(requirements)
        .with_context(|| format!("cannot read {}", requirements.display()))?;
    let environment = workspace::dev_dir()?.join(name);
    let marker = environment.join("installed.txt");
    let programs = environment.join("bin");
    if std::fs::read_to_string(&marker).is_ok_and(|installed| installed == wanted) {
        return Ok(programs);
    }
    let step = format!("Installing {name} with pip (once)");
    report::step(&step, install_python(&environment, requirements)).await?;
    std::fs::write(&marker, &wanted).with_context(|| format!("cannot write {}", marker.display()))?;
    Ok(programs)
}

async fn install_python(environment: &Path, requirements: &Path) -> anyhow::Result<()> {
    if !process::works("python3", &["-c", "import venv, ensurepip"]).await {
        // Debian keeps these apart from Python; as root they can be had.
        apt_install("python3-venv").await.context("install Python 3.10 or later with its module venv")?;
    }
    process::capture(Command::new("python3").args(["-m", "venv", "--clear"]).arg(environment)).await?;
    let mut install = Command::new(environment.join("bin/python"));
    install.args(["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--requirement"]);
    process::capture(install.arg(requirements)).await.map(drop)
}

/// Installs a package of Debian and its kin, which root only may.
pub async fn apt_install(package: &str) -> anyhow::Result<()> {
    check_apt().await?;
    // An old list serves as well when the network is slow to answer; the installation itself tells.
    let _ = process::capture(Command::new("apt-get").args(["-qq", "update"])).await;
    let mut install = Command::new("apt-get");
    install.args(["-qq", "-y", "--no-install-recommends", "install", package]);
    process::capture(install.env("DEBIAN_FRONTEND", "noninteractive")).await.map(drop)
}

/// A file of a package of Debian, which is unpacked into `.dev` and not installed: for packages that would start a server.
pub async fn unpack(package: &str, file: &str) -> anyhow::Result<PathBuf> {
    let folder = workspace::dev_dir()?.join("packages").join(package);
    let program = folder.join(file);
    if program.is_file() {
        return Ok(program);
    }
    report::step(&format!("Unpacking {package} of Debian"), unpack_to(&folder, package)).await?;
    ensure!(program.is_file(), "the package {package} holds no {file}");
    Ok(program)
}

async fn unpack_to(folder: &Path, package: &str) -> anyhow::Result<()> {
    ensure!(process::works("apt-get", &["--version"]).await, "apt-get is not installed");
    std::fs::create_dir_all(folder).with_context(|| format!("cannot create {}", folder.display()))?;
    let mut download = Command::new("apt-get");
    process::capture(download.args(["-qq", "download", package]).current_dir(folder)).await?;
    for entry in std::fs::read_dir(folder).with_context(|| format!("cannot read {}", folder.display()))? {
        let path = entry?.path();
        if path.extension().is_some_and(|extension| extension == "deb") {
            process::capture(Command::new("dpkg-deb").arg("--extract").arg(&path).arg(folder)).await?;
        }
    }
    Ok(())
}

/// Says why packages of Debian cannot be installed, where they cannot.
pub async fn check_apt() -> anyhow::Result<()> {
    ensure!(process::works("apt-get", &["--version"]).await, "apt-get is not installed");
    ensure!(rustix::process::geteuid().is_root(), "only root may install packages");
    Ok(())
}
