//! Where the programs of a PostgreSQL server are: on this machine, or fetched.

use std::{
    ffi::OsStr,
    fs,
    path::{Path, PathBuf},
};

use crate::account::Account;

/// The oldest major version that serves: the tests copy databases with `CREATE DATABASE .. STRATEGY`, new in 15.
pub(crate) const OLDEST: u32 = 15;

/// Folders of packages, with `*` for one part of a name.
const USUAL_PLACES: [&str; 8] = [
    "/usr/lib/postgresql/*/bin",
    "/usr/pgsql-*/bin",
    "/usr/libexec/postgresql*",
    "/opt/homebrew/opt/postgresql*/bin",
    "/usr/local/opt/postgresql*/bin",
    "/opt/local/lib/postgresql*/bin",
    "/Applications/Postgres.app/Contents/Versions/*/bin",
    "/usr/local/pgsql/bin",
];

/// The programs of one version.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Binaries {
    pub(crate) folder: PathBuf,
    pub(crate) major: u32,
}

impl Binaries {
    pub(crate) fn program(&self, name: &str) -> PathBuf {
        self.folder.join(name)
    }

    pub(crate) fn is_new_enough(&self) -> bool {
        self.major >= OLDEST
    }

    /// The programs of a folder, if it holds both that we need and the account can run them.
    pub(crate) fn of(folder: &Path, account: &Account) -> Option<Self> {
        let folder = home_of_both(folder)?;
        let output = account.command(folder.join("postgres")).arg("--version").output().ok()?;
        let major =
            major_version(&String::from_utf8_lossy(&output.stdout)).filter(|_| output.status.success())?;
        Some(Self { folder, major })
    }
}

/// Folders of this machine that may hold the programs, the best first.
pub(crate) fn installed(path: Option<&OsStr>) -> Vec<PathBuf> {
    let mut folders: Vec<PathBuf> =
        path.map(|path| std::env::split_paths(path).collect()).unwrap_or_default();
    folders.extend(USUAL_PLACES.iter().flat_map(|pattern| expand(Path::new("/"), pattern)));
    folders
}

/// The folders below `root` that a pattern names, the highest version first.
pub(crate) fn expand(root: &Path, pattern: &str) -> Vec<PathBuf> {
    let mut folders = vec![root.to_path_buf()];
    for part in pattern.trim_start_matches('/').split('/') {
        folders = match part.split_once('*') {
            None => folders.iter().map(|folder| folder.join(part)).collect(),
            Some((before, after)) => {
                folders.iter().flat_map(|folder| matching(folder, before, after)).collect()
            }
        };
    }
    folders.retain(|folder| folder.is_dir());
    folders
}

/// The entries of a folder with that beginning and end of their name, the highest version first.
fn matching(folder: &Path, before: &str, after: &str) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    let mut names: Vec<String> = entries
        .map(|entry| entry.file_name().to_string_lossy().into_owned())
        .filter(|name| {
            name.len() >= before.len() + after.len() && name.starts_with(before) && name.ends_with(after)
        })
        .collect();
    names.sort_by_key(|name| std::cmp::Reverse(first_number(name)));
    names.into_iter().map(|name| folder.join(name)).collect()
}

/// The folder where both programs really are. Symbolic links lead to it, and the server looks for its own files beside
/// it; a folder of wrapper scripts is taken as it is.
fn home_of_both(folder: &Path) -> Option<PathBuf> {
    let holds_both = |folder: &Path| folder.join("initdb").is_file() && folder.join("postgres").is_file();
    if !holds_both(folder) {
        return None;
    }
    let real = folder.join("postgres").canonicalize().ok()?;
    let home = real.parent().filter(|home| holds_both(home)).unwrap_or(folder);
    home.canonicalize().ok()
}

/// The major version in an answer such as `postgres (PostgreSQL) 15.18 (Debian 15.18-0+deb12u1)`.
fn major_version(answer: &str) -> Option<u32> {
    first_number(answer.split_once("(PostgreSQL)")?.1)
}

/// The first run of digits of a text.
fn first_number(text: &str) -> Option<u32> {
    let digits = text.trim_start_matches(|c: char| !c.is_ascii_digit());
    let end = digits.find(|c: char| !c.is_ascii_digit()).unwrap_or(digits.len());
    digits[..end].parse().ok()
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::{PermissionsExt as _, symlink};

    use tools_kit::scratch::Scratch;

    use super::*;

    /// A folder with two programs that answer as PostgreSQL does.
    fn fake(folder: &Path, version: &str) {
        fs::create_dir_all(folder).unwrap();
        for name in ["initdb", "postgres"] {
            let program = folder.join(name);
            fs::write(&program, format!("#!/bin/sh\necho '{name} (PostgreSQL) {version}'\n")).unwrap();
            fs::set_permissions(&program, fs::Permissions::from_mode(0o755)).unwrap();
        }
    }

    #[test]
    fn versions_are_read_from_the_answer() {
        assert_eq!(major_version("postgres (PostgreSQL) 15.18 (Debian 15.18-0+deb12u1)"), Some(15));
        assert_eq!(major_version("postgres (PostgreSQL) 19beta2"), Some(19));
        assert_eq!(major_version("command not found"), None);
    }

    #[test]
    fn the_highest_version_of_a_place_comes_first() {
        let scratch = Scratch::new();
        for version in ["9.6", "15", "17"] {
            fs::create_dir_all(scratch.path().join(format!("usr/lib/postgresql/{version}/bin"))).unwrap();
        }
        let found = expand(scratch.path(), "/usr/lib/postgresql/*/bin");
        let versions: Vec<_> =
            found.iter().map(|f| f.parent().unwrap().file_name().unwrap().to_owned()).collect();
        assert_eq!(versions, ["17", "15", "9.6"]);
        assert!(expand(scratch.path(), "/opt/none*/bin").is_empty());
    }

    #[test]
    fn path_comes_before_the_usual_places() {
        let folders = installed(Some(OsStr::new("/first:/second")));
        assert_eq!(folders[..2], [PathBuf::from("/first"), PathBuf::from("/second")]);
    }

    #[test]
    fn links_lead_to_the_real_folder() {
        let scratch = Scratch::new();
        let (real, links) = (scratch.path().join("real"), scratch.path().join("links"));
        fake(&real, "16.1");
        fs::create_dir(&links).unwrap();
        for name in ["initdb", "postgres"] {
            symlink(real.join(name), links.join(name)).unwrap();
        }
        let found = Binaries::of(&links, &Account::Ourselves).unwrap();
        assert_eq!(found, Binaries { folder: real.canonicalize().unwrap(), major: 16 });
    }

    #[test]
    fn a_folder_with_a_client_only_is_passed_over() {
        let scratch = Scratch::new();
        fake(scratch.path(), "16.1");
        fs::remove_file(scratch.path().join("postgres")).unwrap();
        assert_eq!(Binaries::of(scratch.path(), &Account::Ourselves), None);
    }
}
