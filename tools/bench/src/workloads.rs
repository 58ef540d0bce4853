//! The workloads themselves, in rounds: the service, then pgbench, each on a fresh copy, so that drift falls on both.

use std::path::Path;

use serde_json::{Value, json};
use tools_kit::{
    report,
    table::{self, Table},
};

use crate::{
    args::Args,
    data::{REQUESTS, USUAL},
    measure::Workshop,
    pgbench,
    sample::{Sample, Samples, median, rounded},
    subject::Start,
    workload::{self, Point},
};

/// The database that each turn has a copy of.
pub(crate) const TEMPLATE: &str = "usual";
/// The copy that pgbench has.
const BARE: &str = "bare";

/// What the rounds gave.
pub(crate) struct Outcome {
    pub(crate) points: Vec<Measured>,
    starts: Vec<Start>,
}

/// A point, measured on the service and by pgbench.
pub(crate) struct Measured {
    pub(crate) point: Point,
    pub(crate) samples: Samples,
    bare: Vec<f64>,
}

pub(crate) async fn run(workshop: &mut Workshop, args: &Args) -> anyhow::Result<Outcome> {
    let points = workload::points(&args.workloads, &args.connections);
    let measured = |point| Measured { point, samples: Samples::default(), bare: Vec::new() };
    let mut outcome = Outcome { points: points.into_iter().map(measured).collect(), starts: Vec::new() };
    let pgbench = workshop.store.server().client("pgbench");
    if pgbench.is_none() {
        report::note("This PostgreSQL has no pgbench, so that there is nothing to compare with.");
    }
    for round in 1..=args.rounds {
        report::headline(&format!("Round {round} of {}", args.rounds));
        service_turn(workshop, args, &mut outcome, round).await?;
        if let Some(program) = &pgbench {
            bare_turn(workshop, args, &mut outcome, round, program).await?;
        }
    }
    Ok(outcome)
}

async fn service_turn(
    workshop: &mut Workshop,
    args: &Args,
    outcome: &mut Outcome,
    round: u32,
) -> anyhow::Result<()> {
    let subject = workshop.start_on_copy(TEMPLATE).await?;
    outcome.starts.push(subject.start_taken());
    let cold = workshop.warm(&subject, USUAL, args).await?;
    for measured in &mut outcome.points {
        let requests = workshop.requests(measured.point.workload, USUAL, REQUESTS)?;
        let mut sample = workshop.measure(&subject, &requests, measured.point, args, round).await?;
        sample.load.faults += cold;
        tell(measured.point, &sample);
        measured.samples.add(&sample);
    }
    workshop.end(subject).await
}

async fn bare_turn(
    workshop: &Workshop,
    args: &Args,
    outcome: &mut Outcome,
    round: u32,
    pgbench: &Path,
) -> anyhow::Result<()> {
    workshop.store.copy(TEMPLATE, BARE).await?;
    let url = workshop.store.server().url_of(BARE)?;
    for measured in &mut outcome.points {
        let point = measured.point;
        pgbench::run(pgbench, &url, USUAL, point, args.warmup, 1000 + round).await?;
        let rate = pgbench::run(pgbench, &url, USUAL, point, args.seconds, round).await?;
        report::note(&format!("{} pgbench {:>9}/s", label(point), table::whole(rate)));
        measured.bare.push(rate);
    }
    workshop.store.drop(BARE).await
}

/// A line while the work goes on.
pub(crate) fn tell(point: Point, sample: &Sample) {
    let numbers = sample.numbers();
    let faults = if sample.load.faults.any() { format!("  {}", sample.load.faults) } else { String::new() };
    report::note(&format!(
        "{} service {:>9}/s  p99 {:>7.2} ms  other programs {:.2} cores{faults}",
        label(point),
        table::whole(numbers.rate),
        numbers.p99_ms,
        numbers.other_cores,
    ));
}

fn label(point: Point) -> String {
    format!("{:<18} {:>4}", point.workload.name(), point.connections)
}

impl Measured {
    /// What pgbench made of the same SQL, if there is a pgbench.
    pub(crate) fn pgbench(&self) -> Option<f64> {
        median(self.bare.iter().copied())
    }

    /// How many requests are served for each statement that pgbench runs.
    fn ratio(&self) -> Option<f64> {
        Some(self.samples.medians()?.rate / self.pgbench()?)
    }

