//! `cargo xtask migrate new`: the two files of a migration, with a reminder of what makes one safe.

use std::{
    fs,
    path::{Path, PathBuf},
    time::SystemTime,
};

use anyhow::{Context as _, bail};
use tools_kit::workspace;

const UP: &str = "\
-- What changes, and why:

-- Old and new replicas run side by side while a release rolls out, so a change must suit both.
--
-- * Expand first, contract in a later release: add the column or table, let the code use it, remove the old one when
--   nothing reads it any more. Never rename or retype what is in use. What takes something away needs the comment
--   `-- contract: unneeded since 0.0.0`, with the number of a release that was made (migrations/README.md).
-- * A new column is nullable or has a constant default; both are instant. Fill it in batches, outside a migration.
-- * A statement that waits for its lock makes everybody else wait behind it. The lock_timeout that migrations run with
--   makes it give up; run it again when the table is calmer.
-- * An index on a table with rows: CREATE INDEX CONCURRENTLY, alone in its migration, and beside this file a
--   metadata.toml that says `run_in_transaction = false`. An interrupted one leaves an invalid index: drop it first.
-- * A check or foreign key: ADD CONSTRAINT ... NOT VALID here, VALIDATE CONSTRAINT in the next migration. NOT NULL: the
--   same with a check (column IS NOT NULL), then SET NOT NULL, which then need not read the table.
-- * `users` belongs to Better Auth: refer to it, never change it.
--
-- Then bring crates/adapters/src/schema.rs up to date; `cargo xtask migrate check` compares.
";

const DOWN: &str = "\
-- Takes back exactly what up.sql does, so that up, down and up again leave the same schema.
";

/// Makes the folder of a migration and says what to do next.
pub(crate) fn run(name: &str) -> anyhow::Result<()> {
    let now =
        SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).context("the clock stands before 1970")?;
    let folder = create(&workspace::root().join("migrations"), name, now.as_secs())?;
    println!(
        "Made {}: write up.sql and down.sql, then try them with `cargo xtask migrate check`.",
        shown(&folder)
    );
    Ok(())
}

fn create(migrations: &Path, name: &str, now: u64) -> anyhow::Result<PathBuf> {
    check_name(name)?;
    let taken = fs::read_dir(migrations).into_iter().flatten().flatten().any(|entry| {
        entry.file_name().to_string_lossy().split_once('_').is_some_and(|(_, existing)| existing == name)
    });
    if taken {
        bail!("there is a migration of the name {name} already: choose another name");
    }
    let folder = migrations.join(format!("{}_{name}", stamp(now)));
    fs::create_dir_all(&folder).with_context(|| format!("cannot create {}", folder.display()))?;
    for (file, text) in [("up.sql", UP), ("down.sql", DOWN)] {
        fs::write(folder.join(file), text)
            .with_context(|| format!("cannot write {file} in {}", folder.display()))?;
    }
    Ok(folder)
}

fn check_name(name: &str) -> anyhow::Result<()> {
    let known = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_';
    if name.is_empty() || !name.chars().all(known) || !name.starts_with(|c: char| c.is_ascii_lowercase()) {
        bail!("a migration's name is made of a-z, 0-9 and _, such as add_task_version, not {name:?}");
    }
    Ok(())
}

/// A moment as `2026-11-23-114500`, in UTC.
fn stamp(now: u64) -> String {
    let (days, seconds) = (now / 86_400, now % 86_400);
    let (year, month, day) = civil(days);
    let (hour, minute, second) = (seconds / 3600, seconds / 60 % 60, seconds % 60);
    format!("{year:04}-{month:02}-{day:02}-{hour:02}{minute:02}{second:02}")
}

/// The date that many days after 1970-01-01.
fn civil(mut days: u64) -> (u64, u64, u64) {
    let leap = |year: u64| year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400));
    let mut year = 1970;
    while days >= 365 + u64::from(leap(year)) {
        days -= 365 + u64::from(leap(year));
        year += 1;
    }
    let lengths = [31, 28 + u64::from(leap(year)), 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];
    let mut month = 1;
    for length in lengths {
        if days < length {
            break;
        }
        days -= length;
        month += 1;
    }
    (year, month, days + 1)
}

fn shown(path: &Path) -> String {
    path.strip_prefix(workspace::root()).unwrap_or(path).display().to_string()
}

#[cfg(test)]
mod tests {
    use tools_kit::scratch::Scratch;

    use super::*;

    #[test]
    fn a_stamp_sorts_by_time() {
        assert_eq!(stamp(0), "1970-01-01-000000");
        assert_eq!(stamp(951_782_400), "2000-02-29-000000");
        assert_eq!(stamp(1_795_434_300), "2026-11-23-114500");
        assert_eq!(stamp(4_107_542_399), "2100-02-28-235959");
        assert_eq!(stamp(4_107_542_400), "2100-03-01-000000");
    }

    #[test]
    fn the_two_files_are_made_once() {
        let scratch = Scratch::new();
        let folder = create(scratch.path(), "add_version", 1_795_434_300).unwrap();
        assert_eq!(folder.file_name().unwrap(), "2026-11-23-114500_add_version");
        assert!(fs::read_to_string(folder.join("up.sql")).unwrap().contains("CONCURRENTLY"));
        assert!(folder.join("down.sql").is_file());
        let error = create(scratch.path(), "add_version", 1_795_434_301).unwrap_err().to_string();
        assert!(error.contains("already"), "{error}");
    }

    #[test]
    fn a_name_that_would_not_sort_or_read_well_is_refused() {
        for name in ["", "Add", "add-version", "../x", "1st", "_x", "a b"] {
            assert!(check_name(name).is_err(), "{name}");
        }
        check_name("add_version_2").unwrap();
    }
}
