//! How many connections of clients there may be at the same time.
//!
//! Each takes memory, and a client decides how much of it up to what a head or a body may have. Each takes a descriptor as
//! well, and a process that has none left cannot reach its database, for whoever is connected already. So both are bounded
//! together: by the setting, and by how many files may be open.

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

use crate::Settings;

/// The most connections to the server of metrics at the same time: some collectors and a person.
pub(crate) const OF_METRICS: usize = 16;
/// What else is open: listeners, logs, key sets, certificates, traces.
const SPARE: usize = 48 + OF_METRICS;
/// What each worker has open for itself.
const PER_WORKER: usize = 8;

/// Raises the limit of open files of this process as far as it needs and may, which by default is a thousand.
pub fn raise_file_limit(settings: &Settings) {
    let wanted = (settings.client_connections + other_files(settings)) as u64;
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
    let taken = fitting(settings.client_connections, files, other_files(settings));
    if taken < settings.client_connections {
        tracing::warn!(
            open_files = files,
            connections = taken,
            wanted = settings.client_connections,
            "fewer connections are taken than CLIENT_CONNECTIONS_MAX allows: raise how many files may be open (ulimit -n)"
        );
    }
    (taken / settings.workers).max(1)
}

/// How many clients are connected.
#[derive(Clone, Debug, Default)]
pub(crate) struct Connected(Arc<AtomicUsize>);

impl Connected {
    /// One more, for as long as what is returned lives.
    pub(crate) fn enter(&self) -> Client {
        self.0.fetch_add(1, Ordering::Relaxed);
        Client(self.clone())
    }

    pub(crate) fn number(&self) -> usize {
        self.0.load(Ordering::Relaxed)
    }
}

/// A client that is connected.
pub(crate) struct Client(Connected);

impl Drop for Client {
    fn drop(&mut self) {
        self.0.0.fetch_sub(1, Ordering::Relaxed);
    }
}

/// What is open beside the connections of clients, at most.
fn other_files(settings: &Settings) -> usize {
    settings.pool.max + SPARE + PER_WORKER * settings.workers
}

/// How many connections there may be where that many are wanted and that many files may be open.
fn fitting(wanted: usize, files: usize, others: usize) -> usize {
    wanted.min(files.saturating_sub(others))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn connections_leave_descriptors_for_everything_else() {
        assert_eq!(fitting(4096, 65_536, 110), 4096);
        assert_eq!(fitting(4096, 1024, 110), 914);
        assert_eq!(fitting(4096, 100, 110), 0);
    }
}
