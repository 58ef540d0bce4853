//! The composition root: settings in, a running server out.

mod wiring;

use std::{
    fmt, io,
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use actix_web::{
    HttpServer,
    dev::{self, ServerHandle},
};
use task_adapters::{PgOnceOnly, PgPool, PoolUsage, pooler::UnusablePooler};
use task_domain::BoxError;
use tokio::{
    signal::unix::{SignalKind, signal},
    time::sleep,
};

use crate::{
    Readiness, Services, Settings, app,
    auth::PublishedKeys,
    connections::{self, Clients},
    database_check::DatabaseCheck,
    housekeeping,
    limits::Limits,
    metrics::{self, Gauges, Metrics, TakeGauges},
    traces::{self, Traces},
};

use self::wiring::Shared;

/// How long an idle connection is kept for the client's next request: longer than proxies keep theirs, so that it is
/// the proxy that closes, and never while it sends.
const KEEP_ALIVE: Duration = Duration::from_secs(75);

/// How long the head of a first request may take.
const HEAD_LIMIT: Duration = Duration::from_secs(5);

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
    running: dev::Server,
    addresses: Vec<SocketAddr>,
    upkeep: Upkeep,
    check: DatabaseCheck,
    /// The server of metrics and its addresses, where there is one.
    metrics: Option<(dev::Server, Vec<SocketAddr>)>,
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
    clients: Clients,
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
        let clients = housekeeping::let_go(&self.clients);
        tokio::join!(database, keys, self.readiness.keep(), clients, limits, metrics);
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
        let shared = Shared::new(settings).map_err(StartError::Wiring)?;
        let (workers, pools) = shared.workers(settings).map_err(StartError::Wiring)?;
        let Shared { upkeep, keys, readiness, limits, metrics: counted, traces, .. } = shared;
        let most = connections::per_worker(settings);
        let clients = Clients::new(KEEP_ALIVE + HEAD_LIMIT);
        let (running, addresses) = listen(settings, workers, most, clients.clone())?;
        let metrics = match counted.as_ref().zip(settings.metrics) {
            Some((counted, address)) => {
                let gauges = gauges(pools.clone(), clients.clone(), most * settings.workers, keys.clone());
                let metrics = metrics::serve(counted, gauges, address);
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
            drain: settings.drain,
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

/// Collects the numbers that metrics tell beside those of the requests.
fn gauges(
    pools: Vec<Arc<PgPool>>,
    clients: Clients,
    clients_max: usize,
    keys: Option<Arc<PublishedKeys>>,
) -> TakeGauges {
    Arc::new(move || Gauges {
        database: pools.iter().map(|pool| pool.usage()).fold(PoolUsage::default(), PoolUsage::and),
        clients: clients.number(),
        clients_max,
        key_fetches: keys.as_ref().map(|keys| keys.fetches()),
    })
}

/// Listens with as many workers as there are services, each of which serves its own to that many clients at the most.
fn listen(
    settings: &Settings,
    workers: Vec<Services>,
    most: usize,
    clients: Clients,
) -> Result<(dev::Server, Vec<SocketAddr>), StartError> {
    // actix calls this on each worker's thread, once for every address; a worker keeps to its own services.
    let factory = move || app(&workers[this_worker() % workers.len()]);
    let server = HttpServer::new(factory)
        .workers(settings.workers)
        .max_connections(most)
        .keep_alive(KEEP_ALIVE)
        // Otherwise the end of an answer in pieces would wait until the client has acknowledged what came before.
        .tcp_nodelay(true)
        .client_request_timeout(HEAD_LIMIT)
        .on_connect(move |connection, data| drop(data.insert(clients.enter(connection))))
        .shutdown_timeout(settings.shutdown_timeout.as_secs())
        .disable_signals()
        .bind((settings.host.as_str(), settings.port));
    let server = server.map_err(|error| bind_error(settings, &error))?;
    let addresses = server.addrs();
    Ok((server.run(), addresses))
}

/// A number for the thread that asks, the same each time and different for each thread.
fn this_worker() -> usize {
    static THREADS: AtomicUsize = AtomicUsize::new(0);
    thread_local! {
        static NUMBER: usize = THREADS.fetch_add(1, Ordering::Relaxed);
    }
    NUMBER.with(|number| *number)
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
    use tokio::{
        io::{AsyncReadExt as _, AsyncWriteExt as _},
        net::TcpSocket,
        time::{Instant, timeout},
    };

    use super::*;

    /// How long a client may do nothing, here: more than TCP waits before it looks whether there is room again.
    const PATIENCE: Duration = Duration::from_secs(1);
    /// Many times what any of it takes.
    const LONG: Duration = Duration::from_secs(20);

    /// A server whose database is not there, and who is connected to it.
    fn serving() -> (SocketAddr, Clients) {
        let variables = [
            ("DATABASE_URL", "postgres://127.0.0.1:1/nowhere"),
            ("BETTER_AUTH_SECRET", "an-s3cret-of-thirty-two-characters"),
            ("PORT", "0"),
            ("WORKERS", "1"),
        ];
        let variables = variables.map(|(name, value)| (name.to_owned(), value.to_owned()));
        let settings = Settings::from_variables(variables).unwrap();
        let (services, _) = Shared::new(&settings).unwrap().workers(&settings).unwrap();
        let clients = Clients::new(PATIENCE);
        let (server, addresses) = listen(&settings, services, 10, clients.clone()).unwrap();
        actix_web::rt::spawn(server);
        (addresses[0], clients)
    }

    /// Sends that, and returns when an answer has begun.
    async fn ask(address: SocketAddr, request: &str) -> tokio::net::TcpStream {
        let socket = TcpSocket::new_v4().unwrap();
        // What is not read is to wait in the server, not in the kernel.
        socket.set_recv_buffer_size(4096).unwrap();
        let mut stream = socket.connect(address).await.unwrap();
        stream.write_all(request.as_bytes()).await.unwrap();
        let mut begin = [0; 15];
        stream.read_exact(&mut begin).await.unwrap();
        assert_eq!(&begin, b"HTTP/1.1 200 OK");
        stream
    }

    async fn until_gone(clients: &Clients) {
        let since = Instant::now();
        assert_eq!(clients.number(), 1);
        while clients.number() > 0 {
            assert!(since.elapsed() < LONG, "it is still connected");
            sleep(Duration::from_millis(20)).await;
            clients.let_go();
        }
    }

    #[actix_web::test]
    async fn the_next_head_is_not_waited_for_without_end_once_it_has_begun() {
        let (address, clients) = serving();
        let mut stream = ask(address, "GET /health/live HTTP/1.1\r\nHost: x\r\n\r\n").await;
        stream.write_all(b"G").await.unwrap();
        until_gone(&clients).await;
        let rest = timeout(LONG, stream.read_to_end(&mut Vec::new())).await;
        rest.unwrap().unwrap();
    }

    #[actix_web::test]
    async fn who_reads_nothing_of_a_large_answer_is_let_go_of_and_who_reads_slowly_is_not() {
        let (address, clients) = serving();
        // More than the kernel takes for one connection: 4 MiB.
        let bundle = |end| format!("GET /docs/swagger-ui-bundle.js HTTP/1.1\r\nHost: x\r\n{end}\r\n");
        let requests = bundle("").repeat(3) + &bundle("Connection: close\r\n");
        let mut slow = ask(address, &requests).await;
        let (mut read, mut piece) = (0, vec![0; 100_000]);
        let since = Instant::now();
        loop {
            let length = slow.read(&mut piece).await.unwrap();
            if length == 0 {
                break;
            }
            read += length;
            clients.let_go();
            sleep(Duration::from_millis(2)).await;
        }
        assert!(read > 6_000_000 && since.elapsed() > PATIENCE, "{read} bytes after {:?}", since.elapsed());
        let _silent = ask(address, &requests).await;
        until_gone(&clients).await;
    }

    #[test]
    fn a_worker_keeps_its_number_and_shares_it_with_no_other() {
        let twice = || std::thread::spawn(|| (this_worker(), this_worker())).join().unwrap();
        let (first, second) = (twice(), twice());
        assert_eq!((first.0, second.0), (first.1, second.1));
        assert_ne!(first.0, second.0);
    }
}
