//! Metrics in the text format of Prometheus. Nothing is counted if no address for metrics is configured.

use std::{
    fmt,
    sync::{Mutex, PoisonError},
    time::Duration,
};

use prometheus::{
    HistogramOpts, HistogramVec, IntCounterVec, IntGauge, IntGaugeVec, Opts, Registry, TextEncoder,
    core::Collector,
};

/// The upper bounds of the buckets, in seconds. The last one is the longest that a request may take in the database.
const BUCKETS: [f64; 12] = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 5.0];

/// The metrics of this process.
pub struct Metrics {
    registry: Registry,
    durations: HistogramVec,
    rate_limited: IntCounterVec,
    key_fetches: IntCounterVec,
    connections: IntGaugeVec,
    connections_max: IntGauge,
    clients: IntGauge,
    clients_max: IntGauge,
    waiting: IntGauge,
    /// Two collectors that ask at once must not both bring the counters up to date.
    rendering: Mutex<()>,
}

impl Metrics {
    /// Begins with no requests.
    ///
    /// Fails only if a name or the buckets are invalid, which is a bug.
    pub fn new() -> Result<Self, prometheus::Error> {
        let registry = Registry::new();
        let durations = HistogramOpts::new(
            "http_server_request_duration_seconds",
            "From the head of a request to the head of its answer, by the template of the route.",
        );
        let durations = durations.buckets(BUCKETS.to_vec());
        let durations = HistogramVec::new(durations, &["method", "route", "status"])?;
        let rate_limited = Opts::new(
            "task_api_rate_limited_total",
            "Requests that were refused with 429, by the limit that refused them.",
        );
        let key_fetches = Opts::new(
            "task_api_key_set_fetches_total",
            "How often the key set was fetched, by how that ended.",
        );
        let connections = Opts::new(
            "task_api_db_connections",
            "Connections to the database of all workers that are open, by whether they are in use.",
        );
        let build = Opts::new("task_api_build_info", "1, with the version of the program.");
        let build = IntGaugeVec::new(build, &["version"])?;
        build.with_label_values(&[env!("CARGO_PKG_VERSION")]).set(1);
        register(&registry, &build)?;
        Ok(Self {
            durations: register(&registry, &durations)?,
            rate_limited: register(&registry, &IntCounterVec::new(rate_limited, &["limit"])?)?,
            key_fetches: register(&registry, &IntCounterVec::new(key_fetches, &["outcome"])?)?,
            connections: register(&registry, &IntGaugeVec::new(connections, &["state"])?)?,
            connections_max: gauge(
                &registry,
                "task_api_db_connections_max",
                "How many connections all workers may have open.",
            )?,
            clients: gauge(
                &registry,
                "task_api_client_connections",
                "Connections of clients that are open, whether they ask for something or not.",
            )?,
            clients_max: gauge(
                &registry,
                "task_api_client_connections_max",
                "How many connections of clients there may be; more wait until one ends.",
            )?,
            waiting: gauge(
                &registry,
                "task_api_db_waiting_requests",
                "Requests that wait for a connection of their own, or for one to be opened.",
            )?,
            registry,
            rendering: Mutex::new(()),
        })
    }

    /// Counts a request and its duration. `method` is a [`method_label`], `route` the template of the path.
    pub fn answered(&self, method: &'static str, route: Option<&str>, status: u16, took: Duration) {
        let labels = [method, route.unwrap_or("unknown"), &status.to_string()];
        self.durations.with_label_values(&labels).observe(took.as_secs_f64());
    }

    /// Counts a request that the limit `limit` refused.
    pub fn limited(&self, limit: &'static str) {
        self.rate_limited.with_label_values(&[limit]).inc();
    }

