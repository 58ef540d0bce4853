//! Latency at half of the peak: how long a client waits on a machine that is busy and not overloaded.
//!
//! oha sends requests when they are due, whether or not those before have been answered, and counts the time from then
//! on. It knows one token, so each kind of request is of one user: lists of one who has a hundred tasks, the rest of one
//! who has enough of them that hardly two requests at once are for the same. A mix is sent by one oha for each kind.

use std::{
    fs,
    path::{Path, PathBuf},
};

use anyhow::Context as _;
use serde_json::{Value, json};
use tokio::{process::Command, task::JoinSet};
use tools_kit::{
    process, report,
    table::{self, Table},
};

use crate::{
    args::Args,
    data::{Chance, DataSet, REQUESTS, USUAL, User},
    measure::Workshop,
    requests,
    sample::rounded,
    subject::Subject,
    workload::{Point, Workload},
    workloads,
    wrk::{self, Order},
};

const DATABASE: &str = "fixed_rate";
/// How many tasks the user gets whose tasks are asked for one by one.
const TASKS: u64 = 10_000;
const BODIES: u64 = 1_000;

/// What was seen of one kind of request.
pub(crate) struct Seen {
    workload: Workload,
    kind: Workload,
    asked_rate: f64,
    rate: f64,
    p50_ms: f64,
    p95_ms: f64,
    p99_ms: f64,
    /// How many answers were not as they should be.
    faults: u64,
}

pub(crate) struct Outcome(Vec<Seen>);

/// Measures each workload of a run at half of what that run reached with the most connections.
pub(crate) async fn run(
    workshop: &mut Workshop,
    args: &Args,
    peaks: &workloads::Outcome,
) -> anyhow::Result<Outcome> {
    report::headline("Half of the peak, at a fixed rate");
    workshop.store.copy(workloads::TEMPLATE, DATABASE).await?;
    let (first, last) = (USUAL.tasks + 1, USUAL.tasks + TASKS);
    workshop.store.add(DATABASE, DataSet { every: 1, ..USUAL }, first, last).await?;
    let subject = workshop.start_on(DATABASE).await?;
    workshop.warm(&subject, USUAL, args).await?;
    let mut outcome = Outcome(Vec::new());
    for (point, peak) in peaks.peaks() {
        let requests = workshop.requests(point.workload, USUAL, REQUESTS)?;
        let (url, seconds) = (subject.url(), args.warmup);
        wrk::run(&Order { url: &url, requests: &requests, point, seconds, seed: 0, strict: true }).await?;
        for seen in hold(workshop, &subject, point, peak / 2.0, args.seconds).await? {
            report::note(&format!(
                "{:<18} {:<18} p99 {:.2} ms",
                point.workload.name(),
                seen.kind.name(),
                seen.p99_ms
            ));
            outcome.0.push(seen);
        }
        subject.empty_log()?;
    }
    drop(subject);
    workshop.store.drop(DATABASE).await?;
    Ok(outcome)
}

/// Sends all kinds of a workload at the same time.
async fn hold(
    workshop: &mut Workshop,
    subject: &Subject,
    point: Point,
    rate: f64,
    seconds: u32,
) -> anyhow::Result<Vec<Seen>> {
    let mut kinds = JoinSet::new();
    for (kind, share) in point.workload.parts() {
        let asked_rate = (rate * f64::from(share) / 100.0).max(1.0).round();
        let connections = (point.connections * share / 100).max(1);
        let mut oha = order(workshop, subject, kind)?;
        oha.args([
            "-q",
            &asked_rate.to_string(),
            "-c",
            &connections.to_string(),
            "-z",
            &format!("{seconds}s"),
        ]);
        kinds.spawn(async move {
            let words = process::capture(oha.arg("--no-color")).await?;
            let told = seen(&words, point.workload, kind, asked_rate);
            told.with_context(|| format!("oha does not say what it did, but:\n{}", process::tail(&words, 8)))
        });
    }
    let mut all = kinds.join_all().await.into_iter().collect::<anyhow::Result<Vec<_>>>()?;
    all.sort_by_key(|seen| seen.kind);
    Ok(all)
}

