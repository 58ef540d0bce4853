//! PgBouncer before a throw-away PostgreSQL, in transaction mode.

use std::{
    fs::{self, File},
    net::TcpStream,
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

use anyhow::{Context as _, bail, ensure};
use tokio::{process::Command, time::sleep};
use tools_kit::{
    debian::Package,
    process::{self, Running},
};
use tools_postgres::account::Account;

const PGBOUNCER: Package = Package { name: "pgbouncer", program: "pgbouncer", version: "--version" };
/// From here on it can keep prepared statements.
const KEEPS_SINCE: (u32, u32) = (1, 21);
/// How long a client waits for a session before PgBouncer disconnects it; minutes by default.
pub(crate) const QUERY_WAIT_SECONDS: u64 = 3;
const START_LIMIT: Duration = Duration::from_secs(10);

/// A program of PgBouncer, and how old it is.
pub(crate) struct Program {
    path: PathBuf,
    variables: Vec<(&'static str, PathBuf)>,
    pub(crate) version: (u32, u32),
}

impl Program {
    /// The one that is named, or else the one that is installed or that Debian has.
    pub(crate) async fn find(named: Option<&Path>) -> anyhow::Result<Self> {
        let (path, variables) = if let Some(path) = named {
            (path.to_owned(), Vec::new())
        } else {
            let found = PGBOUNCER.obtain(&tools_postgres::cache::packages()?).await?;
            (found.path().to_owned(), found.variables())
        };
        let mut command = Command::new(&path);
        let words = process::capture(command.arg("--version").envs(variables.iter().cloned())).await?;
        let version = version(&words).with_context(|| format!("PgBouncer says of itself: {words}"))?;
        Ok(Self { path, variables, version })
    }

    pub(crate) fn can_keep_statements(&self) -> bool {
        self.version >= KEEPS_SINCE
    }
}

/// The two numbers of `PgBouncer 1.24.1`.
fn version(words: &str) -> Option<(u32, u32)> {
    let mut numbers = words.strip_prefix("PgBouncer ")?.split(|character: char| !character.is_ascii_digit());
    Some((numbers.next()?.parse().ok()?, numbers.next()?.parse().ok()?))
}

/// It runs for as long as this value lives.
pub(crate) struct Bouncer {
    url: String,
    _running: Running,
}

impl Bouncer {
    /// Starts it before the server of that address, with so many sessions to lend.
    pub(crate) async fn start(
        program: &Program,
        folder: &Path,
        server: &str,
        sessions: usize,
        keeps_statements: bool,
    ) -> anyhow::Result<Self> {
        ensure!(!keeps_statements || program.can_keep_statements(), "this PgBouncer cannot keep statements");
        let server = reqwest::Url::parse(server).context("the server has an odd address")?;
        let (user, password) = (server.username(), server.password().unwrap_or_default());
        let port = process::free_port()?;
        let place = folder.join(format!("pgbouncer-{port}"));
        fs::create_dir(&place).with_context(|| format!("cannot create {}", place.display()))?;
        let account = Account::choose()?;
        let (users, log, settings) = (place.join("users"), place.join("log"), place.join("pgbouncer.ini"));
        let statements = match (program.can_keep_statements(), keeps_statements) {
            (true, true) => "max_prepared_statements = 200",
            (true, false) => "max_prepared_statements = 0",
            // It does not know the word.
            (false, _) => "",
        };
        let text = format!(
            "[databases]\n* = host=127.0.0.1 port={server_port}\n\n[pgbouncer]\nlisten_addr = 127.0.0.1\n\
             listen_port = {port}\nunix_socket_dir =\nauth_type = scram-sha-256\nauth_file = {users}\n\
             pool_mode = transaction\ndefault_pool_size = {sessions}\nmax_client_conn = 200\n\
             query_wait_timeout = {QUERY_WAIT_SECONDS}\n{statements}\n",
            server_port = server.port().context("the server has no port")?,
            users = users.display(),
        );
        write(&users, &format!("\"{user}\" \"{password}\"\n"))?;
        write(&settings, &text)?;
        for path in [&place, &users, &settings] {
            account.own(path)?;
        }
        let words = || File::options().create(true).append(true).open(&log);
        let cannot = || format!("cannot write {}", log.display());
        let mut command = Command::from(account.command(&program.path));
        command.arg(&settings).envs(program.variables.iter().cloned());
        command.stdout(words().with_context(cannot)?).stderr(words().with_context(cannot)?);
        let running = Running::spawn(&mut command).context("cannot run pgbouncer")?;
        let since = Instant::now();
        while TcpStream::connect(("127.0.0.1", port)).is_err() {
            if since.elapsed() > START_LIMIT {
                let words = fs::read_to_string(&log).unwrap_or_default();
                bail!("PgBouncer does not listen; its last words:\n{}", process::tail(&words, 8));
            }
            sleep(Duration::from_millis(20)).await;
        }
        let mut url = server;
        url.set_port(Some(port)).map_err(|()| anyhow::anyhow!("the server has an odd address"))?;
        Ok(Self { url: url.into(), _running: running })
    }

    /// What leads through it to the server's database.
    pub(crate) fn url(&self) -> &str {
        &self.url
    }
}

fn write(path: &Path, text: &str) -> anyhow::Result<()> {
    fs::write(path, text).with_context(|| format!("cannot write {}", path.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_version_is_two_numbers() {
        assert_eq!(version("PgBouncer 1.18.0\nlibevent 2.1.12-stable\n"), Some((1, 18)));
        assert_eq!(version("PgBouncer 1.24.1"), Some((1, 24)));
        assert_eq!(version("pgbouncer"), None);
        assert!((1, 9) < KEEPS_SINCE && (1, 21) >= KEEPS_SINCE && (2, 0) >= KEEPS_SINCE);
    }
}
