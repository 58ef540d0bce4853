//! What clients were told, against which the table is compared.

use std::{
    collections::{HashMap, HashSet},
    sync::{
        Mutex, MutexGuard, OnceLock, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

/// What all clients were told of their writes, each of which has a title of its own.
#[derive(Default)]
pub(crate) struct Ledger {
    told: Mutex<Told>,
    unavailable: AtomicU64,
    /// What the first answer of 503 said.
    first_unavailable: OnceLock<String>,
    broken: AtomicU64,
    refused: AtomicU64,
    longest_us: AtomicU64,
    /// When the newest of the acknowledged writes was sent.
    newest: Mutex<Option<Instant>>,
}

#[derive(Default)]
struct Told {
    acknowledged: HashSet<String>,
    /// Sent without a key and not answered, so that their outcome is unknown.
    unknown: HashSet<String>,
    unexpected: Vec<String>,
}

/// What the table has that it must not have, and the other way round.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Differences {
    /// Acknowledged, and not there.
    pub(crate) lost: usize,
    /// There more than once.
    pub(crate) twice: usize,
    /// There, and no client sent it.
    pub(crate) strange: usize,
}

impl Ledger {
    pub(crate) fn acknowledge(&self, title: String, sent: Instant) {
        self.told().acknowledged.insert(title);
        let mut newest = self.newest.lock().unwrap_or_else(PoisonError::into_inner);
        *newest = newest.max(Some(sent));
    }

    /// Whether a write is acknowledged that was sent after that.
    pub(crate) fn writes_since(&self, moment: Instant) -> bool {
        self.newest.lock().unwrap_or_else(PoisonError::into_inner).is_some_and(|newest| newest > moment)
    }

    pub(crate) fn is_unknown(&self, title: String) {
        self.told().unknown.insert(title);
    }

    /// An answer that must not be.
    pub(crate) fn unexpected(&self, what: String) {
        self.told().unexpected.push(what);
    }

    pub(crate) fn unavailable(&self, body: &str) {
        self.first_unavailable.get_or_init(|| body.to_owned());
        self.unavailable.fetch_add(1, Ordering::Relaxed);
    }

    /// The connection broke off before the answer was there.
    pub(crate) fn broken(&self) {
        self.broken.fetch_add(1, Ordering::Relaxed);
    }

    /// No service listened.
    pub(crate) fn refuse(&self) {
        self.refused.fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn refused(&self) -> u64 {
        self.refused.load(Ordering::Relaxed)
    }

    pub(crate) fn answered_after(&self, time: Duration) {
        let micros = u64::try_from(time.as_micros()).unwrap_or(u64::MAX);
        self.longest_us.fetch_max(micros, Ordering::Relaxed);
    }

    pub(crate) fn acknowledged(&self) -> usize {
        self.told().acknowledged.len()
    }

    pub(crate) fn answers_503(&self) -> u64 {
        self.unavailable.load(Ordering::Relaxed)
    }

    pub(crate) fn first_503(&self) -> Option<&str> {
        self.first_unavailable.get().map(String::as_str)
    }

    pub(crate) fn broken_off(&self) -> u64 {
        self.broken.load(Ordering::Relaxed)
    }

    pub(crate) fn longest(&self) -> Duration {
        Duration::from_micros(self.longest_us.load(Ordering::Relaxed))
    }

    pub(crate) fn surprises(&self) -> Vec<String> {
        self.told().unexpected.clone()
    }

    /// Compares what was told with the titles that are there.
    pub(crate) fn compare(&self, titles: &[String]) -> Differences {
        let told = self.told();
        let mut there: HashMap<&str, usize> = HashMap::new();
        for title in titles {
            *there.entry(title).or_default() += 1;
        }
        let is_known = |title: &str| told.acknowledged.contains(title) || told.unknown.contains(title);
        Differences {
            lost: told.acknowledged.iter().filter(|title| !there.contains_key(title.as_str())).count(),
            twice: there.values().filter(|number| **number > 1).count(),
            strange: there.keys().filter(|title| !is_known(title)).count(),
        }
    }

    fn told(&self) -> MutexGuard<'_, Told> {
        self.told.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_write_counts_from_when_it_was_sent() {
        let ledger = Ledger::default();
        let sent = Instant::now();
        assert!(!ledger.writes_since(sent));
        ledger.acknowledge("a".to_owned(), sent + Duration::from_millis(2));
        ledger.acknowledge("b".to_owned(), sent);
        assert!(ledger.writes_since(sent + Duration::from_millis(1)));
        assert!(!ledger.writes_since(sent + Duration::from_millis(2)));
    }

    #[test]
    fn missing_doubled_and_strange_writes_are_found_and_unknown_ones_may_be_either_way() {
        let ledger = Ledger::default();
        for title in ["a", "b", "c"] {
            ledger.acknowledge(title.to_owned(), Instant::now());
        }
        for title in ["there", "not there"] {
            ledger.is_unknown(title.to_owned());
        }
        let titles = |titles: &[&str]| titles.iter().map(|&title| title.to_owned()).collect::<Vec<_>>();
        assert_eq!(ledger.compare(&titles(&["a", "b", "c", "there"])), Differences::default());
        let found = ledger.compare(&titles(&["a", "c", "c", "made up"]));
        assert_eq!(found, Differences { lost: 1, twice: 1, strange: 1 });
    }
}
