//! A running server: started, watched, stopped.

use std::{
    fs::{self, File},
    os::unix::process::CommandExt as _,
    path::Path,
    process::{Child, Command, ExitStatus, Stdio},
    time::{Duration, Instant},
};

use anyhow::{Context as _, bail};
use rustix::process::{Pid, Signal, kill_process};
use tools_kit::process;

use crate::{
    binaries::Binaries,
    cluster::{Cluster, Purpose},
    pidfile::PidFile,
};

/// How long a start may take: recovery after a crash replays what was written last.
const START_LIMIT: Duration = Duration::from_mins(2);
/// How long a server may take to end in good order before it is ended at once.
const STOP_LIMIT: Duration = Duration::from_secs(30);
const POLL: Duration = Duration::from_millis(10);

/// Never waits for a disk, and spends nothing on replicas: the data of a test is worth nothing after it. Each test opens
/// pools of its own, and many run at once.
const FAST_AND_UNSAFE: [&str; 8] = [
    "fsync=off",
    "synchronous_commit=off",
    "full_page_writes=off",
    "wal_level=minimal",
    "max_wal_senders=0",
    "autovacuum=off",
    // Nothing that a test asks for takes as long as its compilation.
    "jit=off",
    "max_connections=400",
];
/// Durable, as in production. No checkpoint and no vacuum falls into one turn and not into another: the log has room for
/// what a load of ten million tasks writes.
const DURABLE_AND_EVEN: [&str; 6] = [
    "fsync=on",
    "synchronous_commit=on",
    "max_connections=200",
    "max_wal_size=32GB",
    "checkpoint_timeout=1h",
    "autovacuum=off",
];

/// Durable, and with a log that cannot fill a small disk by itself; otherwise as PostgreSQL comes.
const DURABLE_AND_SMALL: [&str; 4] =
    ["fsync=on", "synchronous_commit=on", "max_connections=200", "max_wal_size=128MB"];

/// A server that ends with this value, and with this process however that ends.
pub struct Server {
    child: Child,
    watcher: Child,
    port: u16,
    purpose: Purpose,
}

impl Server {
    /// Starts a server on a data folder and waits until it answers.
    pub(crate) async fn start(cluster: &Cluster, binaries: &Binaries, log: &Path) -> anyhow::Result<Self> {
        stop_leftover(&cluster.data()).await?;
        for _ in 0..3 {
            let port = process::free_port()?;
            let mut server = Self::spawn(cluster, binaries, port, log)?;
            let ended = server.wait_until_ready(&cluster.data()).await;
            match ended.with_context(|| format!("the last words of PostgreSQL:\n{}", last_words(log)))? {
                None => return Ok(server),
                // Another process took the port between our look and the server's.
                Some(_) if said(log, "could not bind") => {}
                Some(status) => {
                    bail!("PostgreSQL ended at its start ({status}); its last words:\n{}", last_words(log))
                }
            }
        }
        bail!("PostgreSQL found no free port in three tries; its last words:\n{}", last_words(log))
    }

    /// Ends the main process by `kill -9`, which leaves it no time to tell its children, and starts the server anew at the
    /// same address, as a supervisor would.
    pub(crate) async fn kill_and_start_again(
        &mut self,
        cluster: &Cluster,
        binaries: &Binaries,
        log: &Path,
    ) -> anyhow::Result<()> {
        self.signal(Signal::KILL);
        self.child.wait().context("cannot watch PostgreSQL")?;
        self.start_again(cluster, binaries, log).await
    }

    /// Starts the server anew, which has ended, at the same address.
    pub(crate) async fn start_again(
        &mut self,
        cluster: &Cluster,
        binaries: &Binaries,
        log: &Path,
    ) -> anyhow::Result<()> {
        let since = Instant::now();
        while since.elapsed() < START_LIMIT {
            stop_leftover(&cluster.data()).await?;
            *self = Self::spawn(cluster, binaries, self.port, log)?;
            if self.wait_until_ready(&cluster.data()).await?.is_none() {
                return Ok(());
            }
            // Its children notice within a moment that it is gone; until the last of them has ended, no other may begin.
            if !["shared memory block", "could not bind"].iter().any(|words| said(log, words)) {
                break;
            }
            tokio::time::sleep(POLL).await;
        }
        bail!("PostgreSQL does not start again; its last words:\n{}", last_words(log))
    }

