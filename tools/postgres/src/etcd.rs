//! What the servers of a cluster agree by: one etcd, which asks for a password.

use std::{
    fs::File,
    net::{Ipv4Addr, SocketAddr},
    path::Path,
    time::{Duration, Instant},
};

use anyhow::{Context as _, ensure};
use serde_json::{Value, json};
use tokio::{process::Command, time::sleep};
use tools_kit::{debian::Package, http, process, workspace};

use crate::{account::Account, watched::Watched};

const ETCD: Package = Package { name: "etcd-server", program: "etcd", version: "--version" };
/// The user of etcd who may do everything; it has to have this name.
pub(crate) const USER: &str = "root";
const START_LIMIT: Duration = Duration::from_secs(30);
const POLL: Duration = Duration::from_millis(50);

pub(crate) struct Etcd {
    pub(crate) address: SocketAddr,
    pub(crate) password: String,
    _running: Watched,
}

impl Etcd {
    /// Starts it with its data below `folder`. A client that may write to it decides what Patroni does, and may thereby
    /// run programs as the servers' account. So it asks for a password before its address is known.
    pub(crate) async fn start(account: &Account, packages: &Path, folder: &Path) -> anyhow::Result<Self> {
        let etcd = ETCD.obtain(packages).await?;
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, process::free_port()?));
        let log = folder.join("etcd.log");
        let words = File::create(&log).with_context(|| format!("cannot write {}", log.display()))?;
        let again = words.try_clone().with_context(|| format!("cannot write {}", log.display()))?;
        let (clients, peers) =
            (format!("http://{address}"), format!("http://127.0.0.1:{}", process::free_port()?));
        let mut command = Command::from(account.command(etcd.path()));
        command.envs(etcd.variables()).arg("--data-dir").arg(folder.join("etcd")).args(["--name", "one"]);
        command.args(["--listen-client-urls", &clients, "--advertise-client-urls", &clients]);
        command.args(["--listen-peer-urls", &peers, "--initial-advertise-peer-urls", &peers]);
        command.args(["--initial-cluster", &format!("one={peers}")]).stdout(words).stderr(again);
        let etcd =
            Self { _running: Watched::spawn(&mut command)?, address, password: workspace::random_hex(16)? };
        etcd.ask_for_a_password().await?;
        Ok(etcd)
    }

    async fn ask_for_a_password(&self) -> anyhow::Result<()> {
        let user = json!({ "name": USER, "password": self.password });
        let since = Instant::now();
        while let Err(error) = self.post("user/add", &user).await {
            ensure!(since.elapsed() < START_LIMIT, "etcd does not answer: {error:#}");
            sleep(POLL).await;
        }
        self.post("role/add", &json!({ "name": USER })).await?;
        self.post("user/grant", &json!({ "user": USER, "role": USER })).await?;
        self.post("enable", &json!({})).await
    }

    async fn post(&self, what: &str, body: &Value) -> anyhow::Result<()> {
        let answer = http::post(self.address, &format!("/v3/auth/{what}"), &body.to_string()).await?;
        ensure!(answer.is_success(), "etcd refuses {what}: {}", answer.body);
        Ok(())
    }
}
