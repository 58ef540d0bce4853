//! Typed settings, from defaults, `.env` and the environment. Everything is checked before anything is opened.

mod auth;
mod database;
mod origins;
mod reader;
mod traces;
mod variables;

use std::{
    env,
    net::{IpAddr, SocketAddr},
    num::NonZeroU32,
    time::Duration,
};

use ipnet::IpNet;
use serde::Serialize;
use task_adapters::{Database, PoolOptions};
use tracing_subscriber::{EnvFilter, filter::LevelFilter};
use utoipa::ToSchema;

use self::reader::Reader;
pub use self::{
    auth::{AuthSettings, JwksSettings, MIN_SECRET_BYTES},
    reader::{InvalidSettings, SettingFault},
    traces::{TraceSampler, TraceSettings},
    variables::{DEFAULT_TITLE, DEFAULT_VERSION, VARIABLES, Variable},
};
use crate::{About, Cors, limits::LimitSettings, startup::UPKEEP_CONNECTIONS};

/// The most requests in a minute that a limit may be set to.
const MAX_QUOTA: u32 = 1_000_000;
/// The most connections of clients that may be configured.
const MAX_CLIENTS: usize = 1_000_000;

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

impl Environment {
    /// As it is configured and told.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Dev => "dev",
            Self::Staging => "staging",
            Self::Production => "production",
        }
    }
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
    /// The same database without a pooler in between, where there is one: for migrations.
    pub direct_database: Option<Database>,
    /// How many connections there are in all, and how long each step may take.
    pub pool: PoolOptions,
    /// Who vouches for tokens.
    pub auth: AuthSettings,
    /// The origins whose pages may use the API.
    pub cors: Cors,
    /// The address or name to listen on.
    pub host: String,
    /// The port to listen on; 0 for any that is free.
    pub port: u16,
    /// How often somebody may ask.
    pub limits: LimitSettings,
    /// How many threads serve requests.
    pub workers: usize,
    /// How many connections of clients there may be at the same time, all workers together.
    pub client_connections: usize,
    /// How long the program goes on serving once it is told to stop, so that whoever sends requests notices.
    pub drain: Duration,
    /// How long the body of a request may take to arrive.
    pub body_timeout: Duration,
    /// How long requests in flight may take to end when the program is told to stop.
    pub shutdown_timeout: Duration,
    /// Where metrics are served, if anywhere.
    pub metrics: Option<SocketAddr>,
    /// Where traces are sent, if anywhere.
    pub traces: Option<TraceSettings>,
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
        let (database, auth) = (database::read(&mut reader), auth::read(&mut reader, environment));
        let direct_database = database::read_direct(&mut reader);
        let about = About {
            title: reader.text("API_TITLE").unwrap_or_default(),
            version: reader.text("API_VERSION").unwrap_or_default(),
            environment,
        };
        let mut pool = database::pool(&mut reader);
        // Whoever names another way besides has a pooler on this one.
        pool.session_settings_from_role = direct_database
            .as_ref()
            .zip(database.as_ref())
            .is_some_and(|(direct, usual)| direct.address() != usual.address());
        let cors = Cors::new(origins::read(&mut reader, environment));
        let Listener { host, port } = listener(&mut reader);
        let workers = workers(&mut reader, pool.max - UPKEEP_CONNECTIONS);
        let client_connections = reader.number("CLIENT_CONNECTIONS_MAX", workers, MAX_CLIENTS);
        let limits = limits(&mut reader);
        let drain = Duration::from_secs(reader.number("SHUTDOWN_DRAIN_SECONDS", 0, 300));
        let body_timeout = Duration::from_secs(reader.number("REQUEST_BODY_TIMEOUT_SECONDS", 1, 300));
        let shutdown_timeout = Duration::from_secs(reader.number("SHUTDOWN_TIMEOUT_SECONDS", 0, 3600));
        let metrics = reader.parsed("METRICS_ADDR", |text| {
            text.parse().map_err(|_| format!("must be an address with a port, not {text:?}"))
        });
        let traces = traces::read(&mut reader);
        let log_filter = reader.parsed("LOG_LEVEL", log_filter).unwrap_or_default();
        let log_format = log_format(&mut reader, environment);
        // Only here, once every variable has been looked at: all faults are told at once.
        reader.finish(database.zip(auth).map(|(database, auth)| Self {
            about,
            database,
            direct_database,
            pool,
            auth,
            cors,
            host,
            port,
            limits,
            workers,
            client_connections,
            drain,
            body_timeout,
            shutdown_timeout,
            metrics,
            traces,
            log_filter,
            log_format,
        }))
    }
}

/// Where the program listens.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Listener {
    /// The address or name.
    pub host: String,
    /// The port; 0 for any that is free.
    pub port: u16,
}