    /// Where it listens on 127.0.0.1.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.port
    }

    /// The process that all others of the server are children of.
    #[must_use]
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Whether its main process has ended.
    pub fn has_ended(&mut self) -> anyhow::Result<bool> {
        Ok(self.child.try_wait().context("cannot watch PostgreSQL")?.is_some())
    }

    fn spawn(cluster: &Cluster, binaries: &Binaries, port: u16, log: &Path) -> anyhow::Result<Self> {
        let words = File::create(log).with_context(|| format!("cannot write {}", log.display()))?;
        let again = words.try_clone().with_context(|| format!("cannot write {}", log.display()))?;
        let mut command = cluster.account().command(binaries.program("postgres"));
        command.arg("-D").arg(cluster.data()).args(["-h", "127.0.0.1", "-k", "", "-p", &port.to_string()]);
        command.args(settings(cluster.purpose()).iter().flat_map(|setting| ["-c", setting]));
        if cluster.purpose() == Purpose::Measure {
            command.args(["-c", &format!("shared_buffers={}MB", quarter_of_memory_mb())]);
        }
        // A group of its own: Ctrl-C on the keyboard must not end the server before those who use it.
        let mut child = command
            .process_group(0)
            .stdout(words)
            .stderr(again)
            .spawn()
            .with_context(|| format!("cannot run {}", binaries.program("postgres").display()))?;
        match watch(child.id(), ending(cluster.purpose()).1) {
            Ok(watcher) => Ok(Self { child, watcher, port, purpose: cluster.purpose() }),
            Err(error) => {
                let _ = child.kill();
                let _ = child.wait();
                Err(error)
            }
        }
    }

    /// Waits until the server is ready, or returns how it ended.
    async fn wait_until_ready(&mut self, data: &Path) -> anyhow::Result<Option<ExitStatus>> {
        let since = Instant::now();
        while since.elapsed() < START_LIMIT {
            if let Some(status) = self.child.try_wait().context("cannot watch PostgreSQL")? {
                return Ok(Some(status));
            }
            let ours = |file: &PidFile| u32::try_from(file.pid).is_ok_and(|pid| pid == self.child.id());
            if PidFile::read(data).filter(ours).is_some_and(|file| file.ready) {
                return Ok(None);
            }
            tokio::time::sleep(POLL).await;
        }
        bail!("PostgreSQL was not ready after {} s", START_LIMIT.as_secs())
    }

    /// Sends a signal, unless the server has ended: its number may be another process's by now.
    fn signal(&mut self, signal: Signal) {
        if !matches!(self.child.try_wait(), Ok(None)) {
            return;
        }
        if let Some(pid) = i32::try_from(self.child.id()).ok().and_then(Pid::from_raw) {
            let _ = kill_process(pid, signal);
        }
    }

    fn ends_within(&mut self, limit: Duration) -> bool {
        let since = Instant::now();
        while since.elapsed() < limit {
            if !matches!(self.child.try_wait(), Ok(None)) {
                return true;
            }
            std::thread::sleep(POLL);
        }
        false
    }
}

impl Drop for Server {
    /// Ends the server in good order, or at once where its data is worth nothing.
    fn drop(&mut self) {
        let _ = self.watcher.kill();
        let _ = self.watcher.wait();
        self.signal(ending(self.purpose).0);
        if !self.ends_within(STOP_LIMIT) {
            // Ends at once; the write-ahead log keeps the data whole.
            self.signal(Signal::QUIT);
            if !self.ends_within(STOP_LIMIT) {
                self.signal(Signal::KILL);
                let _ = self.child.wait();
            }
        }
    }
}

