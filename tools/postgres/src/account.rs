//! Who the server runs as. PostgreSQL refuses to run as root, so root hands it to an unprivileged account.

use std::{
    fs,
    os::unix::{fs::chown, process::CommandExt as _},
    path::Path,
    process::{Command, Stdio},
};

use anyhow::{Context as _, anyhow};

/// The account of the server: ourselves, or for root another one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Account {
    /// The account of this process.
    Ourselves,
    /// Another account, which root hands the server to.
    Other {
        /// Its user.
        uid: u32,
        /// Its group.
        gid: u32,
    },
}

impl Account {
    /// `postgres` if that account exists, else `nobody`; a person who is not root keeps their own.
    pub fn choose() -> anyhow::Result<Self> {
        if !rustix::process::geteuid().is_root() {
            return Ok(Self::Ourselves);
        }
        let accounts = fs::read_to_string("/etc/passwd").context("cannot read /etc/passwd")?;
        ["postgres", "nobody"].iter().find_map(|name| find(&accounts, name)).ok_or_else(|| {
            anyhow!(
                "PostgreSQL refuses to run as root, and there is neither an account `postgres` nor `nobody` to give it \
                 to: run the command as an ordinary user"
            )
        })
    }

    /// A command that runs as this account, in a folder that it can certainly enter, without any setting of a
    /// PostgreSQL client that the person may have.
    pub fn command(&self, program: impl AsRef<Path>) -> Command {
        let mut command = Command::new(program.as_ref());
        // Setting the user as root also drops root's supplementary groups.
        if let Self::Other { uid, gid } = self {
            command.uid(*uid).gid(*gid);
        }
        for (name, _) in std::env::vars_os() {
            if name.to_string_lossy().starts_with("PG") {
                command.env_remove(name);
            }
        }
        command.current_dir("/").stdin(Stdio::null());
        command
    }

    /// Whether the account can enter a folder: below `/root`, say, another one cannot.
    #[must_use]
    pub fn can_enter(&self, folder: &Path) -> bool {
        *self == Self::Ourselves
            || self
                .command("/bin/sh")
                .args(["-c", "cd \"$1\"", "sh"])
                .arg(folder)
                .stderr(Stdio::null())
                .status()
                .is_ok_and(|status| status.success())
    }

    /// Hands a file or a folder to the account.
    pub fn own(&self, path: &Path) -> anyhow::Result<()> {
        match self {
            Self::Ourselves => Ok(()),
            Self::Other { uid, gid } => chown(path, Some(*uid), Some(*gid))
                .with_context(|| format!("cannot hand {} to the account of PostgreSQL", path.display())),
        }
    }
}

/// An account of the list in the form of `/etc/passwd`.
fn find(accounts: &str, name: &str) -> Option<Account> {
    let fields: Vec<&str> =
        accounts.lines().map(|line| line.split(':').collect::<Vec<_>>()).find(|f| f[0] == name)?;
    Some(Account::Other { uid: fields.get(2)?.parse().ok()?, gid: fields.get(3)?.parse().ok()? })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_account_is_found_by_its_whole_name() {
        let accounts =
            "root:x:0:0::/root:/bin/sh\npostgresql:x:1:1::/:/bin/sh\npostgres:x:101:104::/:/bin/sh\nbad\n";
        assert_eq!(find(accounts, "postgres"), Some(Account::Other { uid: 101, gid: 104 }));
        assert_eq!(find(accounts, "nobody"), None);
        assert_eq!(find(accounts, "bad"), None);
    }
}
