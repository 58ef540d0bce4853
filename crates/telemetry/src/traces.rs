//! Traces: a span for each request and for each of its calls to the database, sent to a collector.
//!
//! The spans are not derived from the spans of the log: exactly what is written here is sent, whichever lines are logged
//! and whatever a library logs about the values it works with.

mod collector;
mod provider;
mod request;
mod statement;

pub use self::{
    provider::{FLUSH_TIMEOUT, Traces},
    request::{IncomingRequest, RequestTrace},
    statement::Traced,
};
