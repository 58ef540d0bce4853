//! Every clause of the ports' contracts, on a real PostgreSQL; and what holds when it is slow, full or gone.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    reason = "a test that cannot go on panics, and what a test prints is shown when it fails; in its helpers too"
)]

mod catalogue;
mod faults;
mod hosts;
mod inspection;
mod listing;
mod migrations;
mod model;
mod once;
mod outages;
mod paging;
mod pool;
mod role;
mod service_keys;
mod support;
mod test_databases;
mod tls;
mod tls_server;
mod together;
mod transitions;
mod versions;
mod wall;
mod writing;
