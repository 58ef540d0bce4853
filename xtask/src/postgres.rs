//! A real PostgreSQL of our own: found or fetched, initialised, started, and stopped without a trace.
//!
//! * [`private`] is the one behind `cargo xtask dev`: its data lives in the checkout and survives.
//! * [`throwaway`] is the one behind the tests: in memory where possible, and gone afterwards.
//!
//! Both listen on loopback only, on a free port, without a Unix socket (whose path has a length limit that a deep
//! checkout breaks), and ask for a generated password: whoever may log in to a server as its superuser can run
//! programs as the user it runs as, which on a shared machine must not be everybody.

mod account;
mod binaries;
mod cluster;
mod database;
mod packages;
mod pidfile;
pub(crate) mod private;
mod server;
pub(crate) mod throwaway;

pub(crate) use self::database::connect;

/// The superuser of our own servers.
const SUPERUSER: &str = "postgres";