    /// Sets the gauges, and writes all metrics.
    ///
    /// Fails only if two metrics contradict each other, which is a bug.
    pub fn render(&self, gauges: &Gauges) -> Result<String, prometheus::Error> {
        let _rendering = self.rendering.lock().unwrap_or_else(PoisonError::into_inner);
        for (state, number) in [("in_use", gauges.connections_in_use), ("idle", gauges.connections_idle)] {
            self.connections.with_label_values(&[state]).set(signed(number));
        }
        self.connections_max.set(signed(gauges.connections_max));
        self.clients.set(signed(gauges.clients));
        self.clients_max.set(signed(gauges.clients_max));
        self.waiting.set(signed(gauges.waiting));
        if let Some((succeeded, failed)) = gauges.key_fetches {
            for (outcome, number) in [("success", succeeded), ("failure", failed)] {
                let counter = self.key_fetches.with_label_values(&[outcome]);
                counter.inc_by(number.saturating_sub(counter.get()));
            }
        }
        TextEncoder::new().encode_to_string(&self.registry.gather())
    }
}

impl fmt::Debug for Metrics {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Metrics").finish_non_exhaustive()
    }
}

fn register<C: Collector + Clone + 'static>(registry: &Registry, metric: &C) -> Result<C, prometheus::Error> {
    registry.register(Box::new(metric.clone()))?;
    Ok(metric.clone())
}

fn gauge(registry: &Registry, name: &str, help: &str) -> Result<IntGauge, prometheus::Error> {
    register(registry, &IntGauge::new(name, help)?)
}

/// The method as a label. A client can send any number of unknown methods; all of them are `other`.
#[must_use]
pub fn method_label(method: &str) -> &'static str {
    const KNOWN: [&str; 7] = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"];
    KNOWN.into_iter().find(|known| *known == method).unwrap_or("other")
}

fn signed(number: usize) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
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

    const SECONDS: &str = "http_server_request_duration_seconds";

    fn rendered(metrics: &Metrics) -> String {
        metrics.render(&Gauges::default()).unwrap()
    }

    #[test]
    fn requests_are_counted_by_route_and_status_and_unknown_methods_as_one() {
        let metrics = Metrics::new().unwrap();
        let route = Some("/api/{user_id}/tasks");
        metrics.answered("GET", route, 200, Duration::from_micros(700));
        metrics.answered("GET", route, 200, Duration::from_millis(30));
        for unknown in ["BREW", "WHEN"] {
            metrics.answered(method_label(unknown), None, 401, Duration::ZERO);
        }
        let text = rendered(&metrics);
        let list = "method=\"GET\",route=\"/api/{user_id}/tasks\",status=\"200\"";
        for line in [
            format!("{SECONDS}_bucket{{{list},le=\"0.001\"}} 1"),
            format!("{SECONDS}_bucket{{{list},le=\"+Inf\"}} 2"),
            format!("{SECONDS}_count{{{list}}} 2"),
            format!("{SECONDS}_count{{method=\"other\",route=\"unknown\",status=\"401\"}} 2"),
            format!("# TYPE {SECONDS} histogram"),
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
        let version = format!("task_api_build_info{{version=\"{}\"}} 1", env!("CARGO_PKG_VERSION"));
        for line in [version.as_str(), "task_api_rate_limited_total{limit=\"user\"} 2"] {
            assert!(text.lines().any(|found| found == line), "{line}\n\n{text}");
        }
    }

    #[test]
    fn fetches_of_the_key_set_are_counted_once_however_often_they_are_read() {
        let metrics = Metrics::new().unwrap();
        for fetches in [(1, 0), (3, 1), (3, 1)] {
            let text = metrics.render(&Gauges { key_fetches: Some(fetches), ..Gauges::default() }).unwrap();
            for (outcome, number) in [("success", fetches.0), ("failure", fetches.1)] {
                let line = format!("task_api_key_set_fetches_total{{outcome=\"{outcome}\"}} {number}");
                assert!(text.lines().any(|found| found == line), "{line}\n\n{text}");
            }
        }
    }
}
