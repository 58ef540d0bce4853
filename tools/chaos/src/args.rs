//! Which faults are injected.

use anyhow::ensure;
use tools_kit::report;
use tools_postgres::disk;

use crate::fault::Fault;

/// The shortest soak: two rests, and something of each part.
const SHORTEST_MINUTES: u64 = 8;

/// How faults are injected.
#[derive(clap::Args, Clone, Debug, Default)]
pub(crate) struct Args {
    /// Inject each fault a few times only, as `cargo xtask ci` does, into a service that was compiled for development
    #[arg(long)]
    pub(crate) short: bool,
    /// Only these, such as `killed-service,frozen-database`
    #[arg(long, value_name = "FAULTS", value_delimiter = ',')]
    pub(crate) only: Vec<Fault>,
    /// Let faults come at random for that long instead, and look for what grows
    #[arg(long, value_name = "MINUTES", conflicts_with_all = ["short", "only"],
          value_parser = clap::value_parser!(u64).range(SHORTEST_MINUTES..))]
    pub(crate) soak: Option<u64>,
}

impl Args {
    /// What is done: what was named, or else everything, but for what takes too long for a short run and what cannot be done
    /// on this machine.
    pub(crate) fn faults(&self) -> anyhow::Result<Vec<Fault>> {
        let chosen = self.chosen();
        if !chosen.iter().any(|fault| fault.is_of_disk()) {
            return Ok(chosen);
        }
        let Some(lacking) = disk::lacking() else { return Ok(chosen) };
        let without = format!("without a disk of PostgreSQL's own ({lacking})");
        self.without_disk(chosen, &without)
    }

    fn chosen(&self) -> Vec<Fault> {
        let (done, left_out): (Vec<_>, Vec<_>) = Fault::ALL.into_iter().partition(|fault| {
            if self.only.is_empty() { !(self.short && fault.takes_long()) } else { self.only.contains(fault) }
        });
        if self.only.is_empty() {
            for fault in left_out {
                report::note(&format!("Left out of a short run: {}", fault.name()));
            }
        }
        done
    }

    /// What is left of it if none has a disk of its own. What was named must not be left out.
    fn without_disk(&self, chosen: Vec<Fault>, why: &str) -> anyhow::Result<Vec<Fault>> {
        let (left_out, done): (Vec<_>, Vec<_>) = chosen.into_iter().partition(|fault| fault.is_of_disk());
        let names = left_out.into_iter().map(Fault::name).collect::<Vec<_>>().join("; ");
        ensure!(self.only.is_empty(), "this cannot be done {why}: {names}");
        report::note(&format!("Left out {why}: {names}"));
        Ok(done)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_machine_cannot_do_is_left_out_but_not_where_it_was_named() {
        let all = Args::default();
        let done = all.without_disk(all.chosen(), "").unwrap();
        assert_eq!(done.len(), Fault::ALL.len() - 3);
        assert!(!done.iter().any(|fault| fault.is_of_disk()));
        let named = Args { only: vec![Fault::KilledService, Fault::FullDisk], ..Args::default() };
        let error = named.without_disk(named.chosen(), "as another user").unwrap_err().to_string();
        assert!(error.contains("as another user") && error.contains(Fault::FullDisk.name()), "{error}");
        assert!(!error.contains(Fault::KilledService.name()), "{error}");
    }
}