    fn row(&self) -> Vec<String> {
        let mut row = vec![self.point.workload.name().to_owned(), self.point.connections.to_string()];
        match self.samples.medians() {
            Some(n) => row.extend([
                table::whole(n.rate),
                format!("{:.1}", n.p50_ms),
                format!("{:.1}", n.p95_ms),
                format!("{:.1}", n.p99_ms),
                table::whole(n.service_us),
                table::whole(n.postgres_us),
            ]),
            None => row.extend(["SPOILED", "-", "-", "-", "-", "-"].map(str::to_owned)),
        }
        row.push(self.pgbench().map_or("-".to_owned(), table::whole));
        row.push(self.ratio().map_or("-".to_owned(), |ratio| format!("{ratio:.2}")));
        row.push(self.samples.medians().map_or("-".to_owned(), |n| table::whole(n.peak_mib)));
        row
    }
}

impl Outcome {
    /// Whether nothing happened that must not.
    pub(crate) fn is_sound(&self) -> bool {
        self.points.iter().all(|measured| !measured.samples.faults.any())
    }

    /// What each workload reached with the most connections, if that counts.
    pub(crate) fn peaks(&self) -> Vec<(Point, f64)> {
        let is_most = |one: &Measured| {
            let same = self.points.iter().filter(|other| other.point.workload == one.point.workload);
            same.map(|other| other.point.connections).max() == Some(one.point.connections)
        };
        let most = self.points.iter().filter(|one| is_most(one));
        most.filter_map(|one| Some((one.point, one.samples.medians()?.rate))).collect()
    }

    /// A row for each point, and a sentence for each one that does not count.
    pub(crate) fn table(&self) -> String {
        let mut table = Table::new(&[
            "workload",
            "connections",
            "requests/s",
            "p50 ms",
            "p95 ms",
            "p99 ms",
            "service CPU µs",
            "PostgreSQL CPU µs",
            "pgbench/s",
            "ratio",
            "peak MiB",
        ]);
        for measured in &self.points {
            table.row(measured.row());
        }
        let spoiled = self.points.iter().filter(|measured| measured.samples.faults.any());
        let lines = spoiled.map(|measured| {
            format!(
                "\n{} with {} connections counts for nothing: {}.",
                measured.point.workload.name(),
                measured.point.connections,
                measured.samples.faults
            )
        });
        format!("{table}{}", lines.collect::<String>())
    }

    pub(crate) fn start(&self) -> Option<Start> {
        let of = |number: fn(&Start) -> f64| median(self.starts.iter().map(number));
        Some(Start { milliseconds: of(|s| s.milliseconds)?, rest_mib: of(|s| s.rest_mib)? })
    }

    pub(crate) fn json(&self) -> Value {
        let of = |measured: &Measured| {
            let mut point = json!({
                "workload": measured.point.workload.name(),
                "connections": measured.point.connections,
                "pgbench_per_second": measured.pgbench().map(rounded),
                "ratio_to_pgbench": measured.ratio().map(rounded),
                "pgbench_samples": measured.bare.iter().copied().map(rounded).collect::<Vec<_>>(),
            });
            table::merge(&mut point, measured.samples.json());
            point
        };
        Value::Array(self.points.iter().map(of).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        sample::{Faults, testing::sample},
        workload::Workload,
    };

    fn outcome(faults: Faults) -> Outcome {
        let mut samples = Samples::default();
        samples.add(&sample(2000, faults));
        let point = Point { workload: Workload::Get, connections: 100 };
        let start = Start { milliseconds: 25.0, rest_mib: 14.0 };
        Outcome { points: vec![Measured { point, samples, bare: vec![1000.0] }], starts: vec![start] }
    }

    #[test]
    fn a_row_has_the_ratio_to_pgbench() {
        let sound = outcome(Faults::default());
        assert!(sound.is_sound());
        assert!(sound.table().contains("2.00"), "{}", sound.table());
        let json = sound.json();
        assert_eq!((&json[0]["workload"], &json[0]["ratio_to_pgbench"]), (&json!("get"), &json!(2.0)));
        assert_eq!(json[0]["medians"]["requests_per_second"], 2000.0);
    }

    #[test]
    fn a_spoiled_point_shows_that_and_no_number() {
        let spoiled = outcome(Faults { timeout: 2, ..Faults::default() });
        assert!(!spoiled.is_sound());
        let table = spoiled.table();
        assert!(
            table.contains("SPOILED") && table.contains("2 timeouts") && !table.contains("2,000"),
            "{table}"
        );
        assert_eq!(spoiled.json()[0]["medians"], Value::Null);
    }
}
