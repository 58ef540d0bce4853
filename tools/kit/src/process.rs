//! Other programs: how they are run, watched and stopped.

use std::{
    io,
    net::{Ipv4Addr, TcpListener},
    process::{ExitStatus, Output, Stdio},
    time::{Duration, Instant},
};

use anyhow::{Context as _, bail};
use rustix::process::{Pid, Signal, kill_process_group};
use tokio::{
    io::AsyncReadExt as _,
    process::{Child, Command},
};

/// How long a program and its children may take to end after they were asked to.
const GRACE: Duration = Duration::from_secs(15);

/// A running program in a process group of its own. Dropping it ends the whole group, so an interrupted command leaves
/// nothing behind; and a Ctrl-C on the keyboard reaches only us, who then end things in the right order.
#[derive(Debug)]
pub struct Running {
    child: Child,
    ended: bool,
}

impl Running {
    /// Starts a program, which reads nothing.
    pub fn spawn(command: &mut Command) -> io::Result<Self> {
        let child = command.process_group(0).stdin(Stdio::null()).spawn()?;
        Ok(Self { child, ended: false })
    }

    /// The process itself, for its pipes.
    pub fn child(&mut self) -> &mut Child {
        &mut self.child
    }

    /// Its number, for as long as it has not ended.
    pub fn pid(&self) -> Option<u32> {
        self.child.id()
    }

    /// Waits for its end.
    pub async fn wait(&mut self) -> io::Result<ExitStatus> {
        let status = self.child.wait().await?;
        self.ended = true;
        Ok(status)
    }

    /// Sends a signal to the program and all others of its group.
    pub fn signal(&self, signal: Signal) {
        let id = self.child.id().and_then(|id| i32::try_from(id).ok()).and_then(Pid::from_raw);
        if let Some(group) = id {
            // The group may have ended by itself in this moment, which is what was wanted.
            let _ = kill_process_group(group, signal);
        }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        if self.ended {
            return;
        }
        self.signal(Signal::TERM);
        let since = Instant::now();
        while since.elapsed() < GRACE {
            if !matches!(self.child.try_wait(), Ok(None)) {
                return;
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        self.signal(Signal::KILL);
    }
}

/// Runs a program that talks to the person itself, and says whether it succeeded.
pub async fn show(command: &mut Command) -> anyhow::Result<bool> {
    let mut running = Running::spawn(command).with_context(|| cannot_run(command))?;
    Ok(running.wait().await?.success())
}

/// Runs a program silently and hands back what it printed; its failure is an error that carries its last words.
pub async fn capture(command: &mut Command) -> anyhow::Result<String> {
    let output = output(command).await?;
    if !output.status.success() {
        bail!("`{}` failed: {}", name_of(command), last_words(&output));
    }
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}

/// Hands back what a program printed, and lets it talk to the person on standard error meanwhile.
pub async fn capture_stdout(command: &mut Command) -> anyhow::Result<String> {
    let mut running = Running::spawn(command.stdout(Stdio::piped())).with_context(|| cannot_run(command))?;
    let mut stdout = String::new();
    if let Some(mut pipe) = running.child().stdout.take() {
        pipe.read_to_string(&mut stdout).await.with_context(|| cannot_run(command))?;
    }
    if !running.wait().await?.success() {
        bail!("`{}` failed: see above", name_of(command));
    }
    Ok(stdout)
}

/// Runs a program silently, whatever its exit code.
pub async fn output(command: &mut Command) -> anyhow::Result<Output> {
    command.stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut running = Running::spawn(command).with_context(|| cannot_run(command))?;
    let (mut stdout, mut stderr) = (Vec::new(), Vec::new());
    let (out, err) = (running.child().stdout.take(), running.child().stderr.take());
    let (read_out, read_err) = tokio::join!(
        async { if let Some(mut pipe) = out { pipe.read_to_end(&mut stdout).await } else { Ok(0) } },
        async { if let Some(mut pipe) = err { pipe.read_to_end(&mut stderr).await } else { Ok(0) } },
    );
    read_out.and(read_err).with_context(|| cannot_run(command))?;
    Ok(Output { status: running.wait().await?, stdout, stderr })
}

/// Whether a program can be run at all, judged by a harmless call such as `--version`.
pub async fn works(program: &str, arguments: &[&str]) -> bool {
    output(Command::new(program).args(arguments)).await.is_ok_and(|output| output.status.success())
}

fn cannot_run(command: &Command) -> String {
    format!("cannot run `{}`", command.as_std().get_program().to_string_lossy())
}

/// A port of loopback that is free at this moment.
pub fn free_port() -> anyhow::Result<u16> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).context("no port of 127.0.0.1 is free")?;
    Ok(listener.local_addr().context("no port of 127.0.0.1 is free")?.port())
}

/// The command line as a person would type it.
#[must_use]
pub fn name_of(command: &Command) -> String {
    let command = command.as_std();
    std::iter::once(command.get_program())
        .chain(command.get_args())
        .map(|word| word.to_string_lossy())
        .collect::<Vec<_>>()
        .join(" ")
}

/// The last lines that a program printed: enough to see why it failed.
fn last_words(output: &Output) -> String {
    let text = if output.stderr.is_empty() { &output.stdout } else { &output.stderr };
    let text = String::from_utf8_lossy(text);
    let text = text.trim();
    if text.is_empty() { format!("no output, {}", output.status) } else { tail(text, 8) }
}

/// The last lines of a text.
#[must_use]
pub fn tail(text: &str, lines: usize) -> String {
    let all: Vec<&str> = text.lines().collect();
    all[all.len().saturating_sub(lines)..].join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tail_keeps_the_end() {
        assert_eq!(tail("a\nb\nc", 2), "b\nc");
        assert_eq!(tail("a", 2), "a");
    }

    #[tokio::test]
    async fn a_failed_program_is_an_error_with_its_last_words() {
        let mut command = Command::new("sh");
        command.args(["-c", "echo the disk is full >&2; exit 3"]);
        let error = capture(&mut command).await.unwrap_err().to_string();
        assert!(error.contains("the disk is full"), "{error}");
    }

    #[tokio::test]
    async fn dropping_ends_the_whole_group() {
        let mut command = Command::new("sh");
        command.args(["-c", "sleep 60 & echo $!; wait"]).stdout(Stdio::piped());
        let mut running = Running::spawn(&mut command).unwrap();
        let mut stdout = running.child().stdout.take().unwrap();
        let mut line = [0; 16];
        let length = stdout.read(&mut line).await.unwrap();
        let grandchild: i32 = String::from_utf8_lossy(&line[..length]).trim().parse().unwrap();
        drop(running);
        // The orphan is reaped by the system a moment after its end.
        std::thread::sleep(Duration::from_millis(200));
        let state = std::fs::read_to_string(format!("/proc/{grandchild}/stat")).unwrap_or_default();
        assert!(state.is_empty() || state.contains(") Z "), "{state}");
    }
}
