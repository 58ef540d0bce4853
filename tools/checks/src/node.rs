//! Node.js and packages of npm, which are installed into `.dev` and nowhere else.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use anyhow::{Context as _, bail};
use tokio::process::Command;
use tools_kit::{process, report, workspace};

/// The oldest release that Better Auth and the checks run on.
const OLDEST: u32 = 20;
/// What names the packages: if one of these changes they are installed anew.
const PACKAGES: [&str; 3] = ["package.json", "package-lock.json", ".npmrc"];
/// Folders that are made from the others, and neither copied nor removed.
const MADE: [&str; 2] = ["node_modules", "dist"];

/// Fails if Node or npm is missing or too old, with what to do.
pub(crate) async fn check() -> anyhow::Result<()> {
    let version = process::capture(Command::new("node").arg("--version")).await.ok();
    if let Some(problem) = problem(version.as_deref()) {
        bail!("{problem}: install Node.js {OLDEST} or later with npm, and run the command again");
    }
    if !process::works("npm", &["--version"]).await {
        bail!(
            "npm is not installed: install the npm that belongs to your Node.js, and run the command again"
        );
    }
    Ok(())
}

/// What is wrong with what `node --version` prints.
fn problem(version: Option<&str>) -> Option<String> {
    let Some(version) = version.map(str::trim) else {
        return Some("Node.js is not installed".to_owned());
    };
    let major = version.trim_start_matches('v').split('.').next().and_then(|major| major.parse().ok());
    let is_new_enough = major.is_some_and(|major: u32| major >= OLDEST);
    (!is_new_enough).then(|| format!("Node.js is too old ({version})"))
}

/// Copies a folder of the project to one of that name in `.dev`, and installs its packages there unless they are there
/// already. Returns that folder, which is as deep in the checkout as the original.
pub(crate) async fn install(source: &str, name: &str) -> anyhow::Result<PathBuf> {
    let target = workspace::dev_dir()?.join(name);
    copy(&workspace::root().join(source), &target)
        .with_context(|| format!("cannot copy {source} to {}", target.display()))?;
    let wanted = PACKAGES.iter().map(|file| fs::read_to_string(target.join(file)));
    let wanted = wanted.collect::<Result<String, _>>().context("cannot read which packages are wanted")?;
    let marker = target.join("installed.txt");
    if fs::read_to_string(&marker).is_ok_and(|installed| installed == wanted) {
        return Ok(target);
    }
    let mut npm = Command::new("npm");
    // No script of a package runs; none is needed.
    npm.args(["ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"]).current_dir(&target);
    report::step(&format!("Installing the packages of {source} with npm (once)"), process::capture(&mut npm))
        .await?;
    fs::write(&marker, &wanted).with_context(|| format!("cannot write {}", marker.display()))?;
    Ok(target)
}

/// Runs a script of a `package.json`. Compilers tell their findings on either stream.
pub(crate) async fn script(folder: &Path, name: &str) -> anyhow::Result<()> {
    let mut npm = Command::new("npm");
    let output = process::output(npm.args(["run", "--silent", name]).current_dir(folder)).await?;
    if !output.status.success() {
        let (out, err) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
        bail!("`npm run {name}` failed:\n{out}{err}");
    }
    Ok(())
}

/// Copies a folder. What an earlier copy left in the folders below goes first.
fn copy(source: &Path, target: &Path) -> io::Result<()> {
    fs::create_dir_all(target)?;
    for entry in fs::read_dir(source)? {
        let entry = entry?;
        let to = target.join(entry.file_name());
        if !entry.file_type()?.is_dir() {
            fs::copy(entry.path(), to)?;
        } else if !MADE.iter().any(|made| entry.file_name() == *made) {
            if to.exists() {
                fs::remove_dir_all(&to)?;
            }
            copy(&entry.path(), &to)?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use serde_json::Value;
    use tools_kit::scratch::Scratch;

    use super::*;

    #[test]
    fn node_has_to_be_there_and_new_enough() {
        assert_eq!(problem(Some("v20.20.2\n")), None);
        assert_eq!(problem(Some("v26.0.0\n")), None);
        assert_eq!(problem(Some("v18.19.1\n")).as_deref(), Some("Node.js is too old (v18.19.1)"));
        assert_eq!(problem(Some("what?")).as_deref(), Some("Node.js is too old (what?)"));
        assert_eq!(problem(None).as_deref(), Some("Node.js is not installed"));
    }

    #[test]
    fn a_copy_is_like_its_source_and_keeps_what_was_made_there() {
        let scratch = Scratch::new();
        let (source, target) = (scratch.path().join("source"), scratch.path().join("target"));
        for file in ["source/src/a", "source/node_modules/b", "target/src/old", "target/node_modules/c"] {
            let file = scratch.path().join(file);
            fs::create_dir_all(file.parent().unwrap()).unwrap();
            fs::write(file, "").unwrap();
        }
        copy(&source, &target).unwrap();
        let is_there = |file: &str| target.join(file).exists();
        assert!(is_there("src/a") && is_there("node_modules/c"));
        assert!(!is_there("src/old") && !is_there("node_modules/b"));
    }

    const OURS: [&str; 3] = ["tools/checks/interop", "tools/checks/clients", "examples/better-auth"];

    fn lock(folder: &str) -> String {
        fs::read_to_string(workspace::root().join(folder).join("package-lock.json")).unwrap()
    }

    #[test]
    fn the_pinned_packages_carry_checksums_and_name_no_registry() {
        for folder in OURS {
            let lock = lock(folder);
            assert!(lock.contains("\"integrity\"") && !lock.contains("\"resolved\""), "{folder}");
        }
    }

    #[test]
    fn every_package_has_a_permissive_licence() {
        // Python-2.0 is that of `argparse`, which only makes types while the example is built.
        let allowed = [
            "MIT",
            "ISC",
            "Apache-2.0",
            "(MIT OR CC0-1.0)",
            "MIT OR Apache-2.0",
            "(MPL-2.0 OR Apache-2.0)",
            "Python-2.0",
            "0BSD",
            "BSD-2-Clause",
            "BSD-3-Clause",
            "BlueOak-1.0.0",
        ];
        for folder in OURS {
            let lock: Value = serde_json::from_str(&lock(folder)).unwrap();
            for (name, package) in
                lock["packages"].as_object().unwrap().iter().filter(|(name, _)| !name.is_empty())
            {
                let licence = package["license"].as_str().unwrap_or("none");
                assert!(allowed.contains(&licence), "{folder}: {name} has the licence {licence}");
            }
        }
    }
}
