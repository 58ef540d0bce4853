//! Many minutes of mixed load and random faults, and whether the service holds no more at the end than at the start.
//!
//! A service that is started anew holds nothing of before. So faults that end it come in the first third only. The process
//! that is there then lives to the end: it suffers each other fault, and the hostile clients three times, rests, and is looked at; then it suffers many of
//! them, rests, and is looked at again. Both times it had the same done to it before, only more often.

use std::time::{Duration, Instant};

use anyhow::{Context as _, ensure};
use tokio::time::sleep;
use tools_kit::{
    program::{self, Profile},
    report,
    table::Table,
    workspace,
};

use crate::{
    fault::{Fault, Noticed},
    faults, hostile,
    ledger::Ledger,
    outcome::Outcome,
    pause::{random_below, tell, until_writing},
    stage::Stage,
    visitors::Visitors,
    vitals::Vitals,
};

/// Connections to PostgreSQL that are too many are closed after a minute without use, which is seen every half minute.
const REST: Duration = Duration::from_secs(100);
/// How long a client that writes rests after each write: what is looked for grows with the number of requests and faults,
/// and the ledger and the table are to stay small.
const PACE: Duration = Duration::from_millis(40);
/// How long a client with a key repeats a write: longer than any of these faults takes.
const PATIENCE: Duration = Duration::from_secs(20);
const HEAL_LIMIT: Duration = Duration::from_secs(30);
/// How long nothing bad is done in between, at the least and at the most.
const QUIET_SECONDS: std::ops::Range<u64> = 5..25;
/// How often the service is looked at under load.
const LOOK: Duration = Duration::from_mins(1);
/// What may be more at the end than at the start: descriptors and connections each, since upkeep has a connection of its
/// own now and then; and memory, of which the allocator keeps a little more or less.
const FEW: usize = 2;
const MEMORY_MIB: f64 = 16.0;

/// What leaves the process alive.
const LASTING: [Fault; 5] = [
    Fault::CrashedDatabase,
    Fault::FrozenDatabase,
    Fault::KilledPostmaster,
    Fault::VanishedClients,
    Fault::HostileClients,
];
/// What is done before the first look at rest. The allocator keeps what a siege has taken, and a little more of the second
/// and the third one; so the first look comes after three.
const WARM_UP: [Fault; 7] = [
    Fault::HostileClients,
    Fault::CrashedDatabase,
    Fault::FrozenDatabase,
    Fault::HostileClients,
    Fault::KilledPostmaster,
    Fault::VanishedClients,
    Fault::HostileClients,
];
const ALL: [Fault; 7] = [
    Fault::KilledService,
    Fault::EndedService,
    Fault::CrashedDatabase,
    Fault::FrozenDatabase,
    Fault::KilledPostmaster,
    Fault::VanishedClients,
    Fault::HostileClients,
];

