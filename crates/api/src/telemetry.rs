//! Logs, metrics and traces.

pub mod logs;
pub(crate) mod metrics;
pub(crate) mod metrics_server;
pub(crate) mod traces;
