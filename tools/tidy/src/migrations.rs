//! Every migration can be taken back.

use std::{fs, path::Path};

use anyhow::Context as _;

use crate::violation::Violation;

pub(crate) fn check(folder: &Path) -> Vec<Violation> {
    let entries = match entries(folder) {
        Ok(entries) => entries,
        Err(error) => return vec![Violation::new("migrations", format!("{error:#}"))],
    };
    let folders = entries.iter().filter(|entry| entry.path().is_dir());
    folders.flat_map(|entry| check_one(&entry.path(), &entry.file_name().to_string_lossy())).collect()
}

fn check_one(folder: &Path, name: &str) -> Vec<Violation> {
    let mut violations = Vec::new();
    if !has_stamp(name) {
        let rule =
            "is not named like 2026-11-23-114500_what_it_does, so it may not sort after those before it";
        violations.push(Violation::new(format!("migrations/{name}"), rule));
    }
    for file in ["up.sql", "down.sql"] {
        let text = fs::read_to_string(folder.join(file)).unwrap_or_default();
        let says_something =
            text.lines().any(|line| !line.trim().is_empty() && !line.trim().starts_with("--"));
        if !says_something {
            violations.push(Violation::new(
                format!("migrations/{name}/{file}"),
                "is missing or holds no statement",
            ));
        }
    }
    violations
}

/// The entries of a folder, by name.
fn entries(folder: &Path) -> anyhow::Result<Vec<fs::DirEntry>> {
    let read = fs::read_dir(folder).and_then(Iterator::collect::<Result<Vec<_>, _>>);
    let mut entries = read.with_context(|| format!("cannot read {}", folder.display()))?;
    entries.sort_by_key(fs::DirEntry::file_name);
    Ok(entries)
}

/// Whether a name begins with a date and a time as `cargo xtask migrate new` writes them.
fn has_stamp(name: &str) -> bool {
    let Some((stamp, what)) = name.split_once('_') else { return false };
    let parts: Vec<&str> = stamp.split('-').collect();
    let lengths: Vec<usize> = parts.iter().map(|part| part.len()).collect();
    let digits = parts.iter().all(|part| part.chars().all(|c| c.is_ascii_digit()));
    lengths == [4, 2, 2, 6] && digits && !what.is_empty()
}

#[cfg(test)]
mod tests {
    use tools_kit::scratch::Scratch;

    use super::*;

    #[test]
    fn a_migration_goes_both_ways() {
        let scratch = Scratch::new();
        let folder = scratch.path().join("2026-11-23-114500_add");
        fs::create_dir(&folder).unwrap();
        fs::write(scratch.path().join("README.md"), "how to").unwrap();
        fs::write(folder.join("up.sql"), "CREATE TABLE a ();").unwrap();
        fs::write(folder.join("down.sql"), "-- nothing\n").unwrap();
        let place = "migrations/2026-11-23-114500_add/down.sql";
        assert_eq!(check(scratch.path()), [Violation::new(place, "is missing or holds no statement")]);
        fs::write(folder.join("down.sql"), "DROP TABLE a;").unwrap();
        assert!(check(scratch.path()).is_empty());
    }

    #[test]
    fn names_sort_by_time() {
        assert!(has_stamp("2026-11-23-000000_create_tasks"));
        for name in [
            "create_tasks",
            "20261123_create",
            "2026-11-23_create",
            "2026-11-23-000000",
            "2026-11-23-000000_",
        ] {
            assert!(!has_stamp(name), "{name}");
        }
    }
}
