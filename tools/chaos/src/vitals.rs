//! What the service holds at a moment: memory, descriptors, threads, and connections to the database.

use std::fs;

use anyhow::Context as _;
use tools_kit::resources;

#[derive(Clone, Copy, Debug)]
pub(crate) struct Vitals {
    pub(crate) resident_mib: f64,
    pub(crate) descriptors: usize,
    pub(crate) threads: usize,
    /// Connections to the database, as PostgreSQL counts them.
    pub(crate) backends: usize,
}

impl Vitals {
    pub(crate) const HEADS: [&str; 4] =
        ["resident MiB", "descriptors", "threads", "connections to PostgreSQL"];

    /// Reads them now.
    pub(crate) fn read(pid: u32, backends: usize) -> anyhow::Result<Self> {
        Ok(Self {
            resident_mib: resources::resident_mib(pid)?,
            descriptors: entries(&format!("/proc/{pid}/fd"))?,
            threads: entries(&format!("/proc/{pid}/task"))?,
            backends,
        })
    }

    /// Descriptors beside those for PostgreSQL, whose number follows the load.
    pub(crate) fn other_descriptors(&self) -> usize {
        self.descriptors.saturating_sub(self.backends)
    }

    pub(crate) fn cells(&self) -> [String; 4] {
        let Self { resident_mib, descriptors, threads, backends } = self;
        [format!("{resident_mib:.1}"), descriptors.to_string(), threads.to_string(), backends.to_string()]
    }
}

fn entries(folder: &str) -> anyhow::Result<usize> {
    Ok(fs::read_dir(folder).with_context(|| format!("cannot read {folder}, which only Linux has"))?.count())
}
