//! What one measurement gave, and what several give together.

use std::{fmt, ops::AddAssign};

use serde_json::{Value, json};
use tools_kit::resources::Processors;

/// What must not happen: one of these, and the point counts for nothing.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Faults {
    /// Answers with a status that the workload does not have.
    pub(crate) status: u64,
    /// Connections that failed.
    pub(crate) socket: u64,
    /// Requests without an answer in time.
    pub(crate) timeout: u64,
}

impl Faults {
    pub(crate) fn any(self) -> bool {
        self != Self::default()
    }
}

impl AddAssign for Faults {
    fn add_assign(&mut self, more: Self) {
        self.status += more.status;
        self.socket += more.socket;
        self.timeout += more.timeout;
    }
}

impl fmt::Display for Faults {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { status, socket, timeout } = self;
        write!(f, "{status} unexpected statuses, {socket} broken connections, {timeout} timeouts")
    }
}

/// What the load generator saw.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Load {
    pub(crate) requests: u64,
    pub(crate) seconds: f64,
    pub(crate) p50_ms: f64,
    pub(crate) p95_ms: f64,
    pub(crate) p99_ms: f64,
    pub(crate) faults: Faults,
}

impl Load {
    /// Requests a second.
    pub(crate) fn rate(&self) -> f64 {
        count(self.requests) / self.seconds
    }
}

/// A load, and what it took of the machine.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Sample {
    pub(crate) load: Load,
    /// What was used while it ran.
    pub(crate) used: Processors,
    /// How long it ran in all: the load generator reads its requests before it sends the first one.
    pub(crate) seconds: f64,
    pub(crate) peak_mib: f64,
}

/// The numbers of a sample that are compared, in the order in which they are shown.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Numbers {
    pub(crate) rate: f64,
    pub(crate) p50_ms: f64,
    pub(crate) p95_ms: f64,
    pub(crate) p99_ms: f64,
    pub(crate) service_us: f64,
    pub(crate) postgres_us: f64,
    pub(crate) client_us: f64,
    /// How many processors programs took that have no part in the measurement.
    pub(crate) other_cores: f64,
    pub(crate) peak_mib: f64,
}

impl Sample {
    pub(crate) fn numbers(&self) -> Numbers {
        let Self { load, used, seconds, peak_mib } = *self;
        let each = |seconds: f64| seconds * 1e6 / count(load.requests).max(1.0);
        Numbers {
            rate: load.rate(),
            p50_ms: load.p50_ms,
            p95_ms: load.p95_ms,
            p99_ms: load.p99_ms,
            service_us: each(used.service),
            postgres_us: each(used.postgres),
            client_us: each(used.client),
            other_cores: used.others() / seconds,
            peak_mib,
        }
    }
}

impl Numbers {
    /// The median of each number; `None` where nothing was measured.
    pub(crate) fn medians(all: &[Self]) -> Option<Self> {
        let of = |number: fn(&Self) -> f64| median(all.iter().map(number));
        Some(Self {
            rate: of(|n| n.rate)?,
            p50_ms: of(|n| n.p50_ms)?,
            p95_ms: of(|n| n.p95_ms)?,
            p99_ms: of(|n| n.p99_ms)?,
            service_us: of(|n| n.service_us)?,
            postgres_us: of(|n| n.postgres_us)?,
            client_us: of(|n| n.client_us)?,
            other_cores: of(|n| n.other_cores)?,
            peak_mib: of(|n| n.peak_mib)?,
        })
    }

    pub(crate) fn json(&self) -> Value {
        json!({
            "requests_per_second": rounded(self.rate),
            "p50_ms": rounded(self.p50_ms),
            "p95_ms": rounded(self.p95_ms),
            "p99_ms": rounded(self.p99_ms),
            "service_us": rounded(self.service_us),
            "postgres_us": rounded(self.postgres_us),
            "load_generator_us": rounded(self.client_us),
            "other_cores": rounded(self.other_cores),
            "peak_rss_mib": rounded(self.peak_mib),
        })
    }
}

