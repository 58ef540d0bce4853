#![doc = include_str!("../README.md")]

mod batching;
mod idempotency;
pub mod inspection;
pub mod migrations;
#[cfg(test)]
mod plans;
mod postgres;
mod schema;
mod tasks;
#[cfg(feature = "testing")]
pub mod testing;

pub use idempotency::PgIdempotencyStore;
pub use postgres::{
    database::{
        Database,
        error::{ConnectError, InvalidDatabaseUrl},
    },
    pool::{
        PgPool,
        options::{PoolOptions, PoolUsage},
    },
    pooler,
    service_keys::cursor_key,
};
pub use tasks::repository::PgTaskRepository;
