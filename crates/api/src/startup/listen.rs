//! The HTTP server: one set of services for each of its workers.

use std::{
    io,
    net::SocketAddr,
    sync::atomic::{AtomicUsize, Ordering},
    time::Duration,
};

use actix_web::{HttpServer, dev};
use task_settings::ServerSettings;

use crate::{
    http::connections::Clients,
    startup::{
        app::{Services, app},
        error::StartError,
    },
};

/// How long an idle connection waits for the client's next request: longer than proxies wait, so that the proxy closes it,
/// and never while it sends.
pub(crate) const KEEP_ALIVE: Duration = Duration::from_secs(75);

/// How long the head of a first request may take.
pub(crate) const HEAD_LIMIT: Duration = Duration::from_secs(5);

/// Listens with one worker for each of `workers`. Each worker accepts at most `connections` clients.
pub(crate) fn listen(
    settings: &ServerSettings,
    workers: Vec<Services>,
    connections: usize,
    clients: Clients,
) -> Result<(dev::Server, Vec<SocketAddr>), StartError> {
    // actix-web calls the factory on each worker's thread, once for each address.
    let factory = move || app(&workers[this_worker() % workers.len()]);
    let server = HttpServer::new(factory)
        .workers(settings.workers)
        .max_connections(connections)
        .keep_alive(KEEP_ALIVE)
        // Otherwise the last chunk of an answer waits until the client has acknowledged the chunks before it.
        .tcp_nodelay(true)
        .client_request_timeout(HEAD_LIMIT)
        .on_connect(move |connection, data| drop(data.insert(clients.connect(connection))))
        .shutdown_timeout(settings.shutdown_timeout.as_secs())
        .disable_signals()
        .bind((settings.listener.host.as_str(), settings.listener.port));
    let server = server.map_err(|error| bind_error(settings, &error))?;
    let addresses = server.addrs();
    Ok((server.run(), addresses))
}

/// A number of the calling thread: constant, and different from that of every other thread.
fn this_worker() -> usize {
    static THREADS: AtomicUsize = AtomicUsize::new(0);
    thread_local! {
        static NUMBER: usize = THREADS.fetch_add(1, Ordering::Relaxed);
    }
    NUMBER.with(|number| *number)
}

fn bind_error(settings: &ServerSettings, error: &io::Error) -> StartError {
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
        _ => format!("{error}; check HOST and PORT (some shells set HOST to the machine's name)"),
    };
    StartError::Bind { host: settings.listener.host.clone(), port: settings.listener.port, reason }
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, atomic::AtomicU64};

    use task_settings::Settings;
    use tokio::{
        io::{AsyncReadExt as _, AsyncWriteExt as _},
        net::{TcpSocket, TcpStream},
        time::{Instant, sleep},
    };

    use super::*;
    use crate::startup::wiring::Shared;

    const STALL_TIMEOUT_MS: u64 = 80_000;
    /// Far longer than any step takes, even on a busy machine: reaching it is a fault.
    const FAULT: Duration = Duration::from_mins(1);
    /// More than the kernel buffers for one connection: 4 MiB to send, and a few KiB to receive.
    const BUFFERED: u64 = 5 * 1024 * 1024;

    /// A server without a database, its clients, and the milliseconds that their clock shows.
    struct Serving {
        address: SocketAddr,
        clients: Clients,
        time: Arc<AtomicU64>,
    }

    impl Serving {
        fn start() -> Self {
            let variables = [
                ("DATABASE_URL", "postgres://127.0.0.1:1/nowhere"),
                ("BETTER_AUTH_SECRET", "an-s3cret-of-thirty-two-characters"),
                ("PORT", "0"),
                ("WORKERS", "1"),
            ];
            let variables = variables.map(|(name, value)| (name.to_owned(), value.to_owned()));
            let settings = Settings::from_variables(variables).unwrap();
            let (services, _) = Shared::new(&settings).unwrap().workers(&settings).unwrap();
            let time = Arc::new(AtomicU64::new(0));
            let clock = Arc::clone(&time);
            let clients = Clients::with_clock(Duration::from_millis(STALL_TIMEOUT_MS), move || {
                Duration::from_millis(clock.load(Ordering::Relaxed))
            });
            let (server, addresses) = listen(&settings.server, services, 10, clients.clone()).unwrap();
            tokio::spawn(server);
            Self { address: addresses[0], clients, time }
        }

        /// Sends requests, and returns when the first answer has begun.
        async fn send(&self, requests: &str) -> TcpStream {
            let socket = TcpSocket::new_v4().unwrap();
            // What the client does not read has to wait in the server, not in the kernel.
            socket.set_recv_buffer_size(4096).unwrap();
            let mut stream = socket.connect(self.address).await.unwrap();
            stream.write_all(requests.as_bytes()).await.unwrap();
            let mut begin = [0; 15];
            stream.read_exact(&mut begin).await.unwrap();
            assert_eq!(&begin, b"HTTP/1.1 200 OK");
            stream
        }

        /// Lets the timeout pass again and again, until the server has dropped its only client.
        async fn until_disconnected(&self) {
            let since = Instant::now();
            assert_eq!(self.clients.count(), 1);
            while self.clients.count() > 0 {
                assert!(since.elapsed() < FAULT, "the client is still connected");
                sleep(Duration::from_millis(20)).await;
                self.time.fetch_add(STALL_TIMEOUT_MS + 1, Ordering::Relaxed);
                self.clients.close_stalled();
            }
        }
    }

    /// Requests for 15 MB of answers, after which the server closes the connection.
    fn large_requests() -> String {
        let bundle = |end| format!("GET /docs/swagger-ui-bundle.js HTTP/1.1\r\nHost: x\r\n{end}\r\n");
        bundle("").repeat(9) + &bundle("Connection: close\r\n")
    }

    #[tokio::test]
    async fn a_client_that_stalls_within_its_next_head_is_disconnected() {
        let serving = Serving::start();
        let mut stream = serving.send("GET /health/live HTTP/1.1\r\nHost: x\r\n\r\n").await;
        stream.write_all(b"G").await.unwrap();
        serving.until_disconnected().await;
        stream.read_to_end(&mut Vec::new()).await.unwrap();
    }

    #[tokio::test]
    async fn a_client_that_reads_slowly_gets_all_of_a_large_answer() {
        let serving = Serving::start();
        let mut slow = serving.send(&large_requests()).await;
        let (mut read, mut buffer) = (0, vec![0; 100_000]);
        loop {
            let length = slow.read(&mut buffer).await.unwrap() as u64;
            if length == 0 {
                break;
            }
            read += length;
            // The timeout passes in the time that the client takes for twice of what the kernel buffers.
            serving.time.store(read * STALL_TIMEOUT_MS / (2 * BUFFERED), Ordering::Relaxed);
            serving.clients.close_stalled();
        }
        assert!(serving.time.load(Ordering::Relaxed) > STALL_TIMEOUT_MS, "only {read} bytes arrived");
    }

    #[tokio::test]
    async fn a_client_that_reads_nothing_of_a_large_answer_is_disconnected() {
        let serving = Serving::start();
        let _silent = serving.send(&large_requests()).await;
        serving.until_disconnected().await;
    }

    #[test]
    fn a_worker_keeps_its_number_and_shares_it_with_no_other() {
        let twice = || std::thread::spawn(|| (this_worker(), this_worker())).join().unwrap();
        let (first, second) = (twice(), twice());
        assert_eq!((first.0, second.0), (first.1, second.1));
        assert_ne!(first.0, second.0);
    }
}
