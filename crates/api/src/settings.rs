//! Typed settings, from defaults, `.env` and the environment. Everything is checked before anything is opened.

mod reader;
mod variables;

use std::{env, time::Duration};

use secrecy::{ExposeSecret, SecretString};
use serde::Serialize;
use task_adapters::{Database, PoolOptions};
use tracing_subscriber::EnvFilter;
use utoipa::ToSchema;

use self::reader::Reader;
pub use self::{
    reader::{InvalidSettings, SettingFault},
    variables::{DEFAULT_TITLE, DEFAULT_VERSION, VARIABLES, Variable},
};
use crate::{About, Cors, auth::ClaimRules};

/// The fewest bytes that the shared secret may have: as many as HMAC-SHA256 gives (RFC 7518, section 3.2).
pub const MIN_SECRET_BYTES: usize = 32;
/// The longest that a request may take in the database, in milliseconds. Contract, 503.
const MAX_DEADLINE_MS: u64 = 5000;

/// Where the program runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum Environment {
    /// On a developer's machine.
    Dev,
    /// Where it is tried before production.
    Staging,
    /// Where it is used.
    Production,
}

/// How log lines look.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LogFormat {
    /// For people.
    Pretty,
    /// For machines: one JSON object on each line.
    Json,
}

/// Everything that can be configured. Its `Debug` shows no secret.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Title, version and environment.
    pub about: About,
    /// The database.
    pub database: Database,
    /// How many connections there are in all, and how long each step may take.
    pub pool: PoolOptions,
    /// The secret shared with Better Auth.
    pub secret: SecretString,
    /// What the claims of a token must say.
    pub claims: ClaimRules,
    /// The origins whose pages may use the API.
    pub cors: Cors,
    /// The address or name to listen on.
    pub host: String,
    /// The port to listen on; 0 for any that is free.
    pub port: u16,
    /// How many threads serve requests.
    pub workers: usize,
    /// How long requests in flight may take to end when the program is told to stop.
    pub shutdown_timeout: Duration,
    /// Which log lines are written.
    pub log_filter: String,
    /// How log lines look.
    pub log_format: LogFormat,
}

impl Settings {
    /// Loads the settings from `.env` in the current folder and the environment, of which the environment counts more.
    pub fn load() -> Result<Self, InvalidSettings> {
        Self::from_variables(variables()?)
    }

    /// Makes the settings from variables; of two with the same name the later one counts.
    pub fn from_variables(
        variables: impl IntoIterator<Item = (String, String)>,
    ) -> Result<Self, InvalidSettings> {
        let mut reader = Reader::new(variables);
        let environment = environment(&mut reader);
        let database = database(&mut reader);
        let secret = secret(&mut reader);
        let settings = Self {
            about: About {
                title: reader.text("API_TITLE").unwrap_or_default(),
                version: reader.text("API_VERSION").unwrap_or_default(),
                environment,
            },
            database: match database {
                Some(database) => database,
                None => return reader.finish(None),
            },
            pool: pool(&mut reader),
            secret: secret.unwrap_or_default(),
            claims: ClaimRules {
                leeway_seconds: reader.number("AUTH_LEEWAY_SECONDS", 0, 60),
                issuer: reader.text("AUTH_ISSUER"),
                audience: reader.text("AUTH_AUDIENCE"),
            },
            cors: Cors::new(origins(&mut reader, environment)),
            host: reader.text("HOST").unwrap_or_default(),
            port: reader.number("PORT", 0, u16::MAX),
            workers: workers(&mut reader),
            shutdown_timeout: Duration::from_secs(reader.number("SHUTDOWN_TIMEOUT_SECONDS", 0, 3600)),
            log_filter: reader.parsed("LOG_LEVEL", log_filter).unwrap_or_default(),
            log_format: log_format(&mut reader, environment),
        };
        reader.finish(Some(settings))
    }

    /// The secret's raw bytes.
    #[must_use]
    pub fn secret_bytes(&self) -> &[u8] {
        self.secret.expose_secret().as_bytes()
    }
}

/// Loads `DATABASE_URL` alone: all that a migration needs.
pub fn load_database() -> Result<Database, InvalidSettings> {
    let mut reader = Reader::new(variables()?);
    let database = database(&mut reader);
    reader.finish(database)
}

/// The variables of `.env` in the current folder, then those of the environment.
pub fn variables() -> Result<Vec<(String, String)>, InvalidSettings> {
    let mut variables = Vec::new();
    match dotenvy::from_filename_iter(".env") {
        Ok(lines) => {
            for line in lines {
                // The error's own text repeats the line, in which there may be a secret.
                variables
                    .push(line.map_err(|_| unreadable("has a line that is not of the form NAME=value"))?);
            }
        }
        Err(error) if error.not_found() => {}
        Err(_) => return Err(unreadable("cannot be read")),
    }
    let environment = env::vars_os()
        .filter_map(|(name, value)| Some((name.into_string().ok()?, value.to_string_lossy().into_owned())));
    variables.extend(environment);
    Ok(variables)
}

