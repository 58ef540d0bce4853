//! The real program, as a supervisor starts it.

use std::{
    io::{BufRead, BufReader, Read, Write},
    net::SocketAddr,
    path::Path,
    process::{Child, Command, ExitStatus, Stdio},
    sync::{Arc, Mutex},
    thread,
};

use rustix::process::{Pid, Signal, kill_process};
use task_settings::VARIABLES;

use super::until;

/// The program's file.
pub(crate) const PROGRAM: &str = env!("CARGO_BIN_EXE_task-api");

/// A database for which no server listens.
pub(crate) const NOWHERE: &str = "postgres://someone:hunter2@127.0.0.1:1/nowhere";

/// The program with these arguments and variables and no others of its own, in a folder without `.env`.
pub(crate) fn command(arguments: &[&str], variables: &[(&str, &str)]) -> Command {
    prepared(Command::new(PROGRAM), arguments, variables)
}

/// The variables of a program that serves, unless a test gives others: the longest limits that there are, for a busy
/// machine, and no wait at the end.
const DEFAULTS: [(&str, &str); 7] = [
    ("PORT", "0"),
    ("WORKERS", "2"),
    ("DATABASE_POOL_WAIT_MS", "5000"),
    ("DATABASE_STATEMENT_TIMEOUT_MS", "5000"),
    ("DATABASE_LOCK_TIMEOUT_MS", "5000"),
    ("DATABASE_DEADLINE_MS", "5000"),
    ("SHUTDOWN_DRAIN_SECONDS", "0"),
];

/// The same, started by that command.
fn prepared(mut command: Command, arguments: &[&str], variables: &[(&str, &str)]) -> Command {
    command.args(arguments).current_dir(env!("CARGO_TARGET_TMPDIR")).stdin(Stdio::null());
    for variable in VARIABLES {
        command.env_remove(variable.name);
    }
    command.envs(variables.iter().copied());
    command
}

/// What a run of the program to its end left behind.
pub(crate) struct Outcome {
    pub(crate) code: Option<i32>,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

/// Runs the program to its end.
pub(crate) fn run(arguments: &[&str], variables: &[(&str, &str)]) -> Outcome {
    run_with_input(arguments, variables, "")
}

/// Runs the program to its end in that folder, whose `.env` it reads.
pub(crate) fn run_in(folder: &Path, arguments: &[&str], variables: &[(&str, &str)]) -> Outcome {
    let mut command = command(arguments, variables);
    command.current_dir(folder);
    outcome(command, "")
}

/// Runs the program to its end, with that on its standard input.
pub(crate) fn run_with_input(arguments: &[&str], variables: &[(&str, &str)], input: &str) -> Outcome {
    outcome(command(arguments, variables), input)
}

fn outcome(mut command: Command, input: &str) -> Outcome {
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    // A program that does not read its input may have closed it by now.
    let _ = child.stdin.take().unwrap().write_all(input.as_bytes());
    let output = child.wait_with_output().unwrap();
    Outcome {
        code: output.status.code(),
        stdout: String::from_utf8(output.stdout).unwrap(),
        stderr: String::from_utf8(output.stderr).unwrap(),
    }
}

/// The program, serving.
pub(crate) struct Program {
    pub(crate) address: SocketAddr,
    child: Child,
    lines: Arc<Mutex<Vec<String>>>,
    reader: Option<thread::JoinHandle<()>>,
}

impl Program {
    /// Starts it and waits until it listens.
    pub(crate) fn start(variables: &[(&str, &str)]) -> Self {
        Self::start_by(Command::new(PROGRAM), variables)
    }

    /// The same by another command, which becomes the program.
    pub(crate) fn start_by(command: Command, variables: &[(&str, &str)]) -> Self {
        let mut child = prepared(command, &[], &DEFAULTS)
            .envs(variables.iter().copied())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let lines = Arc::new(Mutex::new(Vec::new()));
        let (stdout, stderr) = (child.stdout.take().unwrap(), child.stderr.take().unwrap());
        let kept = Arc::clone(&lines);
        let reader = thread::spawn(move || {
            for line in BufReader::new(stdout.chain(stderr)).lines() {
                kept.lock().unwrap().push(line.unwrap());
            }
        });
        let address = SocketAddr::from(([127, 0, 0, 1], 0));
        let mut program = Self { address, child, lines, reader: Some(reader) };
        program.address = program.wait_for("listening", listening_address);
        program
    }

    /// The lines that it has written so far.
    pub(crate) fn lines(&self) -> Vec<String> {
        self.lines.lock().unwrap().clone()
    }

    /// Waits for a line in which `find` finds something.
    pub(crate) fn wait_for<T>(&self, what: &str, find: impl Fn(&str) -> Option<T>) -> T {
        let mut found = None;
        until(&format!("a line says {what:?}"), || {
            found = self.lines().iter().find_map(|line| find(line));
            // Its last words explain best why a program that has ended says nothing more.
            assert!(found.is_some() || !self.has_ended(), "no line says {what:?}: {:#?}", self.lines());
            found.is_some()
        });
        found.unwrap()
    }

    pub(crate) fn signal(&self, signal: Signal) {
        kill_process(Pid::from_child(&self.child), signal).unwrap();
    }

    /// Whether all that it wrote has been read, to its end.
    fn has_ended(&self) -> bool {
        self.reader.as_ref().is_none_or(thread::JoinHandle::is_finished)
    }

    /// Waits for its end, and returns its status and all that it wrote.
    pub(crate) fn wait(mut self) -> (ExitStatus, Vec<String>) {
        let mut status = None;
        until("the program ends", || {
            status = self.child.try_wait().unwrap();
            status.is_some()
        });
        let status = status.unwrap();
        self.reader.take().unwrap().join().unwrap();
        (status, self.lines())
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The address in the line that says where the program listens.
fn listening_address(line: &str) -> Option<SocketAddr> {
    let from = line.contains("listening").then(|| line.find("127.0.0.1:")).flatten()?;
    let rest = &line[from..];
    rest[..rest.find(']')?].parse().ok()
}
