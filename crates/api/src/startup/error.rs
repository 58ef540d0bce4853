//! Why the server does not start, and why it ends.

use std::{io, net::SocketAddr};

use task_adapters::pooler::UnusablePooler;
use task_domain::BoxError;

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