/// Which faults come in a part of it.
enum Faults<'a> {
    /// One after the other.
    Each(&'a [Fault]),
    /// Random ones until then.
    Until(Instant, &'a [Fault]),
}

struct Soak {
    stage: Stage,
    begun: Instant,
    samples: Vec<(String, Vitals)>,
    looked: Instant,
}

/// Does it, prints what was seen, and fails if something was lost, answered as it must not be, or grew.
pub(crate) async fn run(minutes: u64) -> anyhow::Result<()> {
    let program = program::build(Profile::Release).await?;
    let stage = Stage::set(&program, hostile::crowd(false)?).await?;
    let begun = Instant::now();
    let length = Duration::from_mins(minutes);
    let mut soak = Soak { stage, begun, samples: Vec::new(), looked: begun };
    soak.look("at the start").await?;
    let parts = [
        soak.part("soak: also the service ends", Noticed::BrokenOff, Faults::Until(begun + length / 3, &ALL))
            .await?,
        {
            soak.stage.service.kill().await?;
            soak.stage.service.start_again().await?;
            soak.part("soak: it warms up", Noticed::Unavailable, Faults::Each(&WARM_UP)).await?
        },
    ];
    let before = soak.rest("at rest, before").await?;
    let until = begun + length.saturating_sub(REST);
    let last =
        soak.part("soak: the service lives on", Noticed::Unavailable, Faults::Until(until, &LASTING)).await?;
    let after = soak.rest("at rest, after").await?;
    println!("\n{}", soak.table());
    let mut outcomes = Table::new(&Outcome::HEADS);
    let mut failures = grown(before, after);
    for outcome in parts.into_iter().chain([last]) {
        outcomes.row(outcome.cells());
        failures.extend(outcome.failures());
    }
    println!("{outcomes}");
    ensure!(failures.is_empty(), "what must not happen has happened:\n{}", failures.join("\n"));
    Ok(())
}

impl Soak {
    /// Load, and faults at random times; then what came of it.
    async fn part(
        &mut self,
        name: &'static str,
        noticed: Noticed,
        faults: Faults<'_>,
    ) -> anyhow::Result<Outcome> {
        report::headline(name);
        self.stage.store.empty().await?;
        let clients = self.stage.clients(PATIENCE, false, PACE, 0)?;
        let (url, token) = (self.stage.service.url(), self.stage.store.visitor_token());
        let visitors = Visitors::start(&url, token, &workspace::random_hex(4)?, &clients.ledger)?;
        let (mut recoveries, mut complaints) = (Vec::new(), Vec::new());
        let mut each = if let Faults::Each(each) = faults { each } else { &[] }.iter();
        loop {
            self.quiet().await?;
            let fault = match faults {
                Faults::Each(_) => each.next().copied(),
                Faults::Until(end, among) => (Instant::now() < end).then(|| one_of(among)).transpose()?,
            };
            let Some(fault) = fault else { break };
            let since = Instant::now();
            complaints.extend(faults::once(&mut self.stage, fault).await?);
            recoveries.push(until_writing(&clients.ledger, since, HEAL_LIMIT).await?);
            self.tell(fault, &clients.ledger);
            complaints.extend(self.stage.service.empty_log()?);
        }
        visitors.stop().await?;
        let ledger = clients.stop().await?;
        tell(name, &ledger);
        let differences = ledger.compare(&self.stage.store.titles().await?);
        Ok(Outcome { name, noticed, times: recoveries.len(), ledger, differences, recoveries, complaints })
    }

    /// Some time without faults, at the end of which the service is looked at now and then.
    async fn quiet(&mut self) -> anyhow::Result<()> {
        let seconds = QUIET_SECONDS.start + random_below(QUIET_SECONDS.end - QUIET_SECONDS.start)?;
        sleep(Duration::from_secs(seconds)).await;
        if self.looked.elapsed() >= LOOK {
            self.look("under load").await?;
        }
        Ok(())
    }

    /// Lets the service be, and looks at it then.
    async fn rest(&mut self, when: &str) -> anyhow::Result<Vitals> {
        report::step("The service rests", async {
            sleep(REST).await;
            Ok(())
        })
        .await?;
        self.look(when).await
    }

    async fn look(&mut self, when: &str) -> anyhow::Result<Vitals> {
        self.looked = Instant::now();
        let vitals = self.stage.vitals().await?;
        let minutes = self.begun.elapsed().as_secs_f64() / 60.0;
        let when = format!("{when}, {minutes:.1} min");
        report::note(&format!("{when}: {}", vitals.cells().join(", ")));
        self.samples.push((when, vitals));
        Ok(vitals)
    }

    fn tell(&self, fault: Fault, ledger: &Ledger) {
        let time = report::seconds(self.begun.elapsed());
        report::note(&format!("{time}: {}; {} writes so far", fault.name(), ledger.acknowledged()));
    }

    fn table(&self) -> Table {
        let mut table = Table::new(&[&["when"][..], &Vitals::HEADS[..]].concat());
        for (when, vitals) in &self.samples {
            table.row(std::iter::once(when.clone()).chain(vitals.cells()).collect());
        }
        table
    }
}

fn one_of(faults: &[Fault]) -> anyhow::Result<Fault> {
    let number = random_below(u64::try_from(faults.len())?)?;
    faults.get(usize::try_from(number)?).copied().context("no fault is named")
}

/// What is more at the end than it may be.
fn grown(before: Vitals, after: Vitals) -> Vec<String> {
    let mut found = Vec::new();
    for (what, before, after) in [
        ("descriptors", before.descriptors, after.descriptors),
        ("threads", before.threads, after.threads),
        ("connections to PostgreSQL", before.backends, after.backends),
    ] {
        if after > before + FEW {
            found.push(format!("{before} {what} became {after}"));
        }
    }
    if after.resident_mib > before.resident_mib + MEMORY_MIB {
        found.push(format!("{:.1} MiB of memory became {:.1}", before.resident_mib, after.resident_mib));
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whatever_grows_by_more_than_a_little_is_found() {
        let before = Vitals { resident_mib: 20.0, descriptors: 30, threads: 4, backends: 10 };
        assert_eq!(grown(before, Vitals { descriptors: 32, resident_mib: 35.0, ..before }).len(), 0);
        let after = Vitals { resident_mib: 37.0, descriptors: 33, threads: 7, backends: 13 };
        assert_eq!(grown(before, after).len(), 4);
    }

    #[test]
    fn what_lasts_ends_no_service() {
        for fault in ALL {
            let ends = [Fault::KilledService, Fault::EndedService].contains(&fault);
            assert_eq!(LASTING.contains(&fault), !ends, "{fault:?}");
            assert_eq!(WARM_UP.contains(&fault), !ends, "{fault:?}");
        }
    }
}
