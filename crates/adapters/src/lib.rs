//! The ports of the domain on PostgreSQL.
//!
//! | port | implemented by |
//! | --- | --- |
//! | [`TaskRepository`](task_domain::TaskRepository) | [`PgTaskRepository`] |
//! | [`OnceOnly`](task_domain::OnceOnly) | [`PgOnceOnly`] |
//!
//! [`Database`] says where the database is and opens connections; [`PgPool`] keeps some open; [`migrations`] brings
//! the schema up to date; [`inspection`] looks whether everything fits. Nothing of diesel leaves this crate.

mod database;
mod error;
mod fixed;
mod gather;
mod hosts;
pub mod inspection;
pub mod migrations;
mod once_only;
#[cfg(test)]
mod plans;
mod pool;
mod schema;
mod service_keys;
mod tasks;
#[cfg(feature = "testing")]
pub mod testing;
mod tls;

pub use database::{ConnectError, Database, InvalidDatabaseUrl};
pub use once_only::PgOnceOnly;
pub use pool::{PgPool, PoolOptions, PoolUsage};
pub use service_keys::cursor_key;
pub use tasks::PgTaskRepository;
