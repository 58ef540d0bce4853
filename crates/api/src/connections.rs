//! The connections of clients: how many there may be at the same time, and for how long each.
//!
//! Each takes memory, and a client decides how much of it up to what a head or a body may have. Each takes descriptors as
//! well, and a process that has none left cannot reach its database, for whoever is connected already. So both are bounded
//! together: by the setting, and by how many files may be open.

mod clients;
mod pieces;

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

#[cfg(test)]
pub(crate) use self::clients::testing::MovedClock;
pub(crate) use self::{
    clients::{Busy, Client, Clients},
    pieces::in_pieces,
};
use crate::Settings;

/// The most connections to the server of metrics at the same time: some collectors and a person.
pub(crate) const OF_METRICS: usize = 16;
/// What else is open: listeners, logs, key sets, certificates, traces.
const SPARE: usize = 48 + OF_METRICS;
/// What each worker has open for itself.
const PER_WORKER: usize = 8;
/// What each connection of a client takes: its own descriptor, and the one by which it can be ended.
const PER_CLIENT: usize = 2;

/// Raises the limit of open files of this process as far as it needs and may, which by default is a thousand.
pub fn raise_file_limit(settings: &Settings) {
    let wanted = (settings.client_connections * PER_CLIENT + other_files(settings)) as u64;
    let Rlimit { current, maximum } = getrlimit(Resource::Nofile);
    let wanted = maximum.map_or(wanted, |most| wanted.min(most));
    if current.is_some_and(|now| now < wanted)
        && let Err(error) = setrlimit(Resource::Nofile, Rlimit { current: Some(wanted), maximum })
    {
        tracing::debug!(%error, "the limit of open files stays as it is");
    }
}

/// How many connections each worker takes: an equal part of what the settings allow, or of what descriptors are left for.
pub(crate) fn per_worker(settings: &Settings) -> usize {
    let files = getrlimit(Resource::Nofile).current;
    let files = files.map_or(usize::MAX, |files| usize::try_from(files).unwrap_or(usize::MAX));
    let (wanted, workers) = (settings.client_connections, settings.workers);
    let each = share(wanted.min(fitting(files, other_files(settings))), workers);
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

/// What is open beside the connections of clients, at most. A connection to the database that is being opened asks each of
/// the hosts.
fn other_files(settings: &Settings) -> usize {
    settings.pool.max * settings.database.host_count() + SPARE + PER_WORKER * settings.workers
}

/// How many connections there can be where that many files may be open.
fn fitting(files: usize, others: usize) -> usize {
    files.saturating_sub(others) / PER_CLIENT
}

/// The part of one worker, rounded down so that all together are never more. One that took none would serve nobody.
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
        assert!(fitting(usize::MAX, 110) > 1_000_000, "without a limit");
    }

    #[test]
    fn workers_have_equal_parts_that_are_never_more_than_the_whole_and_never_nothing() {
        assert_eq!([1, 2, 3, 8].map(|workers| share(4096, workers)), [4096, 2048, 1365, 512]);
        assert_eq!(share(0, 2), 1);
    }
}
