//! One server of a cluster, under Patroni.

use std::{
    ffi::OsString,
    fs::{self, File},
    net::{Ipv4Addr, SocketAddr},
    path::PathBuf,
};

use anyhow::{Context as _, ensure};
use rustix::process::{Pid, Signal, kill_process};
use tokio::process::Command;
use tools_kit::{debian::Program, http, process, workspace};

use crate::{
    account::Account,
    binaries::Binaries,
    cluster::SUPERUSER,
    etcd::{self, Etcd},
    pidfile::PidFile,
    watched::Watched,
};

/// What all servers of a cluster share.
pub(crate) struct Plan {
    pub(crate) account: Account,
    pub(crate) binaries: Binaries,
    pub(crate) patroni: Program,
    pub(crate) configuration: PathBuf,
    pub(crate) etcd: Etcd,
    pub(crate) password: String,
    pub(crate) replication_password: String,
    pub(crate) rest_password: String,
}

/// A server, and the Patroni that starts and stops it.
pub(crate) struct Node {
    name: &'static str,
    home: PathBuf,
    port: u16,
    rest: SocketAddr,
    patroni: Option<Watched>,
}

impl Node {
    /// Starts a server whose files are below `home`; the first server of the cluster fills it.
    pub(crate) fn start(plan: &Plan, name: &'static str, home: PathBuf) -> anyhow::Result<Self> {
        fs::create_dir(&home).with_context(|| format!("cannot create {}", home.display()))?;
        plan.account.own(&home)?;
        let (port, rest) =
            (process::free_port()?, SocketAddr::from((Ipv4Addr::LOCALHOST, process::free_port()?)));
        let mut node = Self { name, home, port, rest, patroni: None };
        node.start_again(plan)?;
        Ok(node)
    }

    /// Starts it if it was killed.
    pub(crate) fn start_again(&mut self, plan: &Plan) -> anyhow::Result<()> {
        let log = self.log();
        let words = File::options().create(true).append(true).open(&log);
        let words = words.with_context(|| format!("cannot write {}", log.display()))?;
        let again = words.try_clone().with_context(|| format!("cannot write {}", log.display()))?;
        let mut command = Command::from(plan.account.command(plan.patroni.path()));
        command.arg(&plan.configuration).envs(plan.patroni.variables()).envs(self.variables(plan));
        self.patroni = Some(Watched::spawn(command.stdout(words).stderr(again))?);
        Ok(())
    }

    /// What `deploy/patroni/patroni.yml` leaves to the environment.
    fn variables(&self, plan: &Plan) -> Vec<(&'static str, OsString)> {
        let (rest, server) = (self.rest.to_string(), format!("127.0.0.1:{}", self.port));
        vec![
            ("PATRONI_NAME", self.name.into()),
            ("PATRONI_ETCD3_HOSTS", plan.etcd.address.to_string().into()),
            ("PATRONI_ETCD3_USERNAME", etcd::USER.into()),
            ("PATRONI_ETCD3_PASSWORD", plan.etcd.password.clone().into()),
            ("PATRONI_RESTAPI_LISTEN", rest.clone().into()),
            ("PATRONI_RESTAPI_CONNECT_ADDRESS", rest.into()),
            ("PATRONI_RESTAPI_USERNAME", "patroni".into()),
            ("PATRONI_RESTAPI_PASSWORD", plan.rest_password.clone().into()),
            ("PATRONI_POSTGRESQL_LISTEN", server.clone().into()),
            ("PATRONI_POSTGRESQL_CONNECT_ADDRESS", server.into()),
            ("PATRONI_POSTGRESQL_DATA_DIR", self.data().into()),
            ("PATRONI_POSTGRESQL_BIN_DIR", plan.binaries.folder.clone().into()),
            ("PATRONI_POSTGRESQL_PGPASS", self.home.join("pgpass").into()),
            ("PATRONI_SUPERUSER_USERNAME", SUPERUSER.into()),
            ("PATRONI_SUPERUSER_PASSWORD", plan.password.clone().into()),
            ("PATRONI_REPLICATION_USERNAME", "replicator".into()),
            ("PATRONI_REPLICATION_PASSWORD", plan.replication_password.clone().into()),
        ]
    }

