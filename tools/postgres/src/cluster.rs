//! A data folder: made once by `initdb`, whole or not at all.

use std::{
    fs::{self, OpenOptions},
    io::Write as _,
    os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _},
    path::PathBuf,
};

use anyhow::{Context as _, bail};
use tools_kit::{process, workspace};

use crate::{account::Account, binaries::Binaries};

/// The superuser of our own servers.
pub(crate) const SUPERUSER: &str = "postgres";

/// Where the data of one server lives: a folder that belongs to the server's account.
#[derive(Clone, Debug)]
pub(crate) struct Cluster {
    home: PathBuf,
    account: Account,
    purpose: Purpose,
}

/// What the data is worth.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Purpose {
    /// It is a person's: the server writes it as safely as any.
    Keep,
    /// It is a test's: the server never waits for a disk.
    ThrowAway,
    /// It is a test's of TLS and SCRAM: otherwise as a throw-away one.
    Encrypted,
    /// It is a measurement's: the server writes it as safely as a person's, and it is worth nothing afterwards.
    Measure,
    /// It is for fault injection, on a small disk of its own: as safe as a measurement's, and worth as little afterwards.
    OnSmallDisk,
}

impl Cluster {
    /// Takes the folder `home` for the server's account, creating it if it is missing.
    pub(crate) fn at(home: PathBuf, account: Account, purpose: Purpose) -> anyhow::Result<Self> {
        fs::DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(&home)
            .with_context(|| format!("cannot create {}", home.display()))?;
        account.own(&home)?;
        Ok(Self { home, account, purpose })
    }

    pub(crate) fn data(&self) -> PathBuf {
        self.home.join("data")
    }

    pub(crate) fn account(&self) -> &Account {
        &self.account
    }

    pub(crate) fn purpose(&self) -> Purpose {
        self.purpose
    }

    /// The major version that made the data, if there is any.
    pub(crate) fn version(&self) -> anyhow::Result<Option<u32>> {
        let path = self.data().join("PG_VERSION");
        match fs::read_to_string(&path) {
            Ok(text) => text.trim().parse().map(Some).with_context(|| format!("{} is not a version", path.display())),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error).with_context(|| {
                format!(
                    "cannot read {}: the data was made by another user of this machine. Run the command as that user, \
                     or delete {} to begin anew",
                    path.display(),
                    self.home.display()
                )
            }),
        }
    }

    /// Makes the data if there is none. It is made under another name and then renamed, so that an interrupted
    /// `initdb` never passes for data.
    pub(crate) async fn initialise(&self, binaries: &Binaries) -> anyhow::Result<()> {
        self.remove_unfinished();
        let unfinished = self.home.join(format!("unfinished-{}", std::process::id()));
        self.write_password(&workspace::random_hex(32)?)?;
        let mut initdb = self.account.command(binaries.program("initdb"));
        initdb.arg("-D").arg(&unfinished).arg("--pwfile").arg(self.password_file());
        // Not every system has a locale that knows Unicode and none of its orders; the schema names its own order.
        let locale = if cfg!(target_os = "macos") { "--locale=C" } else { "--locale=C.UTF-8" };
        initdb.args(["-U", SUPERUSER, "-E", "UTF8", locale]).args(self.authentication(binaries.major));
        process::capture(&mut initdb.into())
            .await
            .context("PostgreSQL's initdb could not make a data folder")?;
        fs::rename(&unfinished, self.data())
            .with_context(|| format!("cannot create {}", self.data().display()))
    }

    /// The address of a database on the server of this data.
    pub(crate) fn url(&self, port: u16, database: &str) -> anyhow::Result<String> {
        let path = self.password_file();
        let password = fs::read_to_string(&path).with_context(|| {
            format!("cannot read {}: delete {} to begin anew", path.display(), self.home.display())
        })?;
        // TLS to oneself would only cost time.
        Ok(format!("postgres://{SUPERUSER}:{password}@127.0.0.1:{port}/{database}?sslmode=disable"))
    }

    /// Keeps the password of another one, for data that is a copy of its data.
    pub(crate) fn share_password(&self, other: &Self) -> anyhow::Result<()> {
        let path = other.password_file();
        let password =
            fs::read_to_string(&path).with_context(|| format!("cannot read {}", path.display()))?;
        self.write_password(&password)
    }

    /// The superuser's password lies beside the data, so that it is there as long as they are.
    fn password_file(&self) -> PathBuf {
        self.home.join("password")
    }

    /// A server checks passwords by SCRAM. A test's server, on loopback, spares its thousands of connections the thousands
    /// of rounds of a hash that SCRAM takes, which are half of what a connection costs.
    fn authentication(&self, major: u32) -> &'static [&'static str] {
        match self.purpose {
            Purpose::Keep | Purpose::Measure | Purpose::OnSmallDisk => &["--auth=scram-sha-256"],
            Purpose::Encrypted => &["--auth=scram-sha-256", "--no-sync"],
            Purpose::ThrowAway if major < 16 => &["--auth=md5", "--no-sync"],
            Purpose::ThrowAway => &["--auth=password", "--set=scram_iterations=1", "--no-sync"],
        }
    }

    /// What a killed run left behind. Where something cannot be removed it only takes room.
    fn remove_unfinished(&self) {
        for entry in fs::read_dir(&self.home).into_iter().flatten().flatten() {
            if entry.file_name().to_string_lossy().starts_with("unfinished-") {
                let _ = fs::remove_dir_all(entry.path());
            }
        }
    }

    fn write_password(&self, password: &str) -> anyhow::Result<()> {
        let path = self.password_file();
        // An earlier one may be of another user, who could still read what is written into it.
        let _ = fs::remove_file(&path);
        let created = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&path);
        created
            .and_then(|mut file| file.write_all(password.as_bytes()))
            .with_context(|| format!("cannot write {}", path.display()))?;
        self.account.own(&path)
    }

    /// Refuses a server of another major version than the data's: PostgreSQL does not read it.
    pub(crate) fn check_version(&self, binaries: &Binaries) -> anyhow::Result<()> {
        match self.version()? {
            Some(data) if data != binaries.major => bail!(
                "the development data was made by PostgreSQL {data}, and the PostgreSQL here is {here}. Install version \
                 {data} or set PG_BIN_DIR to its programs; or delete {home} to begin anew with version {here} (the tasks in \
                 it are lost)",
                here = binaries.major,
                home = self.home.display()
            ),
            _ => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use tools_kit::scratch::Scratch;

    use super::*;

    #[test]
    fn data_of_another_version_is_refused_with_a_way_out() {
        let scratch = Scratch::new();
        let cluster =
            Cluster::at(scratch.path().join("postgres"), Account::Ourselves, Purpose::Keep).unwrap();
        assert_eq!(cluster.version().unwrap(), None);
        fs::create_dir(cluster.data()).unwrap();
        fs::write(cluster.data().join("PG_VERSION"), "15\n").unwrap();
        let binaries = |major| Binaries { folder: PathBuf::from("/"), major };
        cluster.check_version(&binaries(15)).unwrap();
        let error = cluster.check_version(&binaries(18)).unwrap_err().to_string();
        assert!(error.contains("PostgreSQL 15") && error.contains("PG_BIN_DIR"), "{error}");
    }
}
