//! A fresh, migrated database for each test.
//!
//! `TEST_DATABASE_URL` names a server on which databases may be made; `cargo xtask test` starts one and sets it. The
//! first test makes a template, migrated and with a stand-in `users`; each test gets a copy of it. A test without a server
//! fails: a skipped test would look like a passed one.
#![allow(
    clippy::missing_panics_doc,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "test support panics if a test cannot go on"
)]

mod database;
mod later;
mod owner;
mod pgbench;
mod proxy;
mod rows;
mod sql;
mod template;
mod url;
mod users;
mod waiting;

#[cfg(test)]
pub(crate) use self::pgbench::statements;
pub use self::{
    database::{TestDatabase, pool_options},
    later::LaterMigrations,
    pgbench::pgbench_statement,
    proxy::Proxy,
    rows::ReceivedRows,
    users::{create_users_table, insert_user},
    waiting::{HUNG, until},
};
