//! Logs: spans and events to standard output, pretty for people or JSON for machines.

use std::{
    io::{self, IsTerminal, Write as _},
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
    shorten_panics();
}

/// Has each panic say where it was and not why: the text that it was about may be a secret. The program calls this before it
/// reads anything.
pub fn shorten_panics() {
    panic::set_hook(Box::new(|panic| {
        let place = panic.location().map(ToString::to_string).unwrap_or_default();
        if tracing::dispatcher::has_been_set() {
            tracing::error!(place, "a panic; its request, if there is one, is answered with 500");
        } else {
            let _ = writeln!(io::stderr(), "task-api: a panic at {place}");
        }
    }));
}

fn may_be_written(metadata: &Metadata<'_>) -> bool {
    LIMITS.iter().all(|(target, most)| {
        let rest = metadata.target().strip_prefix(target);
        let is_within = rest.is_some_and(|rest| rest.is_empty() || rest.starts_with("::"));
        !is_within || metadata.level() <= most
    })
}

#[cfg(test)]
mod tests {
    use std::{env, process::Command};

    use super::*;

    /// The variable that makes the test a program which panics.
    const PANIC: &str = "TEST_PANICS";

    #[test]
    fn a_panic_says_where_it_was_and_not_what_it_was_about() {
        if let Ok(text) = env::var(PANIC) {
            shorten_panics();
            let _ = &text[..1];
        }
        let name = "logs::tests::a_panic_says_where_it_was_and_not_what_it_was_about";
        let program = env::current_exe().unwrap();
        let output =
            Command::new(program).args([name, "--exact", "--nocapture"]).env(PANIC, "\u{e9}s3cret").output();
        let output = output.unwrap();
        let text = format!("{output:?}");
        assert!(
            !output.status.success() && text.contains("a panic at crates/telemetry/src/logs.rs"),
            "{text}"
        );
        assert!(!text.contains("s3cret"), "{text}");
    }
}
