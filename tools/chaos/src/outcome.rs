//! What came of a fault, and what of that must not be.

use std::{sync::Arc, time::Duration};

use crate::{
    fault::{Fault, Noticed},
    ledger::{Differences, Ledger},
    pause::tell,
    store::Store,
};

/// What the longest answer may take (docs/api.md, "Common errors": 503), and what a busy machine adds.
pub(crate) const ANSWER_LIMIT: Duration = Duration::from_millis(5_900);

pub(crate) struct Outcome {
    pub(crate) name: &'static str,
    pub(crate) noticed: Noticed,
    pub(crate) times: usize,
    pub(crate) ledger: Arc<Ledger>,
    pub(crate) differences: Differences,
    /// How long it took each time until all was well again.
    pub(crate) recoveries: Vec<Duration>,
    pub(crate) complaints: Vec<String>,
}

impl Outcome {
    /// Says how much was written, and compares that with what is there.
    pub(crate) async fn of(
        fault: Fault,
        times: usize,
        ledger: Arc<Ledger>,
        store: &Store,
        recoveries: Vec<Duration>,
        complaints: Vec<String>,
    ) -> anyhow::Result<Self> {
        tell(fault.name(), &ledger);
        let differences = ledger.compare(&store.titles().await?);
        let (name, noticed) = (fault.name(), fault.noticed());
        Ok(Self { name, noticed, times, ledger, differences, recoveries, complaints })
    }

    /// The heads of the columns.
    pub(crate) const HEADS: [&str; 11] = [
        "fault",
        "times",
        "acknowledged writes",
        "lost",
        "twice",
        "not asked for",
        "answers 503",
        "broken off",
        "longest answer, ms",
        "back after, ms (median)",
        "at most",
    ];

    pub(crate) fn cells(&self) -> Vec<String> {
        let milliseconds = |time: Duration| format!("{:.0}", time.as_secs_f64() * 1e3);
        let mut sorted = self.recoveries.clone();
        sorted.sort_unstable();
        let median = sorted.get(sorted.len() / 2).copied().map_or("-".to_owned(), milliseconds);
        let most = sorted.last().copied().map_or("-".to_owned(), milliseconds);
        vec![
            self.name.to_owned(),
            self.times.to_string(),
            self.ledger.acknowledged().to_string(),
            self.differences.lost.to_string(),
            self.differences.twice.to_string(),
            self.differences.strange.to_string(),
            self.ledger.answers_503().to_string(),
            self.ledger.broken_off().to_string(),
            milliseconds(self.ledger.longest()),
            median,
            most,
        ]
    }

    /// What must not be.
    pub(crate) fn failures(&self) -> Vec<String> {
        let mut found = self.complaints.clone();
        let Differences { lost, twice, strange } = self.differences;
        if self.differences != Differences::default() {
            found.push(format!(
                "{lost} writes are lost, {twice} are there twice, {strange} were sent by no client"
            ));
        }
        found.extend(self.ledger.surprises().into_iter().take(5));
        if self.ledger.longest() > ANSWER_LIMIT {
            found.push(format!("an answer took {:?}", self.ledger.longest()));
        }
        let unanswered = self.ledger.broken_off() + self.ledger.refused();
        if self.noticed != Noticed::BrokenOff && unanswered > 0 {
            found.push(format!("{unanswered} requests got no answer"));
        }
        if self.noticed == Noticed::Nothing && self.ledger.answers_503() > 0 {
            let (number, first) = (self.ledger.answers_503(), self.ledger.first_503().unwrap_or_default());
            found.push(format!("{number} requests were answered with 503, the first with {first}"));
        }
        found.into_iter().map(|what| format!("{}: {what}", self.name)).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn outcome(fault: Fault, ledger: Ledger) -> Outcome {
        let differences = Differences::default();
        Outcome {
            name: fault.name(),
            noticed: fault.noticed(),
            times: 1,
            ledger: Arc::new(ledger),
            differences,
            recoveries: Vec::new(),
            complaints: Vec::new(),
        }
    }

    #[test]
    fn each_fault_may_be_noticed_as_far_as_it_says() {
        let failures = |fault, happens: fn(&Ledger)| {
            let ledger = Ledger::default();
            happens(&ledger);
            outcome(fault, ledger).failures().len()
        };
        for (happens, tolerated) in [
            (Ledger::broken as fn(&Ledger), [true, false, false]),
            (Ledger::refuse, [true, false, false]),
            (|ledger| ledger.unavailable("{}"), [true, true, false]),
            (|_| {}, [true, true, true]),
        ] {
            let faults = [Fault::KilledService, Fault::FailOver, Fault::RollingReplacement];
            assert_eq!(faults.map(|fault| failures(fault, happens) == 0), tolerated);
        }
    }

    #[test]
    fn what_is_lost_fails_every_fault() {
        for fault in Fault::ALL {
            let mut outcome = outcome(fault, Ledger::default());
            outcome.differences.lost = 1;
            assert_eq!(outcome.failures().len(), 1);
        }
    }
}
