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

/// How long an idle connection is kept for the client's next request: longer than proxies keep theirs, so that it is
/// the proxy that closes, and never while it sends.
pub(crate) const KEEP_ALIVE: Duration = Duration::from_secs(75);

/// How long the head of a first request may take.
pub(crate) const HEAD_LIMIT: Duration = Duration::from_secs(5);

/// Listens with as many workers as there are services, each of which serves its own to that many clients at the most.
pub(crate) fn listen(
    settings: &ServerSettings,
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
        .bind((settings.listener.host.as_str(), settings.listener.port));
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
        _ => format!("{error}; check HOST and PORT"),
    };
    StartError::Bind { host: settings.listener.host.clone(), port: settings.listener.port, reason }
}

#[cfg(test)]
mod tests {
    use task_settings::Settings;
    use tokio::{
        io::{AsyncReadExt as _, AsyncWriteExt as _},
        net::TcpSocket,
        time::{Instant, sleep, timeout},
    };

    use super::*;
    use crate::startup::wiring::Shared;

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
        let (server, addresses) = listen(&settings.server, services, 10, clients.clone()).unwrap();
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
