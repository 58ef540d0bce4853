//! What the service holds at a moment: memory, descriptors and connections to the database.

use std::fs;

use anyhow::Context as _;

use crate::bench::resources;

#[derive(Clone, Copy, Debug)]
pub(super) struct Vitals {
    pub(super) resident_mib: f64,
    pub(super) descriptors: usize,
    /// Connections to the database, as PostgreSQL counts them.
    pub(super) backends: usize,
}

impl Vitals {
    /// Reads them now.
    pub(super) fn read(pid: u32, backends: usize) -> anyhow::Result<Self> {
        Ok(Self {
            resident_mib: resources::resident_mib(pid)?,
            descriptors: entries(&format!("/proc/{pid}/fd"))?,
            backends,
        })
    }

    /// Descriptors beside those for PostgreSQL, whose number follows the load.
    pub(super) fn other_descriptors(&self) -> usize {
        self.descriptors.saturating_sub(self.backends)
    }
}

fn entries(folder: &str) -> anyhow::Result<usize> {
    Ok(fs::read_dir(folder).with_context(|| format!("cannot read {folder}, which only Linux has"))?.count())
}
