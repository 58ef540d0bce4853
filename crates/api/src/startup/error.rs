//! Why the server does not start, and why it ends.

use std::{io, net::SocketAddr};

use task_domain::BoxError;
use task_ops::UnusableDatabase;

/// Why the server could not be started.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The server cannot listen on the address.
    #[error("cannot listen on {host}:{port}: {reason}")]
    Bind {
        /// The configured host.
        host: String,
        /// The configured port.
        port: u16,
        /// What is wrong, and what to do.
        reason: String,
    },
    /// The server of metrics cannot listen on its address.
    #[error("cannot serve metrics on {address}: {error}; check METRICS_ADDR")]
    Metrics {
        /// The configured address.
        address: SocketAddr,
        /// What is wrong.
        error: io::Error,
    },
    /// A part of the program could not be set up.
    #[error("the program could not be set up")]
    Wiring(#[source] BoxError),
}

/// Why the server ended before it had finished all requests.
#[derive(Debug, thiserror::Error)]
pub enum RunError {
    /// A part that it depends on failed, or a second signal ended it.
    #[error("the server stopped unexpectedly")]
    Io(#[from] io::Error),
    /// The service can never work with the configured database.
    #[error(transparent)]
    UnusableDatabase(#[from] UnusableDatabase),
}