/// The signal that ends a server, and its name for a shell: a kept one disconnects its clients and writes everything, a
/// throw-away one just ends.
fn ending(purpose: Purpose) -> (Signal, &'static str) {
    match purpose {
        Purpose::Keep => (Signal::INT, "INT"),
        Purpose::ThrowAway | Purpose::Encrypted | Purpose::Measure | Purpose::OnSmallDisk => {
            (Signal::QUIT, "QUIT")
        }
    }
}

/// What PostgreSQL's documentation recommends for `shared_buffers`, within reason.
fn quarter_of_memory_mb() -> u64 {
    let text = fs::read_to_string("/proc/meminfo").unwrap_or_default();
    let total = text.lines().find_map(|line| line.strip_prefix("MemTotal:")?.split_whitespace().next());
    let kilobytes: u64 = total.and_then(|number| number.parse().ok()).unwrap_or_default();
    (kilobytes / 1024 / 4).clamp(128, 8192)
}

fn settings(purpose: Purpose) -> &'static [&'static str] {
    match purpose {
        Purpose::Keep => &[],
        Purpose::ThrowAway | Purpose::Encrypted => &FAST_AND_UNSAFE,
        Purpose::Measure => &DURABLE_AND_EVEN,
        Purpose::OnSmallDisk => &DURABLE_AND_SMALL,
    }
}

/// A shell that outlives us, even our `kill -9`, only to end a program: it waits for the end of a pipe whose other end is
/// ours alone. Unlike Linux's death signal this needs no program beside the shell and works on every Unix.
pub fn watch(pid: u32, signal: &str) -> anyhow::Result<Child> {
    const SCRIPT: &str = r#"trap "" HUP INT TERM; read -r _; kill -s "$1" "$2""#;
    Command::new("/bin/sh")
        .args(["-c", SCRIPT, "postgres-watcher", signal, &pid.to_string()])
        .current_dir("/")
        .process_group(0)
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .context("cannot run /bin/sh, which watches over PostgreSQL")
}

/// Ends the server of an earlier run that was killed, if it still runs, and makes sure that its process file does
/// not stop the next start.
async fn stop_leftover(data: &Path) -> anyhow::Result<()> {
    let Some(file) = PidFile::read(data) else { return Ok(()) };
    let Some(pid) = Pid::from_raw(file.pid) else { return Ok(()) };
    for (signal, limit) in [(Signal::INT, STOP_LIMIT), (Signal::QUIT, STOP_LIMIT)] {
        if !file.is_alive(data) {
            return disown(data, &file);
        }
        let _ = kill_process(pid, signal);
        let since = Instant::now();
        while file.is_alive(data) && since.elapsed() < limit {
            tokio::time::sleep(POLL).await;
        }
    }
    bail!(
        "a PostgreSQL of an earlier run (process {}) still runs on the same data and does not end: end it",
        file.pid
    )
}

/// Writes ourselves into a process file whose process is gone. PostgreSQL refuses to start when any process of the same
/// user has that number by now; the number of its own parent it passes over. It still checks by itself that no process
/// of the old server uses the shared memory named there, which deleting the file would prevent.
fn disown(data: &Path, file: &PidFile) -> anyhow::Result<()> {
    let path = data.join("postmaster.pid");
    let Ok(text) = fs::read_to_string(&path) else { return Ok(()) };
    if text.starts_with(&file.pid.to_string()) {
        let rest = text.split_once('\n').map_or("", |(_, rest)| rest);
        let ours = format!("{}\n{rest}", std::process::id());
        fs::write(&path, ours).with_context(|| format!("cannot write {}", path.display()))?;
    }
    Ok(())
}

fn said(log: &Path, words: &str) -> bool {
    fs::read_to_string(log).is_ok_and(|text| text.contains(words))
}

fn last_words(log: &Path) -> String {
    process::tail(&fs::read_to_string(log).unwrap_or_default(), 8)
}
