//! The HTTP server: its address, its connections, and its time limits.

use std::time::Duration;

use crate::reader::Reader;

/// The most connections of clients that may be configured.
const MAX_CLIENTS: usize = 1_000_000;

/// The address that the server listens on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Listener {
    /// An address or a host name.
    pub host: String,
    /// The port; 0 for any free port.
    pub port: u16,
}

/// The HTTP server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ServerSettings {
    /// The address that it listens on.
    pub listener: Listener,
    /// How many threads serve requests.
    pub workers: usize,
    /// How many clients may be connected at the same time, to all workers together.
    pub client_connections: usize,
    /// How long the body of a request may take to arrive.
    pub body_timeout: Duration,
    /// How long the server goes on serving after SIGTERM, so that load balancers notice.
    pub drain: Duration,
    /// How long requests in flight may take after the drain.
    pub shutdown_timeout: Duration,
}

/// Reads the settings. `connections` is the number of connections to the database that serve requests.
pub(crate) fn read(reader: &mut Reader, connections: usize) -> ServerSettings {
    let workers = workers(reader, connections);
    ServerSettings {
        listener: listener(reader),
        workers,
        client_connections: reader.number("CLIENT_CONNECTIONS_MAX", workers, MAX_CLIENTS),
        body_timeout: Duration::from_secs(reader.number("REQUEST_BODY_TIMEOUT_SECONDS", 1, 300)),
        drain: Duration::from_secs(reader.number("SHUTDOWN_DRAIN_SECONDS", 0, 300)),
        shutdown_timeout: Duration::from_secs(reader.number("SHUTDOWN_TIMEOUT_SECONDS", 0, 3600)),
    }
}

/// Reads `HOST` and `PORT`.
pub(crate) fn listener(reader: &mut Reader) -> Listener {
    Listener { host: reader.text("HOST").unwrap_or_default(), port: reader.number("PORT", 0, u16::MAX) }
}

/// At most as many workers as connections: a worker without a connection could not answer.
fn workers(reader: &mut Reader, connections: usize) -> usize {
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    reader.optional_number("WORKERS", 1, connections).unwrap_or(cores.min(connections))
}
