//! Which log lines are written, and how they look.

use tracing_subscriber::{EnvFilter, filter::LevelFilter};

use crate::{about::Environment, quoted::quoted, reader::Reader};

/// Which log lines are written, and how they look.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogSettings {
    /// Levels, perhaps with targets, in the syntax of `EnvFilter`.
    pub filter: String,
    /// How a line looks.
    pub format: LogFormat,
}

/// How log lines look.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LogFormat {
    /// For people.
    Pretty,
    /// For machines: one JSON object on each line.
    Json,
}

/// Reads `LOG_LEVEL` and `LOG_FORMAT`; the format depends on the environment if it is not set.
pub(crate) fn read(reader: &mut Reader, environment: Environment) -> LogSettings {
    LogSettings {
        filter: reader.parsed("LOG_LEVEL", log_filter).unwrap_or_default(),
        format: log_format(reader, environment),
    }
}

fn log_filter(text: &str) -> Result<String, String> {
    // `EnvFilter` reads a misspelt level as the name of a target, and would log nothing at all.
    let is_level = |entry: &str| entry.contains(['=', '[']) || entry.parse::<LevelFilter>().is_ok();
    if text.split(',').map(str::trim).all(is_level) && text.parse::<EnvFilter>().is_ok() {
        Ok(text.to_owned())
    } else {
        Err(format!(
            "must be error, warn, info, debug, trace or off, or targets with those, not {}",
            quoted(text, text)
        ))
    }
}

fn log_format(reader: &mut Reader, environment: Environment) -> LogFormat {
    let chosen = reader.parsed("LOG_FORMAT", |text| match text {
        "pretty" => Ok(LogFormat::Pretty),
        "json" => Ok(LogFormat::Json),
        other => Err(format!("must be pretty or json, not {}", quoted(other, other))),
    });
    chosen.unwrap_or(if environment == Environment::Production { LogFormat::Json } else { LogFormat::Pretty })
}
