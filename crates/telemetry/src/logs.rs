//! Logs: spans and events to standard output, pretty for people or JSON for machines.

use std::{
    io::{self, IsTerminal},
    panic,
};

use task_settings::LogFormat;
use tracing::{Metadata, level_filters::LevelFilter};
use tracing_subscriber::{
    EnvFilter, filter::filter_fn, layer::SubscriberExt as _, util::SubscriberInitExt as _,
};

/// What is written at most, whatever `LOG_LEVEL` says of a target or a span. Below `info`, the database libraries log the
/// values of statements, titles and user ids among them, and the HTTP client the address of a proxy, which may hold a
/// password; actix-web logs malformed HTTP and disconnects of clients as errors.
const LIMITS: [(&str, LevelFilter); 4] = [
    ("tokio_postgres", LevelFilter::INFO),
    ("postgres_protocol", LevelFilter::INFO),
    ("reqwest::connect", LevelFilter::INFO),
    ("actix_http::h1::dispatcher", LevelFilter::OFF),
];

/// Writes everything that passes `filter` to standard output, panics included. The program calls this first.
pub fn init(filter: EnvFilter, format: LogFormat) {
    // In tests, several calls share a process; the first one wins.
    let _ = match format {
        LogFormat::Pretty => tracing_subscriber::fmt()
            .with_env_filter(filter)
            .with_writer(io::stdout)
            .with_ansi(io::stdout().is_terminal())
            .with_target(false)
            .finish()
            .with(filter_fn(may_be_written))
            .try_init(),
        // tracing-subscriber would format the fields of a span as JSON, and parse that again for each line.
        LogFormat::Json => json_subscriber::fmt()
            .with_env_filter(filter)
            .with_writer(io::stdout)
            .flatten_event(true)
            .with_current_span(true)
            .with_span_list(false)
            .finish()
            .with(filter_fn(may_be_written))
            .try_init(),
    };
    panic::set_hook(Box::new(|panic| {
        let place = panic.location().map(ToString::to_string).unwrap_or_default();
        tracing::error!(place, "a panic; its request, if there is one, is answered with 500");
    }));
}

fn may_be_written(metadata: &Metadata<'_>) -> bool {
    LIMITS.iter().all(|(target, most)| {
        let rest = metadata.target().strip_prefix(target);
        let is_within = rest.is_some_and(|rest| rest.is_empty() || rest.starts_with("::"));
        !is_within || metadata.level() <= most
    })
}
