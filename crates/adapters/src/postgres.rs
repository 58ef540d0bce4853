//! Connections to PostgreSQL, and what is the same for every statement on them.

pub(crate) mod database;
pub(crate) mod error;
pub(crate) mod pool;
pub mod pooler;
pub(crate) mod service_keys;
pub(crate) mod statement;
mod tls;
