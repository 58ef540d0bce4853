//! Where the tools keep PostgreSQL's data and the programs that they fetched.

use std::{
    fs::{self, DirBuilder},
    hash::{DefaultHasher, Hash as _, Hasher as _},
    os::unix::fs::{DirBuilderExt as _, MetadataExt as _},
    path::PathBuf,
};

use anyhow::{Context as _, ensure};
use tools_kit::workspace;

use crate::account::Account;

/// The folder of fetched programs, which the servers' account can enter.
pub fn packages() -> anyhow::Result<PathBuf> {
    of(&Account::choose()?)
}

/// The same folder, for an account that is known.
pub(crate) fn of(account: &Account) -> anyhow::Result<PathBuf> {
    Ok(home(account)?.join("packages"))
}

/// The folder of data and fetched programs: `.dev` of the checkout; or, where the server's account cannot enter the
/// checkout (root's own folder is closed to others), one outside that is named after it.
pub(crate) fn home(account: &Account) -> anyhow::Result<PathBuf> {
    let inside = workspace::dev_dir()?;
    if account.can_enter(&inside) {
        return Ok(inside);
    }
    let mut hasher = DefaultHasher::new();
    workspace::root().hash(&mut hasher);
    let outside = PathBuf::from(format!("/var/tmp/task-api-{:016x}", hasher.finish()));
    let _ = DirBuilder::new().mode(0o711).create(&outside);
    let found = fs::symlink_metadata(&outside)
        .with_context(|| format!("cannot create {}, which the server needs", outside.display()))?;
    // Every user can write to the folder above: another one may have made this one first.
    ensure!(
        found.is_dir() && found.uid() == rustix::process::geteuid().as_raw(),
        "{} belongs to another user: remove it",
        outside.display()
    );
    Ok(outside)
}
