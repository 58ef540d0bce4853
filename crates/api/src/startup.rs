//! The composition root: settings in, a running server out.

pub(crate) mod app;
mod database_check;
mod error;
mod background_tasks;
mod listen;
mod open_files;
mod signals;
mod wiring;

use std::{fmt, net::SocketAddr, sync::Arc, time::Duration};

use actix_web::dev;
use task_adapters::{PgPool, PoolUsage};
use task_auth::PublishedKeys;
use task_settings::Settings;

use self::{
    database_check::DatabaseCheck,
    background_tasks::Upkeep,
    listen::{HEAD_LIMIT, KEEP_ALIVE, listen},
    open_files::connections_per_worker,
    signals::stop_on_signals,
    wiring::Shared,
};
pub use self::{
    error::{RunError, StartError},
    open_files::raise_file_limit,
};
use crate::{
    http::connections::Clients,
    telemetry::{
        metrics::Gauges,
        metrics_server::{MetricsServer, ReadGauges},
        traces::{self, Traces},
    },
};

/// A server that listens, and answers once it is run.
pub struct Server {
    running: dev::Server,
    addresses: Vec<SocketAddr>,
    upkeep: Upkeep,
    check: DatabaseCheck,
    metrics: Option<MetricsServer>,
    traces: Option<Arc<Traces>>,
    /// How long it goes on serving once it is told to end.
    drain: Duration,
}

impl Server {
    /// Listens on the configured address. Neither the database nor the key set need be there.
    pub fn bind(settings: &Settings) -> Result<Self, StartError> {
        let shared = Shared::new(settings).map_err(StartError::Wiring)?;
        let (workers, pools) = shared.workers(settings).map_err(StartError::Wiring)?;
        let Shared { upkeep, keys, readiness, limits, metrics: counted, traces, .. } = shared;
        let most = connections_per_worker(settings);
        let clients = Clients::new(KEEP_ALIVE + HEAD_LIMIT);
        let (running, addresses) = listen(&settings.server, workers, most, clients.clone())?;
        let metrics = match counted.as_ref().zip(settings.metrics) {
            Some((counted, address)) => {
                let gauges =
                    gauges(pools.clone(), clients.clone(), most * settings.server.workers, keys.clone());
                let metrics = MetricsServer::bind(counted, gauges, address);
                Some(metrics.map_err(|error| StartError::Metrics { address, error })?)
            }
            None => None,
        };
        Ok(Self {
            running,
            addresses,
            upkeep: Upkeep { pools, connection: upkeep, readiness, keys, clients, limits, metrics: counted },
            check: DatabaseCheck::new(settings),
            metrics,
            traces,
            drain: settings.server.drain,
        })
    }

    /// The addresses that it listens on.
    #[must_use]
    pub fn addresses(&self) -> &[SocketAddr] {
        &self.addresses
    }

    /// Answers requests until SIGTERM or Ctrl-C, then finishes those in flight and closes the pools. A second signal
    /// ends it at once.
    ///
    /// Ends by itself where it finds out that it can never work with the database that it has been given.
    pub async fn run(self) -> Result<(), RunError> {
        tracing::info!(addresses = ?self.addresses, "listening");
        let upkeep = Arc::new(self.upkeep);
        let kept = tokio::spawn({
            let upkeep = Arc::clone(&upkeep);
            async move { upkeep.keep().await }
        });
        let metrics = self.metrics.map(|MetricsServer { server, addresses }| {
            tracing::info!(?addresses, "serving metrics");
            let handle = server.handle();
            (handle, tokio::spawn(server))
        });
        let handle = self.running.handle();
        let outcome = tokio::select! {
            outcome = self.running => outcome.map_err(RunError::from),
            impatience = stop_on_signals(handle, &upkeep.readiness, self.drain) => Err(impatience.into()),
            unusable = self.check.until_unusable(&upkeep.readiness) => Err(unusable.into()),
        };
        kept.abort();
        // Until here it tells how the last requests fare.
        if let Some((handle, _)) = metrics {
            handle.stop(false).await;
        }
        upkeep.close();
        if let Some(traces) = self.traces {
            // Whoever is in a hurry does not wait for traces.
            traces.end(if outcome.is_ok() { traces::LAST_CHANCE } else { Duration::ZERO }).await;
        }
        tracing::info!("stopped");
        outcome
    }
}

impl fmt::Debug for Server {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Server").field("addresses", &self.addresses).finish_non_exhaustive()
    }
}

/// Collects the numbers that metrics tell beside those of the requests.
fn gauges(
    pools: Vec<Arc<PgPool>>,
    clients: Clients,
    clients_max: usize,
    keys: Option<Arc<PublishedKeys>>,
) -> ReadGauges {
    Arc::new(move || Gauges {
        database: pools.iter().map(|pool| pool.usage()).fold(PoolUsage::default(), PoolUsage::and),
        clients: clients.number(),
        clients_max,
        key_fetches: keys.as_ref().map(|keys| keys.fetches()),
    })
}
