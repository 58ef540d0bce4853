//! Three replicas of the service behind HAProxy, and what is done to them and to their database.

use std::{
    path::Path,
    time::{Duration, Instant},
};

use tokio::time::sleep;
use tools_kit::{
    report,
    running_service::{Service, SetUp},
    workspace,
};
use tools_postgres::{replicated::Replicated, throwaway};

use crate::{
    balancer::Balancer,
    clients::{Clients, Way},
    fault::Fault,
    outcome::Outcome,
    pause::{pause, until_writing},
    store::Store,
};

/// What the recipe in docs/operations.md sets: longer than HAProxy takes to notice.
const DRAIN: (&str, &str) = ("SHUTDOWN_DRAIN_SECONDS", "3");

/// Three replicas, and what deals the requests out to them.
struct Replicas {
    balancer: Balancer,
    services: [Service; 3],
}

impl Replicas {
    async fn start(program: &Path, folder: &Path, store: &Store) -> anyhow::Result<Self> {
        let start = async |name| {
            let (database, secret) = (store.url(), store.secret());
            let set_up = SetUp { name, folder, database, secret, settings: &[DRAIN] };
            Service::start(program.to_owned(), &set_up).await
        };
        let services = [start("one").await?, start("two").await?, start("three").await?];
        let balancer = Balancer::start(folder, services.each_ref().map(Service::address)).await?;
        Ok(Self { balancer, services })
    }

    /// Ends it without waiting for those who might still come.
    async fn end(&mut self) -> anyhow::Result<()> {
        for service in &mut self.services {
            service.kill().await?;
        }
        Ok(())
    }

    fn clients(&self, store: &Store, run: &str, patience: Duration) -> anyhow::Result<Clients> {
        let url = self.balancer.url();
        let (token, pace) = (store.token(), Duration::ZERO);
        let way = Way { url: &url, token, watched: false, patience, pace, description: 0 };
        Clients::start(&way, run)
    }
}

/// Replaces each replica by a new process, one after the other. What is measured is how long one takes, from the signal
/// until HAProxy sends requests to the new one.
pub(crate) async fn replace(program: &Path, times: usize) -> anyhow::Result<Outcome> {
    let fault = Fault::RollingReplacement;
    let server = throwaway::start_durable().await?;
    let store = Store::prepare(server.url().to_owned()).await?;
    let mut replicas = Replicas::start(program, server.folder(), &store).await?;
    let clients = replicas.clients(&store, &workspace::random_hex(4)?, fault.patience())?;
    let (mut times_taken, mut complaints) = (Vec::new(), Vec::new());
    for _ in 0..times {
        for service in &mut replicas.services {
            let since = Instant::now();
            let status = service.end().await?;
            if !status.success() {
                complaints.push(format!("a replica ended with {status}"));
            }
            service.start_again().await?;
            replicas.balancer.until_all_are_up().await?;
            times_taken.push(since.elapsed());
        }
    }
    until_writing(&clients.ledger, Instant::now(), fault.heal_limit()).await?;
    let ledger = clients.stop().await?;
    replicas.end().await?;
    if ledger.answers_503() > 0 {
        complaints.extend(replicas.services.iter().filter_map(Service::first_warning));
    }
    Outcome::of(fault, times, ledger, &store, times_taken, complaints).await
}

/// A database of two servers, and the replicas that write to it.
pub(crate) struct Pair {
    replicas: Replicas,
    store: Store,
    /// Dropped last: the services end before their database.
    servers: Replicated,
}

impl Pair {
    pub(crate) async fn start(program: &Path) -> anyhow::Result<Self> {
        let servers = Replicated::start().await?;
        let store = Store::prepare(servers.url()).await?;
        let replicas = Replicas::start(program, servers.folder(), &store).await?;
        Ok(Self { replicas, store, servers })
    }

    pub(crate) async fn end(mut self) -> anyhow::Result<()> {
        self.replicas.end().await
    }

    /// Takes the primary away, and gives it back as a standby, again and again. What is measured is how long it takes until
    /// a write is acknowledged that was sent after that.
    pub(crate) async fn fail_over(&mut self, fault: Fault, times: usize) -> anyhow::Result<Outcome> {
        self.store.empty().await?;
        let clients = self.replicas.clients(&self.store, &workspace::random_hex(4)?, fault.patience())?;
        let mut recoveries = Vec::new();
        for _ in 0..times {
            until_writing(&clients.ledger, Instant::now(), fault.heal_limit()).await?;
            sleep(pause()?).await;
            let primary = self.servers.primary().await?;
            let since = Instant::now();
            if fault == Fault::SilentPrimary {
                self.servers.silence(primary)?;
            } else {
                self.servers.kill(primary).await?;
            }
            recoveries.push(until_writing(&clients.ledger, since, fault.heal_limit()).await?);
            if fault == Fault::SilentPrimary {
                // It must not wake up and take itself for the primary; that is what a watchdog is for.
                self.servers.kill(primary).await?;
            }
            report::step("The old primary comes back as a standby", self.servers.start_again(primary))
                .await?;
        }
        sleep(Duration::from_millis(300)).await;
        let ledger = clients.stop().await?;
        Outcome::of(fault, times, ledger, &self.store, recoveries, Vec::new()).await
    }
}
