//! Logs: spans and events to standard output, pretty for people or JSON for machines.

use std::{
    io::{self, IsTerminal},
    panic,
};

use task_settings::LogFormat;
use tracing_subscriber::{EnvFilter, filter::Directive};

/// Directives that override `LOG_LEVEL`. Below `info`, the database libraries log the values of statements, titles and user
/// ids among them; actix-web logs malformed HTTP and disconnects of clients as errors.
const OVERRIDES: [&str; 3] =
    ["tokio_postgres=info", "postgres_protocol=info", "actix_http::h1::dispatcher=off"];

/// Writes everything that passes `filter` to standard output, panics included. The program calls this first.
pub fn init(filter: EnvFilter, format: LogFormat) {
    let filter = OVERRIDES.into_iter().filter_map(|directive| directive.parse().ok()).fold(filter, add);
    // In tests, several calls share a process; the first one wins.
    let _ = match format {
        LogFormat::Pretty => tracing_subscriber::fmt()
            .with_env_filter(filter)
            .with_writer(io::stdout)
            .with_ansi(io::stdout().is_terminal())
            .with_target(false)
            .try_init(),
        // tracing-subscriber would format the fields of a span as JSON, and parse that again for each line.
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
        tracing::error!(place, "a panic; its request, if there is one, is answered with 500");
    }));
}

fn add(filter: EnvFilter, directive: Directive) -> EnvFilter {
    filter.add_directive(directive)
}
