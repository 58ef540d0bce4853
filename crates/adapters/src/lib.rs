//! The ports of the domain on PostgreSQL.
//!
//! | port | implemented by |
//! | --- | --- |
//! | [`TaskRepository`](task_domain::TaskRepository) | [`PgTaskRepository`] |
//! | [`OnceOnly`](task_domain::OnceOnly) | [`PgOnceOnly`] |
//!
//! [`Database`] says where the database is and opens connections; [`PgPool`] keeps some open; [`migrations`] brings
//! the schema up to date; [`inspection`] looks whether everything fits. Nothing of diesel leaves this crate.

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

pub use idempotency::PgOnceOnly;
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
