//! The program with nothing to write to and no host to reach: a root that is read-only and holds only the program, its
//! libraries and certificate authorities, and a network of loopback alone. The database is a socket in its root.

use std::{
    fs::{self, File},
    io::ErrorKind,
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

use anyhow::{Context as _, anyhow, bail, ensure};
use serde_json::Value;
use task_adapters::{Database, migrations};
use tokio::process::Command;
use tools_kit::{
    process::{self, Running},
    program::{self, Profile},
    report, token, workspace,
};
use tools_postgres::{
    stand_in_users::{self, DEMO_USER},
    throwaway::{self, ThrowAway},
};

use crate::deploy::{python, socket::Socket};

const PROGRAM: &str = "/usr/local/bin/task-api";
/// Where the socket of the database is, seen from inside.
const SOCKET: &str = "/run/postgresql";
/// Its own network has every port free, whatever else runs on the machine.
const PORTS: [(&str, &str); 3] = [("SERVICE_PORT", "8080"), ("METRICS_PORT", "9464"), ("KEYS_PORT", "3000")];
const TOKEN_TTL: Duration = Duration::from_mins(10);
/// Many times what a start takes.
const START_LIMIT: Duration = Duration::from_secs(20);

/// Locks the program in, uses it, and returns its metrics.
pub(crate) async fn check(programs: &Path) -> anyhow::Result<String> {
    python::ensure("bwrap", "bubblewrap").await?;
    let program = program::build(Profile::Dev).await?;
    let database = throwaway::start().await?;
    stand_in_users::provide_user(&tools_postgres::connect(database.url()).await?).await?;
    migrations::run(&Database::parse(database.url())?).await?;
    report::step("The program with a read-only root and without a network", async {
        let inside = Inside::start(&program, &database).await?;
        let used = inside.use_it(programs, &program).await;
        let last_words = || process::tail(&inside.log(), 8);
        used.map_err(|error| anyhow!("{error:#}\nThe log of the service ends with:\n{}", last_words()))
    })
    .await
}

/// The program, locked in.
struct Inside {
    // Dropped in this order: the program ends before the socket goes.
    _running: Running,
    _socket: Socket,
    /// A process that has its root and its network.
    pid: u32,
    log: PathBuf,
    secret: String,
}

impl Inside {
    async fn start(program: &Path, database: &ThrowAway) -> anyhow::Result<Self> {
        let (server, url) = through_socket(database.url())?;
        let socket = Socket::listen(server.parse()?)?;
        let log = database.folder().join("task-api.log");
        let file = File::create(&log).with_context(|| format!("cannot write {}", log.display()))?;
        let secret = workspace::random_hex(32)?;
        let status = database.folder().join("inside.json");
        let mut bwrap = bwrap(&status, program, socket.folder(), &libraries(program).await?);
        for (name, value) in variables(&url, &secret) {
            bwrap.args(["--setenv", name, &value]);
        }
        bwrap.arg(PROGRAM).stdout(file.try_clone()?).stderr(file);
        let mut running = Running::spawn(&mut bwrap).context("cannot run bwrap")?;
        let since = Instant::now();
        loop {
            let words = fs::read_to_string(&log).unwrap_or_default();
            let told = fs::read_to_string(&status).unwrap_or_default();
            if let Some(pid) = process_inside(&told).filter(|_| words.contains("\"listening\"")) {
                return Ok(Self { _running: running, _socket: socket, pid, log, secret });
            }
            if running.child().try_wait()?.is_some() || since.elapsed() > START_LIMIT {
                bail!("task-api does not start in there; its last words:\n{}", process::tail(&words, 8));
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }

    /// Sees that nothing can be written, and uses it from within its network.
    async fn use_it(&self, programs: &Path, program: &Path) -> anyhow::Result<String> {
        let mounts = format!("/proc/{}/mountinfo", self.pid);
        let mounts = fs::read_to_string(&mounts).with_context(|| format!("cannot read {mounts}"))?;
        let writable = writable(&mounts);
        ensure!(writable.is_empty(), "these can be written to: {}", writable.join(", "));
        let attempt = fs::write(format!("/proc/{}/root/written", self.pid), "");
        let refused = attempt.as_ref().is_err_and(|error| error.kind() == ErrorKind::ReadOnlyFilesystem);
        ensure!(refused, "the root is not read-only: writing to it gives {attempt:?}");
        let user = stand_in_users::path_segment(DEMO_USER);
        let token = token::issue(&self.secret, DEMO_USER, TOKEN_TTL)?;
        let mut python = self.enter(&programs.join("python"));
        python.arg("tools/checks/deploy/inside.py").envs(PORTS);
        python.env("TASK_API_USER", user).env("TASK_API_TOKEN", token);
        let metrics = process::capture(&mut python).await?;
        process::capture(self.enter(program).arg("health").env("PORT", PORTS[0].1)).await?;
        Ok(metrics)
    }

    /// A program of this machine in the network of the service.
    fn enter(&self, program: &Path) -> Command {
        let mut command = Command::new("nsenter");
        command.args(["--target", &self.pid.to_string(), "--user", "--net", "--preserve-credentials"]);
        command.arg(program);
        command
    }

    fn log(&self) -> String {
        fs::read_to_string(&self.log).unwrap_or_default()
    }
}

/// Host and port of a database, and its address through the socket.
fn through_socket(url: &str) -> anyhow::Result<(String, String)> {
    let (user, rest) = url.rsplit_once('@').context("the address of the database names no user")?;
    let (server, name) = rest.split_once('/').context("the address of the database names none")?;
    let name = name.split('?').next().unwrap_or(name);
    let url = format!("{user}@{}:5432/{name}?sslmode=disable", SOCKET.replace('/', "%2F"));
    Ok((server.to_owned(), url))
}

fn variables(url: &str, secret: &str) -> Vec<(&'static str, String)> {
    let [(_, port), (_, metrics), (_, keys)] = PORTS;
    vec![
        ("DATABASE_URL", url.to_owned()),
        ("BETTER_AUTH_SECRET", secret.to_owned()),
        ("AUTH_JWKS_URL", format!("http://127.0.0.1:{keys}/api/auth/jwks")),
        ("PORT", port.to_owned()),
        ("METRICS_ADDR", format!("127.0.0.1:{metrics}")),
        ("RATE_LIMIT_PER_MINUTE", "1000".to_owned()),
        ("RATE_LIMIT_FAILED_AUTH_PER_MINUTE", "1".to_owned()),
        ("LOG_FORMAT", "json".to_owned()),
        ("WORKERS", "2".to_owned()),
    ]
}

/// A root with the program, its libraries, certificate authorities and the socket; no device, no /proc, no shell.
/// What bwrap says about it goes to the file `status`.
fn bwrap(status: &Path, program: &Path, socket: &Path, libraries: &[String]) -> Command {
    let mut bwrap = Command::new("sh");
    // It takes the number of an open file for that, which a shell alone can give it.
    bwrap
        .args(["-c", "status=$1; shift; exec bwrap --json-status-fd 3 \"$@\" 3>\"$status\"", "sh"])
        .arg(status);
    bwrap.args(["--unshare-all", "--die-with-parent", "--new-session", "--clearenv", "--cap-drop", "ALL"]);
    bwrap.args(["--uid", "65532", "--gid", "65532"]);
    bwrap.arg("--ro-bind").arg(program).arg(PROGRAM);
    bwrap.arg("--ro-bind").arg(socket).arg(SOCKET);
    for path in libraries.iter().map(String::as_str).chain(["/etc/ssl/certs", "/usr/share/ca-certificates"]) {
        bwrap.args(["--ro-bind-try", path, path]);
    }
    bwrap.args(["--remount-ro", "/", "--chdir", "/"]);
    bwrap
}

/// The files that the program is linked with.
async fn libraries(program: &Path) -> anyhow::Result<Vec<String>> {
    let list = process::capture(Command::new("ldd").arg(program)).await?;
    Ok(list.split_whitespace().filter(|word| word.starts_with('/')).map(str::to_owned).collect())
}

/// The number of a process inside, which bwrap says in a line of JSON.
fn process_inside(told: &str) -> Option<u32> {
    let lines = told.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
    lines.filter_map(|line| line["child-pid"].as_u64()).find_map(|pid| u32::try_from(pid).ok())
}

/// The places in a list of mounts that can be written to: the sixth word of a line is how it is mounted.
fn writable(mounts: &str) -> Vec<&str> {
    let lines = mounts.lines().map(|line| line.split(' ').collect::<Vec<_>>());
    let mounts = lines.filter_map(|words| Some((*words.get(4)?, *words.get(5)?)));
    mounts
        .filter(|(_, options)| !options.split(',').any(|option| option == "ro"))
        .map(|(place, _)| place)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_database_is_named_by_its_socket() {
        let (server, url) =
            through_socket("postgresql://postgres:s3cret@127.0.0.1:4711/x?sslmode=disable").unwrap();
        assert_eq!(server, "127.0.0.1:4711");
        assert_eq!(url, "postgresql://postgres:s3cret@%2Frun%2Fpostgresql:5432/x?sslmode=disable");
        assert_eq!(Database::parse(&url).unwrap().address(), "/run/postgresql:5432/x");
    }

    #[test]
    fn what_can_be_written_to_is_found() {
        let mounts = "10 9 0:1 / / ro,nosuid - tmpfs tmpfs rw\n11 10 0:2 / /tmp rw,nosuid - tmpfs tmpfs rw\n";
        assert_eq!(writable(mounts), ["/tmp"]);
    }

    #[test]
    fn the_process_is_found_in_what_bwrap_says() {
        assert_eq!(process_inside("{ \"child-pid\": 4711, \"cgroup-namespace\": 1 }\n{ \"exit-"), Some(4711));
        assert_eq!(process_inside("{ \"exit-code\": 1 }"), None);
    }
}
