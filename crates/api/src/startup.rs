//! The composition root: settings in, a running server out.

use std::{
    fmt, io,
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use actix_web::{HttpServer, dev::ServerHandle};
use async_trait::async_trait;
use task_adapters::{PgOnceOnly, PgPool, PgTaskRepository, PoolOptions, cursor_key, migrations};
use task_domain::{BoxError, RepositoryError, TaskService};
use tokio::{
    signal::unix::{SignalKind, signal},
    time::sleep,
};

use crate::{
    CursorSeal, Readiness, SchemaProbe, SealKeySource, Services, Settings, app,
    auth::{HttpKeySource, KeySource, PublishedKeys, SharedSecret, TokenVerifier, Verifiers},
    connections::{self, Connected},
    database_check::{DatabaseCheck, UnusablePooler},
    housekeeping,
    limits::Limits,
    metrics::{self, Metrics, Sources},
    settings::{AuthSettings, JwksSettings},
    traces::{self, Traced, Traces},
};

/// How long an idle connection is kept for the client's next request: longer than proxies keep theirs, so that it is
/// the proxy that closes, and never while it sends.
const KEEP_ALIVE: Duration = Duration::from_secs(75);

/// How many connections there are for what has to be done now and then.
pub(crate) const UPKEEP_CONNECTIONS: usize = 1;

/// Why the server could not be started.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The address cannot be listened on.
    #[error("cannot listen on {host}:{port}: {reason}")]
    Bind {
        /// The configured host.
        host: String,
        /// The configured port.
        port: u16,
        /// What is wrong, and what to do.
        reason: String,
    },
    /// The address for metrics cannot be listened on.
    #[error("cannot serve metrics on {address}: {error}; check METRICS_ADDR")]
    Metrics {
        /// The configured address.
        address: SocketAddr,
        /// What is wrong.
        error: io::Error,
    },
    /// A part of the program could not be put together.
    #[error("the program could not be put together")]
    Wiring(#[source] BoxError),
}

/// Why the server has ended otherwise than it was told to.
#[derive(Debug, thiserror::Error)]
pub enum RunError {
    /// Something that it cannot do without has failed, or it was ended in a hurry.
    #[error("the server stopped unexpectedly")]
    Io(#[from] io::Error),
    /// The database can only be reached in a way with which it cannot work.
    #[error(transparent)]
    UnusablePooler(#[from] UnusablePooler),
}

/// A server that listens, and answers once it is run.
pub struct Server {
    running: actix_web::dev::Server,
    addresses: Vec<SocketAddr>,
    upkeep: Upkeep,
    check: DatabaseCheck,
    /// The server of metrics and its addresses, where there is one.
    metrics: Option<(actix_web::dev::Server, Vec<SocketAddr>)>,
    traces: Option<Arc<Traces>>,
    /// How long it goes on serving once it is told to end.
    drain: Duration,
}

/// What goes on beside the requests, on the main runtime.
struct Upkeep {
    /// The workers' pools.
    pools: Vec<Arc<PgPool>>,
    /// The pool of upkeep's own, of one connection.
    connection: Arc<PgPool>,
    readiness: Arc<Readiness>,
    keys: Option<Arc<PublishedKeys>>,
    limits: Arc<Limits>,
    metrics: Option<Arc<Metrics>>,
}

impl Upkeep {
    /// Does it until it is dropped.
    async fn keep(&self) {
        let keys = async {
            if let Some(keys) = &self.keys {
                keys.keep().await;
            }
        };
        let database = housekeeping::keep(self.pools.clone(), PgOnceOnly::new(Arc::clone(&self.connection)));
        let metrics = async {
            if let Some(metrics) = &self.metrics {
                housekeeping::settle(metrics).await;
            }
        };
        let limits = housekeeping::forget_full(&self.limits);
        tokio::join!(database, keys, self.readiness.keep(), limits, metrics);
    }

    fn close(&self) {
        for pool in self.pools.iter().chain([&self.connection]) {
            pool.close();
        }
    }
}

impl Server {
    /// Listens on the configured address. Neither the database nor the key set need be there.
    pub fn bind(settings: &Settings) -> Result<Self, StartError> {
        let wiring = |error: BoxError| StartError::Wiring(error);
        let source = key_source(&settings.auth).map_err(|error| wiring(error.into()))?;
        let (verifiers, keys) = verifiers(&settings.auth, source);
        let verifier: Arc<dyn TokenVerifier> = Arc::new(verifiers);
        // One connection on the main runtime, apart from the workers' ones: upkeep must not wait for requests, nor they for it.
        let upkeep = PoolOptions { at_rest: 0, max: UPKEEP_CONNECTIONS, ..settings.pool.clone() };
        let upkeep = Arc::new(PgPool::new(&settings.database, upkeep).map_err(|error| wiring(error.into()))?);
        let readiness = Readiness::new(Box::new(SchemaInDatabase(Arc::clone(&upkeep))), keys.clone());
        let readiness = Arc::new(readiness);
        let limits = Arc::new(Limits::new(&settings.limits));
        let counted =
            settings.metrics.map(|_| Metrics::new()).transpose().map_err(|error| wiring(error.into()))?;
        let counted = counted.map(Arc::new);
        let traces = settings.traces.as_ref().map(|traces| Traces::start(traces, &settings.about));
        let traces = traces.transpose().map_err(wiring)?.map(Arc::new);
        let options = share(&settings.pool, settings.workers);
        let mut pools = Vec::new();
        let mut services = Vec::new();
        // What the workers are asked to write at the same time is written together.
        let mut first: Option<PgTaskRepository> = None;
        for _ in 0..settings.workers {
            let pool = Arc::new(
                PgPool::new(&settings.database, options.clone()).map_err(|error| wiring(error.into()))?,
            );
            let tasks = match &first {
                Some(first) => first.join(Arc::clone(&pool)),
                None => first.insert(PgTaskRepository::new(Arc::clone(&pool))).clone(),
            };
            let tasks = use_cases(tasks, PgOnceOnly::new(Arc::clone(&pool)), traces.as_ref());
            let of_worker = Services::new(
                tasks,
                Arc::clone(&verifier),
                settings.cors.clone(),
                CursorSeal::new(Arc::new(KeyInDatabase(Arc::clone(&pool)))),
                Arc::clone(&readiness),
                Arc::clone(&limits),
                &settings.about,
            );
            let of_worker = of_worker.map_err(|error| wiring(error.into()))?;
            let of_worker = of_worker.with_body_timeout(settings.body_timeout);
            let of_worker = match &counted {
                Some(metrics) => of_worker.counted_by(Arc::clone(metrics)),
                None => of_worker,
            };
            services.push(match &traces {
                Some(traces) => of_worker.traced_by(Arc::clone(traces)),
                None => of_worker,
            });
            pools.push(pool);
        }
        // actix calls this on each worker's thread, once for every address; a worker keeps to its own pool.
        let factory = move || app(&services[this_worker() % services.len()]);
        let connections = connections::per_worker(settings);
        let clients = Connected::default();
        let server = HttpServer::new(factory)
            .workers(settings.workers)
            .max_connections(connections)
            .keep_alive(KEEP_ALIVE)
            .shutdown_timeout(settings.shutdown_timeout.as_secs())
            .disable_signals();
        let server = match &counted {
            Some(_) => {
                let clients = clients.clone();
                server.on_connect(move |_, of_connection| drop(of_connection.insert(clients.enter())))
            }
            None => server,
        };
        let server = server
            .bind((settings.host.as_str(), settings.port))
            .map_err(|error| bind_error(settings, &error))?;
        let addresses = server.addrs();
        let metrics = match counted.as_ref().zip(settings.metrics) {
            Some((counted, address)) => {
                let sources = Sources {
                    pools: pools.clone(),
                    clients: clients.clone(),
                    clients_max: connections * settings.workers,
                    keys: keys.clone(),
                };
                let metrics = metrics::serve(counted, sources, address);
                Some(metrics.map_err(|error| StartError::Metrics { address, error })?)
            }
            None => None,
        };
        let upkeep = Upkeep { pools, connection: upkeep, readiness, keys, limits, metrics: counted };
        let check = DatabaseCheck::new(settings);
        Ok(Self { running: server.run(), addresses, upkeep, check, metrics, traces, drain: settings.drain })
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
        let metrics = self.metrics.map(|(server, addresses)| {
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

/// The key that cursors are sealed with, where the tasks are.
struct KeyInDatabase(Arc<PgPool>);

#[async_trait]
impl SealKeySource for KeyInDatabase {
    async fn seal_key(&self) -> Result<Vec<u8>, RepositoryError> {
        cursor_key(&self.0).await
    }
}

/// The schema, by the connection of upkeep.
struct SchemaInDatabase(Arc<PgPool>);

#[async_trait]
impl SchemaProbe for SchemaInDatabase {
    async fn is_up_to_date(&self) -> Result<bool, RepositoryError> {
        migrations::is_up_to_date(&self.0).await
    }
}

/// The use cases over both ports, each of whose calls is a span where there are traces.
fn use_cases(tasks: PgTaskRepository, once_only: PgOnceOnly, traces: Option<&Arc<Traces>>) -> TaskService {
    match traces {
        None => TaskService::new(Arc::new(tasks), Arc::new(once_only)),
        Some(traces) => TaskService::new(
            Arc::new(Traced::new(tasks, Arc::clone(traces))),
            Arc::new(Traced::new(once_only, Arc::clone(traces))),
        ),
    }
}

/// Where the key set comes from, where one is configured.
pub(crate) fn key_source(settings: &AuthSettings) -> Result<Option<Box<dyn KeySource>>, reqwest::Error> {
    let Some(JwksSettings { url, .. }) = &settings.jwks else { return Ok(None) };
    Ok(Some(Box::new(HttpKeySource::new(url.clone())?)))
}

/// The verifiers that are configured, and the published keys among them, which somebody has to keep fresh.
pub(crate) fn verifiers(
    settings: &AuthSettings,
    source: Option<Box<dyn KeySource>>,
) -> (Verifiers, Option<Arc<PublishedKeys>>) {
    let secret = settings.secret_bytes().map(|secret| SharedSecret::new(secret, settings.claims.clone()));
    let keys = settings.jwks.as_ref().zip(source).map(|(JwksSettings { refresh, claims, .. }, source)| {
        Arc::new(PublishedKeys::new(source, claims.clone(), *refresh))
    });
    (Verifiers::new(secret, keys.clone()), keys)
}

/// A number for the thread that asks, the same each time and different for each thread.
fn this_worker() -> usize {
    static THREADS: AtomicUsize = AtomicUsize::new(0);
    thread_local! {
        static NUMBER: usize = THREADS.fetch_add(1, Ordering::Relaxed);
    }
    NUMBER.with(|number| *number)
}

/// The part of the connections that one worker has. The settings see to it that every worker has at least one.
fn share(all: &PoolOptions, workers: usize) -> PoolOptions {
    PoolOptions {
        at_rest: all.at_rest.div_ceil(workers),
        max: (all.max - UPKEEP_CONNECTIONS) / workers,
        max_requests: all.max_requests.div_ceil(workers),
        ..all.clone()
    }
}

fn bind_error(settings: &Settings, error: &io::Error) -> StartError {
    let reason = match error.kind() {
        io::ErrorKind::AddrInUse => {
            "another program uses this port; stop it, or set PORT to another one".to_owned()
        }
        io::ErrorKind::PermissionDenied => {
            "this user may not use this port; set PORT to one above 1023".to_owned()
        }
        io::ErrorKind::AddrNotAvailable => {
            "this machine has no such address; set HOST to one of its own".to_owned()
        }
        _ => format!("{error}; check HOST and PORT"),
    };
    StartError::Bind { host: settings.host.clone(), port: settings.port, reason }
}

/// Begins to stop the server at the first signal and returns at the second.
///
/// The server itself cannot be asked to hurry: it hears nothing more until the requests in flight have been answered.
async fn stop_on_signals(handle: ServerHandle, readiness: &Readiness, drain: Duration) -> io::Error {
    let (Ok(mut terminate), Ok(mut interrupt)) =
        (signal(SignalKind::terminate()), signal(SignalKind::interrupt()))
    else {
        tracing::error!("signals cannot be received; the program can only be killed");
        return std::future::pending().await;
    };
    let mut next_signal = async || {
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
    };
    next_signal().await;
    readiness.begin_to_stop();
    tracing::info!("stopping: the requests in flight are being answered; a second signal ends it at once");
    // Whoever asks whether it is ready hears that it is not, and every answer ends its connection, so that at the end
    // nobody has one on which to send another request.
    let drained = async {
        sleep(drain).await;
        drop(handle.stop(true));
        std::future::pending::<()>().await;
    };
    tokio::select! {
        () = drained => {}
        () = next_signal() => {}
    }
    io::Error::other("a second signal came before all requests in flight were answered")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_worker_keeps_its_number_and_shares_it_with_no_other() {
        let twice = || std::thread::spawn(|| (this_worker(), this_worker())).join().unwrap();
        let (first, second) = (twice(), twice());
        assert_eq!((first.0, second.0), (first.1, second.1));
        assert_ne!(first.0, second.0);
    }

    #[test]
    fn connections_are_divided_among_workers_and_each_has_one() {
        let all = PoolOptions { at_rest: 10, max: 30, ..task_adapters::testing::pool_options() };
        let part = |workers| (share(&all, workers).at_rest, share(&all, workers).max);
        assert_eq!((part(1), part(2), part(4), part(29)), ((10, 29), (5, 14), (3, 7), (1, 1)));
    }
}