/// An oha for one kind of request, all but for its rate.
fn order(workshop: &mut Workshop, subject: &Subject, kind: Workload) -> anyhow::Result<Command> {
    let folder = workshop.store.server().folder().to_path_buf();
    let user = match kind {
        kind if kind.names_a_task() => User(0),
        // The users who create have other lists than those that are read.
        Workload::Create => User(2),
        _ => User(1),
    };
    let mut oha = Command::new("oha");
    oha.args([
        "--no-tui",
        "--output-format",
        "json",
        "--latency-correction",
        "--wait-ongoing-requests-after-deadline",
    ])
    .args(["-m", kind.method(), "-H", &format!("Authorization: Bearer {}", workshop.tokens.of(user)?)]);
    if kind.has_body() {
        let mut chance = Chance::new(3);
        let lines: Vec<String> = (0..BODIES).map(|_| requests::body(&mut chance)).collect();
        oha.args(["-T", "application/json", "-Z"]).arg(write(&folder, "bodies", &lines)?);
    }
    let url = |task| format!("{}{}", subject.url(), kind.path(user, task));
    if kind.names_a_task() {
        let lines: Vec<String> = (USUAL.tasks + 1..=USUAL.tasks + TASKS).map(url).collect();
        oha.arg("--urls-from-file").arg(write(&folder, kind.name(), &lines)?);
    } else {
        oha.arg(url(0));
    }
    Ok(oha)
}

fn write(folder: &Path, name: &str, lines: &[String]) -> anyhow::Result<PathBuf> {
    let path = folder.join(format!("{name}.oha"));
    fs::write(&path, lines.join("\n")).with_context(|| format!("cannot write {}", path.display()))?;
    Ok(path)
}

/// What oha tells as JSON, in seconds.
fn seen(words: &str, workload: Workload, kind: Workload, asked_rate: f64) -> Option<Seen> {
    let told: Value = serde_json::from_str(words).ok()?;
    let milliseconds = |name: &str| Some(told["latencyPercentiles"][name].as_f64()? * 1e3);
    let counts = |name: &str| Some(told[name].as_object()?.iter());
    let expected = kind.statuses();
    let unexpected = counts("statusCodeDistribution")?.filter(|(status, _)| status.as_str() != expected);
    let faults = unexpected.chain(counts("errorDistribution")?).filter_map(|(_, count)| count.as_u64()).sum();
    Some(Seen {
        workload,
        kind,
        asked_rate,
        rate: told["summary"]["requestsPerSec"].as_f64()?,
        p50_ms: milliseconds("p50")?,
        p95_ms: milliseconds("p95")?,
        p99_ms: milliseconds("p99")?,
        faults,
    })
}

impl Outcome {
    pub(crate) fn is_sound(&self) -> bool {
        self.0.iter().all(|seen| seen.faults == 0)
    }

    pub(crate) fn table(&self) -> String {
        let mut table =
            Table::new(&["workload", "request", "asked/s", "answered/s", "p50 ms", "p95 ms", "p99 ms"]);
        for seen in &self.0 {
            let mut row = vec![seen.workload.name().to_owned(), seen.kind.name().to_owned()];
            row.extend([table::whole(seen.asked_rate), table::whole(seen.rate)]);
            if seen.faults == 0 {
                row.extend([seen.p50_ms, seen.p95_ms, seen.p99_ms].map(|time| format!("{time:.2}")));
            } else {
                row.extend(["SPOILED".to_owned(), format!("{} faults", seen.faults), "-".to_owned()]);
            }
            table.row(row);
        }
        table.to_string()
    }

    pub(crate) fn json(&self) -> Value {
        let of = |seen: &Seen| {
            let sound = |number: f64| (seen.faults == 0).then(|| rounded(number));
            json!({
                "workload": seen.workload.name(),
                "request": seen.kind.name(),
                "asked_per_second": rounded(seen.asked_rate),
                "answered_per_second": sound(seen.rate),
                "p50_ms": sound(seen.p50_ms),
                "p95_ms": sound(seen.p95_ms),
                "p99_ms": sound(seen.p99_ms),
                "faults": seen.faults,
            })
        };
        Value::Array(self.0.iter().map(of).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(statuses: &Value, errors: &Value) -> Option<Seen> {
        let words = json!({
            "summary": { "requestsPerSec": 1000.0 },
            "latencyPercentiles": { "p50": 0.001, "p95": 0.002, "p99": 0.0035 },
            "statusCodeDistribution": statuses,
            "errorDistribution": errors,
        });
        seen(&words.to_string(), Workload::Mix, Workload::Create, 1000.0)
    }

    #[test]
    fn times_are_read_in_milliseconds() {
        let seen = told(&json!({ "201": 5000 }), &json!({})).unwrap();
        assert_eq!((seen.faults, seen.rate), (0, 1000.0));
        assert!((seen.p99_ms - 3.5).abs() < 1e-9);
        assert!(super::seen("no JSON", Workload::Get, Workload::Get, 1.0).is_none());
    }

    #[test]
    fn whatever_was_not_expected_spoils_the_point() {
        let seen =
            told(&json!({ "201": 5000, "200": 1, "503": 2 }), &json!({ "connection reset": 3 })).unwrap();
        assert_eq!(seen.faults, 6);
        let outcome = Outcome(vec![seen]);
        assert!(!outcome.is_sound() && outcome.table().contains("SPOILED"));
        assert_eq!(outcome.json()[0]["p99_ms"], Value::Null);
    }
}
