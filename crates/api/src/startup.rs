//! The composition root: settings in, a running server out.

pub(crate) mod app;
mod background_tasks;
mod error;
mod listen;
mod metrics_server;
mod open_files;
mod signals;
mod wiring;

use std::{fmt, net::SocketAddr, sync::Arc, time::Duration};

use actix_web::dev;
use task_adapters::PoolUsage;
use task_ops::DatabaseCheck;
use task_settings::Settings;
use task_telemetry::{
    metrics::Gauges,
    traces::{self, Traces},
};
use tokio::task::JoinHandle;

use self::{
    background_tasks::BackgroundTasks,
    listen::{HEAD_LIMIT, KEEP_ALIVE, listen},
    metrics_server::{MetricsServer, ReadGauges},
    open_files::connections_per_worker,
    signals::stop_on_signals,
    wiring::Shared,
};
pub use self::{
    error::{RunError, StartError},
    open_files::raise_file_limit,
};
use crate::{health::readiness::Readiness, http::connections::Clients};

/// A server that listens, and answers once it is run.
pub struct Server {
    http: dev::Server,
    addresses: Vec<SocketAddr>,
    background: Arc<BackgroundTasks>,
    database_check: DatabaseCheck,
    metrics: Option<MetricsServer>,
    traces: Option<Arc<Traces>>,
    /// How long the server goes on accepting requests after SIGTERM.
    drain: Duration,
}

impl Server {
    /// Listens on the configured address. The database and the key set may still be unreachable.
    pub fn bind(settings: &Settings) -> Result<Self, StartError> {
        let shared = Shared::new(settings).map_err(StartError::Wiring)?;
        let (workers, pools) = shared.workers(settings).map_err(StartError::Wiring)?;
        let connections = connections_per_worker(settings);
        let clients = Clients::new(KEEP_ALIVE + HEAD_LIMIT);
        let (http, addresses) = listen(&settings.server, workers, connections, clients.clone())?;
        let background = Arc::new(BackgroundTasks {
            pools,
            own_pool: shared.background_pool,
            readiness: shared.readiness,
            keys: shared.keys,
            clients,
            limits: shared.limits,
            metrics: shared.metrics,
        });
        let metrics = bind_metrics(&background, connections * settings.server.workers, settings.metrics)?;
        let database_check = DatabaseCheck::new(settings);
        let (traces, drain) = (shared.traces, settings.server.drain);
        Ok(Self { http, addresses, background, database_check, metrics, traces, drain })
    }

    /// The addresses that it listens on.
    #[must_use]
    pub fn addresses(&self) -> &[SocketAddr] {
        &self.addresses
    }

    /// Answers requests until SIGTERM or Ctrl-C, then finishes those in flight and closes the pools. A second signal ends
    /// it at once.
    ///
    /// Ends by itself if it finds that it can never work with the configured database.
    pub async fn run(self) -> Result<(), RunError> {
        tracing::info!(addresses = ?self.addresses, "listening");
        let background = self.background;
        let background_tasks = spawn_background_tasks(&background);
        let metrics = self.metrics.map(spawn_metrics_server);
        let outcome = serve(self.http, &background.readiness, &self.database_check, self.drain).await;
        background_tasks.abort();
        // Metrics are served until here, so that a collector sees the last requests.
        if let Some(metrics) = metrics {
            metrics.stop(false).await;
        }
        background.close();
        if let Some(traces) = self.traces {
            // After a second signal, the program does not wait for the collector.
            traces.end(if outcome.is_ok() { traces::FLUSH_TIMEOUT } else { Duration::ZERO }).await;
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

/// Binds the server of metrics, if the settings have an address for it.
fn bind_metrics(
    background: &BackgroundTasks,
    clients_max: usize,
    address: Option<SocketAddr>,
) -> Result<Option<MetricsServer>, StartError> {
    let Some((metrics, address)) = background.metrics.as_ref().zip(address) else { return Ok(None) };
    let (pools, clients, keys) =
        (background.pools.clone(), background.clients.clone(), background.keys.clone());
    let gauges: ReadGauges = Arc::new(move || {
        let database = pools.iter().map(|pool| pool.usage()).fold(PoolUsage::default(), PoolUsage::and);
        Gauges {
            connections_in_use: database.in_use,
            connections_idle: database.idle,
            connections_max: database.max,
            waiting: database.waiting,
            clients: clients.count(),
            clients_max,
            key_fetches: keys.as_ref().map(|keys| keys.fetches()),
        }
    });
    let server = MetricsServer::bind(metrics, gauges, address);
    Ok(Some(server.map_err(|error| StartError::Metrics { address, error })?))
}

fn spawn_background_tasks(background: &Arc<BackgroundTasks>) -> JoinHandle<()> {
    let background = Arc::clone(background);
    tokio::spawn(async move { background.run().await })
}

fn spawn_metrics_server(metrics: MetricsServer) -> dev::ServerHandle {
    let MetricsServer { server, addresses } = metrics;
    tracing::info!(?addresses, "serving metrics");
    let handle = server.handle();
    tokio::spawn(server);
    handle
}

/// Serves until the server stops, a second signal arrives, or the database turns out to be unusable.
async fn serve(
    server: dev::Server,
    readiness: &Readiness,
    database: &DatabaseCheck,
    drain: Duration,
) -> Result<(), RunError> {
    let handle = server.handle();
    tokio::select! {
        outcome = server => outcome.map_err(RunError::from),
        second_signal = stop_on_signals(handle, readiness, drain) => Err(second_signal.into()),
        unusable = database.until_unusable(|| readiness.is_stopping()) => Err(unusable.into()),
    }
}