fn unreadable(problem: &str) -> InvalidSettings {
    let fault = SettingFault { variable: ".env", problem: problem.to_owned(), example: "see .env.example" };
    InvalidSettings { faults: vec![fault] }
}

fn environment(reader: &mut Reader) -> Environment {
    let environment = reader.parsed("ENVIRONMENT", |text| match text {
        "dev" => Ok(Environment::Dev),
        "staging" => Ok(Environment::Staging),
        "production" => Ok(Environment::Production),
        other => Err(format!("must be dev, staging or production, not {other:?}")),
    });
    environment.unwrap_or(Environment::Dev)
}

fn database(reader: &mut Reader) -> Option<Database> {
    let url = reader.required("DATABASE_URL")?;
    match Database::parse(&url) {
        Ok(database) => Some(database),
        Err(error) => {
            reader.fault("DATABASE_URL", format!("cannot be used: {error}"));
            None
        }
    }
}

fn secret(reader: &mut Reader) -> Option<SecretString> {
    let secret = reader.required("BETTER_AUTH_SECRET")?;
    if secret.len() < MIN_SECRET_BYTES {
        let problem = format!("must have at least {MIN_SECRET_BYTES} bytes; it has {}", secret.len());
        reader.fault("BETTER_AUTH_SECRET", problem);
    }
    Some(secret.into())
}

fn pool(reader: &mut Reader) -> PoolOptions {
    let max = reader.number("DATABASE_POOL_MAX", 1, 10_000);
    let at_rest = reader.number("DATABASE_POOL_SIZE", 0, 10_000);
    if at_rest > max {
        reader.fault(
            "DATABASE_POOL_SIZE",
            format!("must not be greater than DATABASE_POOL_MAX, which is {max}"),
        );
    }
    let mut time = |name| Duration::from_millis(reader.number(name, 1, MAX_DEADLINE_MS));
    PoolOptions {
        at_rest,
        max,
        wait: time("DATABASE_POOL_WAIT_MS"),
        statement_timeout: time("DATABASE_STATEMENT_TIMEOUT_MS"),
        lock_timeout: time("DATABASE_LOCK_TIMEOUT_MS"),
        deadline: time("DATABASE_DEADLINE_MS"),
        max_age: Duration::from_secs(reader.number("DATABASE_CONNECTION_MAX_AGE_SECONDS", 1, 86_400)),
    }
}

fn workers(reader: &mut Reader) -> usize {
    let cores = || std::thread::available_parallelism().map_or(1, usize::from);
    reader.optional_number("WORKERS", 1, 1024).unwrap_or_else(cores)
}

fn origins(reader: &mut Reader, environment: Environment) -> Vec<String> {
    let origins = reader.parsed("CORS_ORIGINS", |text| {
        text.split(',').map(str::trim).map(|entry| origin(entry, environment)).collect()
    });
    origins.unwrap_or_default()
}

/// Takes an origin exactly as a browser sends it; anything else would never match.
fn origin(entry: &str, environment: Environment) -> Result<String, String> {
    let is_origin = |url: &url::Url| {
        matches!(url.scheme(), "http" | "https") && url.origin().ascii_serialization() == entry
    };
    let Some(url) = url::Url::parse(entry).ok().filter(is_origin) else {
        return Err(match entry {
            "" => "must not have an empty entry".to_owned(),
            "*" => "must not be a wildcard: with credentials each origin has to be named".to_owned(),
            other => format!(
                "must name origins as browsers send them, scheme and host in lower case, without a path, a trailing \
                 slash or a default port, not {other:?}"
            ),
        });
    };
    let loopback = match url.host() {
        Some(url::Host::Domain(name)) => name == "localhost" || name.ends_with(".localhost"),
        Some(url::Host::Ipv4(address)) => address.is_loopback(),
        Some(url::Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    };
    if environment == Environment::Production && url.scheme() == "http" && !loopback {
        return Err(format!("must use https in production, which {entry:?} does not"));
    }
    Ok(entry.to_owned())
}

fn log_filter(text: &str) -> Result<String, String> {
    match text.parse::<EnvFilter>() {
        Ok(_) => Ok(text.to_owned()),
        Err(_) => {
            Err(format!("must be error, warn, info, debug or trace, or targets with those, not {text:?}"))
        }
    }
}

fn log_format(reader: &mut Reader, environment: Environment) -> LogFormat {
    let chosen = reader.parsed("LOG_FORMAT", |text| match text {
        "pretty" => Ok(LogFormat::Pretty),
        "json" => Ok(LogFormat::Json),
        other => Err(format!("must be pretty or json, not {other:?}")),
    });
    chosen.unwrap_or(if environment == Environment::Production { LogFormat::Json } else { LogFormat::Pretty })
}
