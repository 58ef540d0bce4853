//! Metrics in the text format of Prometheus. Nothing is counted if no address for metrics is configured.

use std::{fmt, time::Duration};

use metrics::{Key, KeyName, Label, Level, Metadata, Recorder, SharedString, Unit};
use metrics_exporter_prometheus::{
    BuildError, Matcher, PrometheusBuilder, PrometheusHandle, PrometheusRecorder,
};

const METADATA: Metadata<'static> = Metadata::new(module_path!(), Level::INFO, None);

const DURATION: &str = "http_server_request_duration_seconds";
const RATE_LIMITED: &str = "task_api_rate_limited_total";
const KEY_FETCHES: &str = "task_api_key_set_fetches_total";
const CONNECTIONS: &str = "task_api_db_connections";
const CONNECTIONS_MAX: &str = "task_api_db_connections_max";
const CLIENTS: &str = "task_api_client_connections";
const CLIENTS_MAX: &str = "task_api_client_connections_max";
const WAITING: &str = "task_api_db_waiting_requests";
const BUILD: &str = "task_api_build_info";

/// The help texts, as collectors show them.
const DURATION_HELP: &str =
    "From the head of a request to the head of its answer, by the template of the route.";
const COUNTERS: [(&str, &str); 2] = [
    (RATE_LIMITED, "Requests that were refused with 429, by the limit that refused them."),
    (KEY_FETCHES, "How often the key set was fetched, by how that ended."),
];
const GAUGES: [(&str, &str); 6] = [
    (CONNECTIONS, "Connections to the database of all workers that are open, by whether they are in use."),
    (CONNECTIONS_MAX, "How many connections all workers may have open."),
    (CLIENTS, "Connections of clients that are open, whether they ask for something or not."),
    (CLIENTS_MAX, "How many connections of clients there may be; more wait until one ends."),
    (WAITING, "Requests that wait for a connection of their own, or for one to be opened."),
    (BUILD, "1, with the version of the program."),
];

/// The upper bounds of the buckets, in seconds. The last one is the longest that a request may take in the database.
const BUCKETS: [f64; 12] = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 5.0];

/// The metrics of this process.
pub struct Metrics {
    recorder: PrometheusRecorder,
    handle: PrometheusHandle,
}

impl Metrics {
    /// Begins with no requests.
    ///
    /// Fails only if the buckets are invalid, which is a bug.
    pub fn new() -> Result<Self, BuildError> {
        let duration = Matcher::Full(DURATION.to_owned());
        let recorder = PrometheusBuilder::new().set_buckets_for_metric(duration, &BUCKETS)?.build_recorder();
        let unit = Some(Unit::Seconds);
        recorder.describe_histogram(KeyName::from_const_str(DURATION), unit, DURATION_HELP.into());
        for (name, help) in COUNTERS {
            recorder.describe_counter(KeyName::from_const_str(name), None, help.into());
        }
        for (name, help) in GAUGES {
            recorder.describe_gauge(KeyName::from_const_str(name), None, help.into());
        }
        let handle = recorder.handle();
        let metrics = Self { recorder, handle };
        metrics.gauge(BUILD, [("version", env!("CARGO_PKG_VERSION"))], 1.0);
        Ok(metrics)
    }

    /// Counts a request and its duration. `method` is a [`method_label`], `route` the template of the path.
    pub fn answered(&self, method: &'static str, route: Option<String>, status: u16, took: Duration) {
        let labels = vec![
            Label::from_static_parts("method", method),
            Label::new("route", route.map_or(SharedString::const_str("unknown"), SharedString::from)),
            Label::new("status", SharedString::from(status.to_string())),
        ];
        self.recorder.register_histogram(&Key::from_parts(DURATION, labels), &METADATA).record(took);
    }

    /// Counts a request that the limit `limit` refused.
    pub fn limited(&self, limit: &'static str) {
        let key = Key::from_parts(RATE_LIMITED, vec![Label::from_static_parts("limit", limit)]);
        self.recorder.register_counter(&key, &METADATA).increment(1);
    }

    fn gauge<const N: usize>(
        &self,
        name: &'static str,
        labels: [(&'static str, &'static str); N],
        value: f64,
    ) {
        let labels = labels.map(|(name, value)| Label::from_static_parts(name, value));
        self.recorder.register_gauge(&Key::from_parts(name, Vec::from(labels)), &METADATA).set(value);
    }

