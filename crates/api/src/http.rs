//! HTTP: what handlers read from a request, what every answer gets, and the connections of clients.

pub(crate) mod client_address;
pub(crate) mod conditional;
pub(crate) mod connections;
pub(crate) mod cors;
pub(crate) mod envelope;
pub(crate) mod error;
pub(crate) mod extract;
pub(crate) mod idempotency;
pub(crate) mod limits;
pub(crate) mod media_type;
pub(crate) mod members;
pub(crate) mod offered_upgrade;
pub(crate) mod path;
mod shared_payload;
mod trace_context;
