//! `postmaster.pid`: how a server says that it runs, since when, and where it listens.

use std::{fs, path::Path, process::Command};

/// What the file of a data folder says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct PidFile {
    pub(crate) pid: i32,
    pub(crate) port: Option<u16>,
    pub(crate) ready: bool,
}

impl PidFile {
    /// Reads the file of a data folder, if there is one.
    pub(crate) fn read(data: &Path) -> Option<Self> {
        Self::parse(&fs::read_to_string(data.join("postmaster.pid")).ok()?)
    }

    /// The lines are: process, data folder, start, port, socket folder, address, shared memory, status.
    fn parse(text: &str) -> Option<Self> {
        let lines: Vec<&str> = text.lines().map(str::trim).collect();
        Some(Self {
            pid: lines.first()?.parse().ok().filter(|pid| *pid > 1)?,
            port: lines.get(3).and_then(|port| port.parse().ok()),
            ready: lines.get(7).is_some_and(|status| *status == "ready"),
        })
    }

    /// Whether the process that the file names is a server on this very folder, and not another one that got its
    /// number since.
    pub(crate) fn is_alive(&self, data: &Path) -> bool {
        command_line(self.pid)
            .is_some_and(|line| line.contains(&*data.to_string_lossy()) && line.contains("postgres"))
    }
}

/// The command line of a process, if it exists.
fn command_line(pid: i32) -> Option<String> {
    if let Ok(words) = fs::read(format!("/proc/{pid}/cmdline")) {
        return Some(String::from_utf8_lossy(&words).replace('\0', " "));
    }
    let listed = Command::new("ps").args(["-ww", "-o", "command=", "-p", &pid.to_string()]).output().ok()?;
    listed.status.success().then(|| String::from_utf8_lossy(&listed.stdout).into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    const READY: &str = "4711\n/data\n1795000000\n54321\n\n127.0.0.1\n  5678  9\nready   \n";

    #[test]
    fn a_ready_server_is_recognised() {
        assert_eq!(PidFile::parse(READY), Some(PidFile { pid: 4711, port: Some(54321), ready: true }));
    }

    #[test]
    fn a_half_written_file_is_not_ready() {
        assert_eq!(PidFile::parse("4711\n/data\n"), Some(PidFile { pid: 4711, port: None, ready: false }));
        let starting = READY.replace("ready", "starting");
        assert!(!PidFile::parse(&starting).unwrap().ready);
    }

    #[test]
    fn garbage_names_no_process() {
        for text in ["", "\n", "postgres\n", "-1\n", "0\n", "1\n"] {
            assert_eq!(PidFile::parse(text), None, "{text:?}");
        }
    }

    #[test]
    fn another_process_with_that_number_is_no_server() {
        let ourselves = PidFile { pid: i32::try_from(std::process::id()).unwrap(), port: None, ready: true };
        assert!(!ourselves.is_alive(Path::new("/no/such/data")));
    }
}