    pub(crate) fn port(&self) -> u16 {
        self.port
    }

    /// What Patroni says about its server, as `primary` or `synchronous`: whether it is that now.
    pub(crate) async fn is(&self, role: &str) -> bool {
        http::get(self.rest, &format!("/{role}")).await.is_ok_and(|answer| answer.is_success())
    }

    /// Sends a signal to all that there is of it, as nearly at once as can be: to Patroni first, which would otherwise
    /// see its server end and say so.
    pub(crate) fn signal_all(&self, signal: Signal) -> anyhow::Result<()> {
        for pid in self.processes()? {
            // A process of the server may have ended in this moment.
            let _ = kill_process(pid, signal);
        }
        Ok(())
    }

    /// Kills all of it, as a machine that loses its power does.
    pub(crate) async fn kill(&mut self) -> anyhow::Result<()> {
        self.signal_all(Signal::KILL)?;
        if let Some(mut patroni) = self.patroni.take() {
            patroni.wait().await.context("cannot wait for the end of Patroni")?;
        }
        Ok(())
    }

    /// Patroni, the server's main process and the children of that.
    fn processes(&self) -> anyhow::Result<Vec<Pid>> {
        let patroni = self.patroni.as_ref().and_then(Watched::pid);
        let patroni = patroni.and_then(|pid| i32::try_from(pid).ok()).context("Patroni does not run")?;
        let server = PidFile::read(&self.data()).context("the server does not run")?.pid;
        let children = children(server);
        ensure!(!children.is_empty(), "the server has no processes");
        Ok([patroni, server].into_iter().chain(children).filter_map(Pid::from_raw).collect())
    }

    /// What it said last.
    pub(crate) fn last_words(&self) -> String {
        process::tail(&fs::read_to_string(self.log()).unwrap_or_default(), 8)
    }

    fn data(&self) -> PathBuf {
        self.home.join("data")
    }

    fn log(&self) -> PathBuf {
        self.home.join("log")
    }
}

impl Drop for Node {
    /// Patroni ends its server with itself. If it could not, the server ends at once.
    fn drop(&mut self) {
        // What stands still does not hear that it is to end.
        let _ = self.signal_all(Signal::CONT);
        self.patroni = None;
        if let Some(file) = PidFile::read(&self.data()).filter(|file| file.is_alive(&self.data()))
            && let Some(pid) = Pid::from_raw(file.pid)
        {
            let _ = kill_process(pid, Signal::QUIT);
        }
    }
}

/// The processes whose parent that one is.
fn children(parent: i32) -> Vec<i32> {
    let processes = fs::read_dir("/proc").into_iter().flatten().flatten();
    let numbers = processes.filter_map(|entry| entry.file_name().to_string_lossy().parse::<i32>().ok());
    let of_parent = |pid: &i32| {
        let told = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
        // The name of the program stands in brackets, and may itself have spaces and brackets.
        let after_name = told.rsplit_once(')').map_or("", |(_, rest)| rest);
        after_name.split_whitespace().nth(1).is_some_and(|number| number == parent.to_string())
    };
    numbers.filter(of_parent).collect()
}

/// The configuration that the recipe has, where the account of the servers can read it.
pub(crate) fn copy_configuration(to: &std::path::Path) -> anyhow::Result<()> {
    let from = workspace::root().join("deploy/patroni/patroni.yml");
    fs::copy(&from, to).map(drop).with_context(|| format!("cannot copy {}", from.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_child_is_found_by_its_parent() {
        let mut child = std::process::Command::new("sleep").arg("60").spawn().unwrap();
        let ours = i32::try_from(std::process::id()).unwrap();
        let found = children(ours);
        child.kill().unwrap();
        child.wait().unwrap();
        assert!(found.contains(&i32::try_from(child.id()).unwrap()), "{found:?}");
    }
}