/// The samples of one point.
#[derive(Clone, Debug, Default)]
pub(crate) struct Samples {
    pub(crate) numbers: Vec<Numbers>,
    pub(crate) faults: Faults,
}

impl Samples {
    pub(crate) fn add(&mut self, sample: &Sample) {
        self.numbers.push(sample.numbers());
        self.faults += sample.load.faults;
    }

    /// The medians, unless something happened that must not.
    pub(crate) fn medians(&self) -> Option<Numbers> {
        if self.faults.any() { None } else { Numbers::medians(&self.numbers) }
    }

    pub(crate) fn json(&self) -> Value {
        json!({
            "spoiled": self.faults.any().then(|| self.faults.to_string()),
            "medians": self.medians().map(|medians| medians.json()),
            "samples": self.numbers.iter().map(Numbers::json).collect::<Vec<_>>(),
        })
    }
}

/// The middle one, or what lies between the two in the middle.
pub(crate) fn median(numbers: impl IntoIterator<Item = f64>) -> Option<f64> {
    let mut numbers: Vec<f64> = numbers.into_iter().collect();
    numbers.sort_by(f64::total_cmp);
    let upper = *numbers.get(numbers.len() / 2)?;
    let lower = *numbers.get((numbers.len() - 1) / 2)?;
    Some(f64::midpoint(lower, upper))
}

/// As many digits as mean something.
pub(crate) fn rounded(number: f64) -> f64 {
    (number * 1000.0).round() / 1000.0
}

#[expect(clippy::cast_precision_loss, reason = "there are never so many requests")]
fn count(requests: u64) -> f64 {
    requests as f64
}

#[cfg(test)]
pub(crate) mod testing {
    use super::*;

    /// A second in which so many requests were answered.
    pub(crate) fn sample(requests: u64, faults: Faults) -> Sample {
        let load = Load { requests, seconds: 1.0, p50_ms: 1.0, p95_ms: 2.0, p99_ms: 3.0, faults };
        let used = Processors { service: 0.5, postgres: 0.25, client: 0.25, all: 1.5 };
        Sample { load, used, seconds: 2.0, peak_mib: 20.0 }
    }
}

#[cfg(test)]
mod tests {
    use super::{testing::sample, *};

    #[test]
    fn the_median_is_in_the_middle() {
        assert_eq!(median([3.0, 1.0, 2.0]), Some(2.0));
        assert_eq!(median([4.0, 1.0, 2.0, 3.0]), Some(2.5));
        assert_eq!(median([]), None);
    }

    #[test]
    fn costs_are_those_of_one_request() {
        let numbers = sample(1000, Faults::default()).numbers();
        assert_eq!((numbers.rate, numbers.service_us, numbers.postgres_us), (1000.0, 500.0, 250.0));
        assert!((numbers.other_cores - 0.25).abs() < 1e-9);
    }

    #[test]
    fn a_point_is_as_good_as_the_median_of_its_samples() {
        let mut samples = Samples::default();
        for requests in [900, 1000, 2000] {
            samples.add(&sample(requests, Faults::default()));
        }
        assert!((samples.medians().unwrap().rate - 1000.0).abs() < 1e-9);
        assert_eq!(samples.json()["medians"]["requests_per_second"], 1000.0);
        assert_eq!(samples.json()["spoiled"], Value::Null);
    }

    #[test]
    fn a_point_with_a_single_unexpected_status_counts_for_nothing() {
        let mut samples = Samples::default();
        samples.add(&sample(1000, Faults::default()));
        samples.add(&sample(1000, Faults { status: 1, ..Faults::default() }));
        assert_eq!(samples.medians(), None);
        let json = samples.json();
        assert_eq!(json["medians"], Value::Null);
        assert!(json["spoiled"].as_str().unwrap().starts_with("1 unexpected"), "{json}");
    }
}
