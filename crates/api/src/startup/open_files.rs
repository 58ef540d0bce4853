//! The budget of file descriptors: how many connections of clients fit beside everything else that is open.
//!
//! A process without a free descriptor cannot open a connection to its database, so connected clients would block each
//! other. The setting and the limit of open files therefore bound the connections of clients together.

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use task_settings::Settings;

use crate::startup::metrics_server;

/// Everything else: listeners, logs, key sets, certificates, traces, and the collectors of metrics.
const OTHER: usize = 48 + metrics_server::MAX_CONNECTIONS;
/// What each worker opens for itself.
const PER_WORKER: usize = 8;
/// A client's connection takes two descriptors: the one of actix-web, and the duplicate that can end the connection.
const PER_CLIENT: usize = 2;

/// Raises the limit of open files of this process, which is often 1024, to what the settings need or the system allows.
pub fn raise_file_limit(settings: &Settings) {
    let wanted = (settings.server.client_connections * PER_CLIENT + reserved(settings)) as u64;
    let Rlimit { current, maximum } = getrlimit(Resource::Nofile);
    let wanted = maximum.map_or(wanted, |most| wanted.min(most));
    if current.is_some_and(|now| now < wanted)
        && let Err(error) = setrlimit(Resource::Nofile, Rlimit { current: Some(wanted), maximum })
    {
        tracing::debug!(%error, "the limit of open files stays as it is");
    }
}

/// How many connections of clients each worker accepts: an equal share of what the settings and the free descriptors allow.
pub(super) fn connections_per_worker(settings: &Settings) -> usize {
    let files = getrlimit(Resource::Nofile).current;
    let files = files.map_or(usize::MAX, |files| usize::try_from(files).unwrap_or(usize::MAX));
    let (wanted, workers) = (settings.server.client_connections, settings.server.workers);
    let each = share(wanted.min(fitting(files, reserved(settings))), workers);
    if each < share(wanted, workers) {
        tracing::warn!(
            open_files = files,
            connections = each * workers,
            wanted,
            "fewer connections are taken than CLIENT_CONNECTIONS_MAX allows: raise how many files may be open (ulimit -n)"
        );
    }
    each
}

/// The most descriptors that are open beside the connections of clients. While a connection to the database is being
/// opened, it holds a descriptor for each host.
fn reserved(settings: &Settings) -> usize {
    settings.database.pool.max * settings.database.target.host_count()
        + OTHER
        + PER_WORKER * settings.server.workers
}

/// How many connections of clients fit into a limit of open files.
fn fitting(files: usize, reserved: usize) -> usize {
    files.saturating_sub(reserved) / PER_CLIENT
}

/// The share of one worker: rounded down, so that the sum stays below the limit, and at least 1, so that each worker serves.
fn share(connections: usize, workers: usize) -> usize {
    (connections / workers).max(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn connections_leave_descriptors_for_everything_else() {
        assert_eq!(fitting(1024, 110), 457);
        assert_eq!(fitting(100, 110), 0);
        assert!(fitting(usize::MAX, 110) > 1_000_000, "no limit");
    }

    #[test]
    fn workers_have_equal_shares_that_never_exceed_the_whole_and_are_at_least_one() {
        assert_eq!([1, 2, 3, 8].map(|workers| share(4096, workers)), [4096, 2048, 1365, 512]);
        assert_eq!(share(0, 2), 1);
    }
}
