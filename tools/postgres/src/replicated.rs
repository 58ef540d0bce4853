//! Two PostgreSQL servers, of which the second has every acknowledged write of the first and takes its place: Patroni
//! with etcd, set up as in `deploy/patroni/patroni.yml`.

use std::{
    path::Path,
    time::{Duration, Instant},
};

use anyhow::{Context as _, bail, ensure};
use rustix::process::Signal;
use tokio::time::sleep;
use tools_kit::{debian::Package, report, workspace};

use crate::{
    account::Account,
    cache,
    cluster::SUPERUSER,
    etcd::Etcd,
    folder::{self, Folder},
    node::{self, Node, Plan},
    obtain::obtain,
    sweep::sweep,
};

const PATRONI: Package = Package { name: "patroni", program: "patroni", version: "--version" };

/// How long it may take until there is a primary and a standby that has all of it: the first start, or a copy anew.
const READY_LIMIT: Duration = Duration::from_secs(90);
const POLL: Duration = Duration::from_millis(200);
/// What Patroni calls for, which not all packages have.
const PROGRAMS: [&str; 6] =
    ["pg_ctl", "pg_basebackup", "pg_controldata", "pg_isready", "pg_rewind", "pg_waldump"];

/// The cluster, for as long as this value lives.
pub struct Replicated {
    // Dropped in this order: the servers end, then what they agree by, then their folder goes.
    nodes: [Node; 2],
    plan: Plan,
    folder: Folder,
}

impl Replicated {
    /// Starts it, and waits until the standby has all that the primary has.
    pub async fn start() -> anyhow::Result<Self> {
        let account = Account::choose()?;
        let cache = cache::of(&account)?;
        let binaries = obtain(None, &account, &cache).await?;
        for program in PROGRAMS {
            ensure!(
                binaries.program(program).is_file(),
                "the PostgreSQL here has no `{program}`, which Patroni needs: install it (`apt-get install postgresql`)"
            );
        }
        let patroni = PATRONI.obtain(&cache).await?;
        let base = folder::on_disk();
        sweep(&base);
        let folder = Folder::create(&base)?;
        folder.make_for(&account)?;
        let configuration = folder.path.join("patroni.yml");
        node::copy_configuration(&configuration)?;
        let etcd = Etcd::start(&account, &cache, &folder.path).await?;
        let plan = Plan {
            account,
            binaries,
            patroni,
            configuration,
            etcd,
            password: workspace::random_hex(16)?,
            replication_password: workspace::random_hex(16)?,
            rest_password: workspace::random_hex(16)?,
        };
        let node = |name| Node::start(&plan, name, folder.path.join(name));
        let cluster = Self { nodes: [node("one")?, node("two")?], plan, folder };
        report::step("Starting two PostgreSQL servers with Patroni and etcd", cluster.until_replicated())
            .await?;
        Ok(cluster)
    }

    /// The address of whichever server is the primary.
    pub fn url(&self) -> String {
        let [one, two] = &self.nodes;
        format!(
            "postgres://{SUPERUSER}:{}@127.0.0.1:{},127.0.0.1:{}/{SUPERUSER}?sslmode=disable&target_session_attrs=read-write",
            self.plan.password,
            one.port(),
            two.port()
        )
    }

    /// A folder that goes with the cluster.
    pub fn folder(&self) -> &Path {
        &self.folder.path
    }

    /// The server that is the primary now.
    pub async fn primary(&self) -> anyhow::Result<usize> {
        for (number, node) in self.nodes.iter().enumerate() {
            if node.is("primary").await {
                return Ok(number);
            }
        }
        bail!("no server is the primary")
    }

    /// Kills a server and its Patroni at once.
    pub async fn kill(&mut self, number: usize) -> anyhow::Result<()> {
        self.node(number)?.kill().await
    }

    /// Lets a server and its Patroni stand still, so that nothing says that they are gone.
    pub fn silence(&mut self, number: usize) -> anyhow::Result<()> {
        self.node(number)?.signal_all(Signal::STOP)
    }

    /// Starts a server that was killed, and waits until it is a standby that has all that the primary has.
    pub async fn start_again(&mut self, number: usize) -> anyhow::Result<()> {
        let plan = &self.plan;
        self.nodes.get_mut(number).context("there is no such server")?.start_again(plan)?;
        self.until_replicated().await
    }

    fn node(&mut self, number: usize) -> anyhow::Result<&mut Node> {
        self.nodes.get_mut(number).context("there is no such server")
    }

    /// Waits until there is a primary, and a standby without which no write is acknowledged.
    async fn until_replicated(&self) -> anyhow::Result<()> {
        let since = Instant::now();
        let [one, two] = &self.nodes;
        loop {
            let standby = one.is("synchronous").await || two.is("synchronous").await;
            if standby && self.primary().await.is_ok() {
                return Ok(());
            }
            ensure!(
                since.elapsed() < READY_LIMIT,
                "there is no primary with a standby after {} s; the last words of both:\n{}\n{}",
                READY_LIMIT.as_secs(),
                one.last_words(),
                two.last_words()
            );
            sleep(POLL).await;
        }
    }
}
