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
use task_adapters::{PgOnceOnly, PgPool};
use task_domain::BoxError;
use tokio::{
    signal::unix::{SignalKind, signal},
    time::sleep,
};

use crate::{
    Readiness, Services, Settings, app,
    auth::PublishedKeys,
    connections::{self, Clients},
    database_check::{DatabaseCheck, UnusablePooler},
    housekeeping,
    limits::Limits,
    metrics::{self, Metrics, Sources},
    traces::{self, Traces},
};

use self::wiring::Shared;
pub(crate) use self::wiring::{key_source, verifiers};

/// How long an idle connection is kept for the client's next request: longer than proxies keep theirs, so that it is
/// the proxy that closes, and never while it sends.
const KEEP_ALIVE: Duration = Duration::from_secs(75);

/// How long the head of a first request may take.
const HEAD_LIMIT: Duration = Duration::from_secs(5);

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
                let clients_max = most * settings.workers;
                let sources = Sources {
                    pools: pools.clone(),
                    clients: clients.clone(),
                    clients_max,
                    keys: keys.clone(),
                };
                let metrics = metrics::serve(counted, sources, address);
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
    use task_adapters::testing::{HUNG, until};
    use tokio::{
        io::{AsyncReadExt as _, AsyncWriteExt as _},
        net::TcpSocket,
        time::timeout,
    };

    use super::*;
    use crate::connections::MovedClock;

    /// How long a client may do nothing, by the test's clock.
    const PATIENCE: Duration = Duration::from_secs(80);
    /// How many bytes the slow client reads in that time: more than the kernel holds for one connection, which is 4 MiB,
    /// since the server hears nothing of a client that still reads what the kernel holds.
    const PACE: u32 = 8 << 20;

    /// A server whose database is not there, and its clients.
    fn serving(clock: &MovedClock) -> (SocketAddr, Clients) {
        let variables = [
            ("DATABASE_URL", "postgres://127.0.0.1:1/nowhere"),
            ("BETTER_AUTH_SECRET", "an-s3cret-of-thirty-two-characters"),
            ("PORT", "0"),
            ("WORKERS", "1"),
        ];
        let variables = variables.map(|(name, value)| (name.to_owned(), value.to_owned()));
        let settings = Settings::from_variables(variables).unwrap();
        let (services, _) = Shared::new(&settings).unwrap().workers(&settings).unwrap();
        let clients = Clients::by(clock, PATIENCE);
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

    /// Waits until the only client is disconnected, while time goes by.
    async fn until_disconnected(clients: &Clients, clock: &MovedClock) {
        until("the others have gone", async || clients.number() == 1).await;
        until("it is disconnected", async || {
            clock.advance(PATIENCE * 2);
            clients.let_go();
            clients.number() == 0
        })
        .await;
    }

    #[actix_web::test]
    async fn the_server_does_not_wait_for_ever_for_the_rest_of_a_next_head() {
        let clock = MovedClock::default();
        let (address, clients) = serving(&clock);
        let mut stream = ask(address, "GET /health/live HTTP/1.1\r\nHost: x\r\n\r\n").await;
        stream.write_all(b"G").await.unwrap();
        until_disconnected(&clients, &clock).await;
        let rest = timeout(HUNG, stream.read_to_end(&mut Vec::new())).await;
        rest.unwrap().unwrap();
    }

    #[actix_web::test]
    async fn the_server_disconnects_a_client_that_reads_nothing_of_a_large_answer_and_none_that_reads_slowly()
    {
        let clock = MovedClock::default();
        let (address, clients) = serving(&clock);
        let bundle = |end| format!("GET /docs/swagger-ui-bundle.js HTTP/1.1\r\nHost: x\r\n{end}\r\n");
        let requests = bundle("").repeat(13) + &bundle("Connection: close\r\n");
        let mut slow = ask(address, &requests).await;
        let (mut read, mut piece) = (0, vec![0; 100_000]);
        loop {
            let length = u32::try_from(slow.read(&mut piece).await.unwrap()).unwrap();
            if length == 0 {
                break;
            }
            read += length;
            clock.advance(PATIENCE * length / PACE);
            clients.let_go();
        }
        assert!(clock.now() > PATIENCE * 2, "{read} bytes within {:?}", clock.now());
        let _silent = ask(address, &requests).await;
        until_disconnected(&clients, &clock).await;
    }

    #[test]
    fn a_worker_keeps_its_number_and_shares_it_with_no_other() {
        let twice = || std::thread::spawn(|| (this_worker(), this_worker())).join().unwrap();
        let (first, second) = (twice(), twice());
        assert_eq!((first.0, second.0), (first.1, second.1));
        assert_ne!(first.0, second.0);
    }
}
