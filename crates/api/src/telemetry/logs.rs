//! Logs: spans and events to standard output, pretty for people or JSON for machines.

use std::{
    io::{self, IsTerminal},
    panic,
};

use task_settings::LogFormat;
use tracing_subscriber::{EnvFilter, filter::Directive};

/// What is never logged, whatever `LOG_LEVEL` says. The libraries of the database write the values of statements at lower
/// levels, titles and user ids among them; actix calls it an error when a client sends malformed HTTP or goes away.
const WITHHELD: [&str; 3] =
    ["tokio_postgres=info", "postgres_protocol=info", "actix_http::h1::dispatcher=off"];

/// Sends everything that passes `filter` to standard output, panics included. To be called once, first of all.
pub fn init(filter: EnvFilter, format: LogFormat) {
    let filter = WITHHELD.into_iter().filter_map(|directive| directive.parse().ok()).fold(filter, add);
    // A second call in one process, as tests make it, leaves the first one's set-up in place.
    let _ = match format {
        LogFormat::Pretty => tracing_subscriber::fmt()
            .with_env_filter(filter)
            .with_writer(io::stdout)
            .with_ansi(io::stdout().is_terminal())
            .with_target(false)
            .try_init(),
        // It keeps the members of a span as they are, where tracing-subscriber writes them as JSON and parses that again
        // for every line.
        LogFormat::Json => json_subscriber::fmt()
            .with_env_filter(filter)
            .with_writer(io::stdout)
            .flatten_event(true)
            .with_current_span(true)
            .with_span_list(false)
            .try_init(),
    };
    panic::set_hook(Box::new(|panic| {
        let place = panic.location().map(ToString::to_string).unwrap_or_default();
        tracing::error!(place, "a panic; the request, if there is one, is answered with 500");
    }));
}

fn add(filter: EnvFilter, directive: Directive) -> EnvFilter {
    filter.add_directive(directive)
}
