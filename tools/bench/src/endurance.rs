//! Memory over minutes: what is kept for each request would show here, and nowhere else.

use std::time::Duration;

use serde_json::{Value, json};
use tools_kit::{report, table::Table};

use crate::{
    args::Args,
    data::{REQUESTS, USUAL},
    measure::Workshop,
    sample::{Sample, Samples, rounded},
    subject::Start,
    workload::{Point, Workload},
    workloads::{self, TEMPLATE},
    wrk::{self, Order},
};

/// How often memory is looked at.
const WATCH: Duration = Duration::from_secs(1);
const MINUTE: usize = 60;
const POINT: Point = Point { workload: Workload::Mix, connections: 100 };

/// Resident memory while the mix is held.
pub(crate) struct Outcome {
    start: Start,
    samples: Samples,
    /// One reading each second, in MiB.
    pub(crate) memory: Vec<f64>,
}

pub(crate) async fn run(workshop: &mut Workshop, args: &Args, minutes: u32) -> anyhow::Result<Outcome> {
    report::headline(&format!("The mix with {} connections for {minutes} min", POINT.connections));
    let subject = workshop.start_on_copy(TEMPLATE).await?;
    let start = subject.start_taken();
    let requests = workshop.requests(POINT.workload, USUAL, REQUESTS)?;
    let url = subject.url();
    let order =
        |seconds, strict| Order { url: &url, requests: &requests, point: POINT, seconds, seed: 1, strict };
    let before = wrk::run(&order(args.warmup, true)).await?.faults;
    let work = order(minutes * 60, false);
    let watched = workshop.watch(&subject, &work, WATCH);
    // A line is logged for each request: a log without a reader must not fill the disk.
    let emptied = async {
        loop {
            tokio::time::sleep(Duration::from_secs(30)).await;
            subject.empty_log()?;
        }
    };
    let (mut sample, memory): (Sample, Vec<f64>) = tokio::select! {
        done = watched => done?,
        failed = emptied => return failed,
    };
    sample.load.faults += before;
    workloads::tell(POINT, &sample);
    let mut samples = Samples::default();
    samples.add(&sample);
    workshop.end(subject).await?;
    Ok(Outcome { start, samples, memory })
}

impl Outcome {
    pub(crate) fn is_sound(&self) -> bool {
        !self.samples.faults.any()
    }

    fn peak(&self) -> f64 {
        self.memory.iter().copied().fold(self.start.rest_mib, f64::max)
    }

    /// The last reading of each minute.
    fn after_minutes(&self) -> Vec<f64> {
        self.memory.chunks_exact(MINUTE).filter_map(|minute| minute.last()).copied().collect()
    }

    pub(crate) fn table(&self) -> String {
        let mut table = Table::new(&["when", "resident MiB"]);
        let mut row = |when: String, mib: f64| table.row(vec![when, format!("{mib:.1}")]);
        row("at rest".to_owned(), self.start.rest_mib);
        for (minute, mib) in (1..).zip(self.after_minutes()) {
            row(format!("after minute {minute}"), mib);
        }
        row("at most".to_owned(), self.peak());
        if self.is_sound() {
            table.to_string()
        } else {
            format!("{table}\nIt counts for nothing: {}.\n", self.samples.faults)
        }
    }

    pub(crate) fn json(&self) -> Value {
        json!({
            "workload": POINT.workload.name(),
            "connections": POINT.connections,
            "at_rest_mib": rounded(self.start.rest_mib),
            "after_minutes_mib": self.after_minutes().into_iter().map(rounded).collect::<Vec<_>>(),
            "peak_mib": rounded(self.peak()),
            "each_second_mib": self.memory.iter().copied().map(rounded).collect::<Vec<_>>(),
            "load": self.samples.json(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sample::{Faults, testing::sample};

    #[test]
    fn memory_is_shown_at_rest_after_each_minute_and_at_most() {
        let mut samples = Samples::default();
        samples.add(&sample(1000, Faults::default()));
        let memory = [vec![20.0; 59], vec![31.0], vec![40.5; 30], vec![32.0; 31]].concat();
        let start = Start { milliseconds: 25.0, rest_mib: 14.0 };
        let outcome = Outcome { start, samples, memory };
        let json = outcome.json();
        assert_eq!((&json["at_rest_mib"], &json["peak_mib"]), (&json!(14.0), &json!(40.5)));
        assert_eq!(json["after_minutes_mib"], json!([31.0, 32.0]));
        assert!(outcome.table().contains("after minute 2"), "{}", outcome.table());
    }
}