    /// Sets the gauges, and writes all metrics.
    #[must_use]
    pub fn render(&self, gauges: &Gauges) -> String {
        let state = |state| [("state", state)];
        self.gauge(CONNECTIONS, state("in_use"), count(gauges.connections_in_use));
        self.gauge(CONNECTIONS, state("idle"), count(gauges.connections_idle));
        self.gauge(CONNECTIONS_MAX, [], count(gauges.connections_max));
        self.gauge(CLIENTS, [], count(gauges.clients));
        self.gauge(CLIENTS_MAX, [], count(gauges.clients_max));
        self.gauge(WAITING, [], count(gauges.waiting));
        if let Some((succeeded, failed)) = gauges.key_fetches {
            for (outcome, number) in [("success", succeeded), ("failure", failed)] {
                let key = Key::from_parts(KEY_FETCHES, vec![Label::from_static_parts("outcome", outcome)]);
                self.recorder.register_counter(&key, &METADATA).absolute(number);
            }
        }
        self.handle.render()
    }

    /// Moves recorded durations into their buckets, whose size is fixed. A background task calls this.
    pub fn drain_histograms(&self) {
        self.handle.run_upkeep();
    }
}

impl fmt::Debug for Metrics {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Metrics").finish_non_exhaustive()
    }
}

/// The method as a label. A client can send any number of unknown methods; all of them are `other`.
#[must_use]
pub fn method_label(method: &str) -> &'static str {
    const KNOWN: [&str; 7] = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"];
    KNOWN.into_iter().find(|known| *known == method).unwrap_or("other")
}

#[expect(clippy::cast_precision_loss, reason = "a process never has that many connections")]
fn count(number: usize) -> f64 {
    number as f64
}

/// Numbers that other parts of the program keep, at one moment.
#[derive(Clone, Copy, Debug, Default)]
pub struct Gauges {
    /// Connections to the database that serve a request.
    pub connections_in_use: usize,
    /// Open connections to the database that are idle.
    pub connections_idle: usize,
    /// How many connections to the database there may be.
    pub connections_max: usize,
    /// How many requests wait for a connection to the database.
    pub waiting: usize,
    /// How many clients are connected.
    pub clients: usize,
    /// How many clients may be connected at the same time.
    pub clients_max: usize,
    /// How often the key set was fetched, with success and without; `None` if none is configured.
    pub key_fetches: Option<(u64, u64)>,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rendered(metrics: &Metrics) -> String {
        metrics.render(&Gauges::default())
    }

    #[test]
    fn requests_are_counted_by_route_and_status_and_unknown_methods_as_one() {
        let metrics = Metrics::new().unwrap();
        let route = || Some("/api/{user_id}/tasks".to_owned());
        metrics.answered("GET", route(), 200, Duration::from_micros(700));
        metrics.answered("GET", route(), 200, Duration::from_millis(30));
        for unknown in ["BREW", "WHEN"] {
            metrics.answered(method_label(unknown), None, 401, Duration::ZERO);
        }
        let text = rendered(&metrics);
        let list = "method=\"GET\",route=\"/api/{user_id}/tasks\",status=\"200\"";
        for line in [
            format!("{DURATION}_bucket{{{list},le=\"0.001\"}} 1"),
            format!("{DURATION}_bucket{{{list},le=\"+Inf\"}} 2"),
            format!("{DURATION}_count{{{list}}} 2"),
            format!("{DURATION}_count{{method=\"other\",route=\"unknown\",status=\"401\"}} 2"),
            format!("# TYPE {DURATION} histogram"),
        ] {
            assert!(text.lines().any(|found| found == line), "{line}\n\n{text}");
        }
    }

    #[test]
    fn the_version_and_refusals_by_limits_are_shown() {
        let metrics = Metrics::new().unwrap();
        metrics.limited("user");
        metrics.limited("user");
        let text = rendered(&metrics);
        let version = format!("{BUILD}{{version=\"{}\"}} 1", env!("CARGO_PKG_VERSION"));
        for line in [version.as_str(), "task_api_rate_limited_total{limit=\"user\"} 2"] {
            assert!(text.lines().any(|found| found == line), "{line}\n\n{text}");
        }
    }
}
