//! A real PostgreSQL of our own: found or fetched, initialised, started, and stopped without a trace.
//!
//! * [`private`] is the one behind `cargo xtask dev`: its data lives in the checkout and survives.
//! * [`throwaway`] is the one behind the tests: in memory where possible, and gone afterwards.
//! * [`disk`] is a small disk for one of these, for days on which a disk fails.
//! * [`replicated`] is a pair that fails over by itself, gone afterwards as well.
//!
//! All listen on loopback only, on a free port, without a Unix socket (whose path has a length limit that a deep
//! checkout breaks), and ask for a generated password: whoever may log in to a server as its superuser can run
//! programs as the user it runs as, which on a shared machine must not be everybody.

pub(crate) mod account;
mod binaries;
mod cluster;
mod database;
pub(crate) mod disk;
mod encrypted;
mod etcd;
mod node;
mod packages;
mod pidfile;
pub(crate) mod private;
pub(crate) mod replicated;
mod server;
pub(crate) mod throwaway;

pub(crate) use self::database::connect;

/// The superuser of our own servers.
const SUPERUSER: &str = "postgres";

/// Where programs are kept that were fetched: a folder that the servers' account can enter.
pub(crate) fn packages() -> anyhow::Result<std::path::PathBuf> {
    throwaway::cache(&account::Account::choose()?)
}