/// Loads `HOST` and `PORT` alone: all that is needed to find the program.
pub fn load_listener() -> Result<Listener, InvalidSettings> {
    let mut reader = Reader::new(variables()?);
    let listener = listener(&mut reader);
    reader.finish(Some(listener))
}

/// Loads `DATABASE_DIRECT_URL`, or else `DATABASE_URL`: all that a migration needs.
pub fn load_database() -> Result<Database, InvalidSettings> {
    let mut reader = Reader::new(variables()?);
    let direct = database::read_direct(&mut reader);
    let database = if direct.is_some() { direct } else { database::read(&mut reader) };
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

/// At most as many as connections: a worker without one could answer nothing.
fn workers(reader: &mut Reader, connections: usize) -> usize {
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    reader.optional_number("WORKERS", 1, connections).unwrap_or(cores.min(connections))
}

fn limits(reader: &mut Reader) -> LimitSettings {
    let mut quota = |name| reader.optional_number(name, 1, MAX_QUOTA).and_then(NonZeroU32::new);
    let per_user = quota("RATE_LIMIT_PER_MINUTE");
    let failures_per_address = quota("RATE_LIMIT_FAILED_AUTH_PER_MINUTE");
    let trusted_proxies = reader.parsed("TRUSTED_PROXIES", proxies).unwrap_or_default();
    LimitSettings { per_user, failures_per_address, trusted_proxies }
}

/// Addresses, and networks in the form of RFC 4632.
fn proxies(text: &str) -> Result<Vec<IpNet>, String> {
    let net = |entry: &str| {
        let address = || entry.parse::<IpAddr>().ok().map(IpNet::from);
        entry.parse().ok().or_else(address).ok_or_else(|| {
            format!("must be addresses or networks like 10.0.0.0/8, with commas in between, not {entry:?}")
        })
    };
    text.split(',').map(str::trim).map(net).collect()
}

fn listener(reader: &mut Reader) -> Listener {
    Listener { host: reader.text("HOST").unwrap_or_default(), port: reader.number("PORT", 0, u16::MAX) }
}

fn log_filter(text: &str) -> Result<String, String> {
    // `EnvFilter` takes a misspelt level for the name of a target, and then nothing is logged at all.
    let is_level = |entry: &str| entry.contains(['=', '[']) || entry.parse::<LevelFilter>().is_ok();
    if text.split(',').map(str::trim).all(is_level) && text.parse::<EnvFilter>().is_ok() {
        Ok(text.to_owned())
    } else {
        Err(format!("must be error, warn, info, debug, trace or off, or targets with those, not {text:?}"))
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

#[cfg(test)]
mod tests {
    use super::*;

    pub(super) const GOOD: [(&str, &str); 2] = [
        ("DATABASE_URL", "postgres://me:s3cret@localhost/app"),
        ("BETTER_AUTH_SECRET", "an-s3cret-of-thirty-two-characters"),
    ];

    pub(super) fn with(more: &[(&str, &str)]) -> Result<Settings, InvalidSettings> {
        let pairs = GOOD.iter().chain(more).map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        Settings::from_variables(pairs)
    }

    pub(super) fn problem(name: &str, value: &str) -> String {
        let faults = with(&[(name, value)]).unwrap_err().faults;
        assert_eq!(faults.len(), 1, "{faults:?}");
        assert_eq!(faults[0].variable, name);
        faults[0].problem.clone()
    }

    #[test]
    fn two_variables_are_enough() {
        let settings = with(&[]).unwrap();
        assert_eq!(settings.about.title, "Task API");
        assert_eq!(settings.about.environment, Environment::Dev);
        assert_eq!((settings.host.as_str(), settings.port), ("127.0.0.1", 8080));
        assert_eq!((settings.pool.min_idle, settings.pool.max), (10, 30));
        assert_eq!(settings.pool.wait, Duration::from_secs(2));
        assert_eq!(settings.log_format, LogFormat::Pretty);
        assert_eq!(settings.auth.claims.leeway_seconds, 0);
        assert!(settings.workers >= 1);
        assert_eq!(settings.auth.secret_bytes(), Some(GOOD[1].1.as_bytes()));
        assert!(settings.auth.jwks.is_none());
    }

    #[test]
    fn every_fault_is_told_at_once_with_an_example() {
        let variables = [
            ("ENVIRONMENT", "prod"),
            ("PORT", "http"),
            ("LOG_FORMAT", "xml"),
            ("BETTER_AUTH_SECRET", "short"),
        ];
        let error =
            Settings::from_variables(variables.map(|(name, value)| (name.to_owned(), value.to_owned())))
                .unwrap_err()
                .to_string();
        for expected in [
            "ENVIRONMENT must be dev, staging or production, not \"prod\"",
            "for example: ENVIRONMENT=production",
            "DATABASE_URL must be set",
            "BETTER_AUTH_SECRET must have at least 32 bytes; it has 5",
            "PORT must be a whole number from 0 to 65535, not \"http\"",
            "LOG_FORMAT must be pretty or json, not \"xml\"",
        ] {
            assert!(error.contains(expected), "{expected}\n\n{error}");
        }
    }

    #[test]
    fn later_variables_count_more_and_empty_ones_are_not_set() {
        assert_eq!(with(&[("PORT", "1"), ("PORT", "2"), ("PORT", "")]).unwrap().port, 2);
        assert_eq!(with(&[("CORS_ORIGINS", " ")]).unwrap().pool.max, 30);
        assert!(with(&[("BETTER_AUTH_SECRET", " ")]).is_ok(), "the earlier one still counts");
    }

    #[test]
    fn secrets_are_never_shown() {
        let shown = format!("{:?}", with(&[]).unwrap());
        assert!(!shown.contains("s3cret"), "{shown}");
        for (name, value) in [
            ("DATABASE_URL", "mysql://me:s3cret@localhost/app"),
            ("DATABASE_URL", "postgres://me:s3cret@localhost:x/app"),
            ("BETTER_AUTH_SECRET", "s3cret"),
        ] {
            let error = with(&[(name, value)]).unwrap_err().to_string();
            assert!(!error.contains("s3cret"), "{error}");
        }
    }

    #[test]
    fn limits_are_off_unless_they_are_set() {
        let limits = with(&[]).unwrap().limits;
        assert!(limits.per_user.is_none() && limits.failures_per_address.is_none());
        let proxies = "10.0.0.0/8, 192.0.2.7,fd00::/8";
        let set = [
            ("RATE_LIMIT_PER_MINUTE", "600"),
            ("RATE_LIMIT_FAILED_AUTH_PER_MINUTE", "60"),
            ("TRUSTED_PROXIES", proxies),
        ];
        let limits = with(&set).unwrap().limits;
        assert_eq!(limits.per_user.map(NonZeroU32::get), Some(600));
        assert_eq!(limits.failures_per_address.map(NonZeroU32::get), Some(60));
        let proxies: Vec<_> = limits.trusted_proxies.iter().map(ToString::to_string).collect();
        assert_eq!(proxies, ["10.0.0.0/8", "192.0.2.7/32", "fd00::/8"]);
        for wrong in ["*", "10.0.0.0/33", "proxy.example", "10.0.0.1,"] {
            assert!(problem("TRUSTED_PROXIES", wrong).starts_with("must be addresses or networks"));
        }
        assert_eq!(
            problem("RATE_LIMIT_PER_MINUTE", "0"),
            "must be a whole number from 1 to 1000000, not \"0\""
        );
    }

    #[test]
    fn there_are_no_more_workers_than_connections() {
        assert_eq!(with(&[("DATABASE_POOL_MAX", "2")]).unwrap().workers, 1, "the other one is for upkeep");
        assert_eq!(problem("WORKERS", "30"), "must be a whole number from 1 to 29, not \"30\"");
        assert_eq!(with(&[("WORKERS", "29")]).unwrap().workers, 29);
    }

    #[test]
    fn numbers_have_bounds_that_are_told() {
        let whole = "must be a whole number from 0 to 60, not \"61\"";
        assert_eq!(problem("AUTH_LEEWAY_SECONDS", "61"), whole);
        for (name, value) in [
            ("PORT", "65536"),
            ("WORKERS", "0"),
            ("CLIENT_CONNECTIONS_MAX", "0"),
            ("DATABASE_POOL_MAX", "10001"),
            ("DATABASE_DEADLINE_MS", "5001"),
            ("DATABASE_POOL_WAIT_MS", "1.5"),
            ("SHUTDOWN_TIMEOUT_SECONDS", "-1"),
        ] {
            assert!(problem(name, value).starts_with("must be a whole number"), "{name}");
        }
        assert_eq!(problem("DATABASE_POOL_SIZE", "31"), "must be a whole number from 0 to 30, not \"31\"");
        let pool = with(&[("DATABASE_POOL_MAX", "5")]).unwrap().pool;
        assert_eq!((pool.min_idle, pool.max), (5, 5), "no more stay open than there may be");
    }

    #[test]
    fn log_levels_may_name_targets() {
        assert_eq!(with(&[("LOG_LEVEL", "warn,task_api=debug")]).unwrap().log_filter, "warn,task_api=debug");
        for wrong in ["loud=very", "loud", "warning", "task_api"] {
            assert!(problem("LOG_LEVEL", wrong).starts_with("must be error, warn"), "{wrong}");
        }
    }

    #[test]
    fn the_names_of_variables_are_unique_and_secrets_have_no_default() {
        let names: std::collections::HashSet<_> = VARIABLES.iter().map(|variable| variable.name).collect();
        assert_eq!(names.len(), VARIABLES.len());
        assert!(VARIABLES.iter().all(|variable| !(variable.secret && variable.default.is_some())));
    }
}
