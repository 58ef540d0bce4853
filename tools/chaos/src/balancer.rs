//! HAProxy before the replicas, set up as in `deploy/haproxy/haproxy.cfg`.

use std::{
    fs::{self, File},
    net::{Ipv4Addr, SocketAddr},
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

use anyhow::{Context as _, bail};
use tokio::{process::Command, time::sleep};
use tools_kit::{
    debian::Package,
    process::{self, Running},
    workspace,
};

const HAPROXY: Package = Package { name: "haproxy", program: "haproxy", version: "-v" };
/// How the configuration names the replicas' addresses.
const REPLICAS: [&str; 3] = ["TASK_API_1", "TASK_API_2", "TASK_API_3"];
/// Many times what HAProxy takes to see that a replica is up.
const UP_LIMIT: Duration = Duration::from_secs(30);
const POLL: Duration = Duration::from_millis(100);

pub(crate) struct Balancer {
    address: SocketAddr,
    state: SocketAddr,
    log: PathBuf,
    _haproxy: Running,
}

impl Balancer {
    /// Starts it, and waits until all replicas are up for it.
    pub(crate) async fn start(folder: &Path, replicas: [SocketAddr; 3]) -> anyhow::Result<Self> {
        let haproxy = HAPROXY.obtain(&tools_postgres::cache::packages()?).await?;
        let free = || Ok::<_, anyhow::Error>(SocketAddr::from((Ipv4Addr::LOCALHOST, process::free_port()?)));
        let (address, state, log) = (free()?, free()?, folder.join("haproxy.log"));
        let words = || File::options().create(true).append(true).open(&log);
        let cannot = || format!("cannot write {}", log.display());
        let mut command = Command::new(haproxy.path());
        command.args(["-db", "-f"]).arg(workspace::root().join("deploy/haproxy/haproxy.cfg"));
        command.env_clear().envs(haproxy.variables());
        command.envs(REPLICAS.into_iter().zip(replicas.map(|replica| replica.to_string())));
        command.env("TASK_API_LISTEN", address.to_string()).env("HAPROXY_STATE_LISTEN", state.to_string());
        command.stdout(words().with_context(cannot)?).stderr(words().with_context(cannot)?);
        let haproxy = Running::spawn(&mut command).context("cannot run haproxy")?;
        let balancer = Self { address, state, log, _haproxy: haproxy };
        balancer.until_all_are_up().await?;
        Ok(balancer)
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Waits until requests are sent to every replica.
    pub(crate) async fn until_all_are_up(&self) -> anyhow::Result<()> {
        let since = Instant::now();
        while self.replicas_up().await != Some(REPLICAS.len()) {
            if since.elapsed() > UP_LIMIT {
                let words = fs::read_to_string(&self.log).unwrap_or_default();
                bail!("HAProxy does not see all replicas up; its last words:\n{}", process::tail(&words, 8));
            }
            sleep(POLL).await;
        }
        Ok(())
    }

    async fn replicas_up(&self) -> Option<usize> {
        let answer = reqwest::get(format!("http://{}/;csv", self.state)).await.ok()?;
        up(&answer.text().await.ok()?)
    }
}

/// How many servers are up, in the table that HAProxy shows.
fn up(table: &str) -> Option<usize> {
    let mut lines = table.trim_start_matches("# ").lines();
    let heads: Vec<&str> = lines.next()?.split(',').collect();
    let column = |name: &str| heads.iter().position(|head| *head == name);
    let (backend, server, status) = (column("pxname")?, column("svname")?, column("status")?);
    let is_up = |line: &&str| {
        let cells: Vec<&str> = line.split(',').collect();
        let cell = |number: usize| cells.get(number).copied();
        cell(backend) == Some("replicas") && cell(server) != Some("BACKEND") && cell(status) == Some("UP")
    };
    Some(lines.filter(is_up).count())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_servers_that_are_up_count() {
        let table = "# pxname,svname,scur,status,\napi,FRONTEND,0,OPEN,\nreplicas,one,0,UP,\nreplicas,two,0,DOWN,\n\
            replicas,three,0,UP 1/2,\nreplicas,BACKEND,0,UP,\n";
        assert_eq!(up(table), Some(1));
        assert_eq!(up("Not found"), None);
    }
}
