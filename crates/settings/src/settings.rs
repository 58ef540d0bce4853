//! All settings together.

use std::net::SocketAddr;

use crate::{
    about::{self, About},
    auth::{self, AuthSettings},
    database::{self, BACKGROUND_CONNECTIONS, DatabaseSettings},
    limits::{self, LimitSettings},
    load::Sources,
    logs::{self, LogSettings},
    metrics, origins,
    reader::{InvalidSettings, Reader},
    server::{self, ServerSettings},
    traces::{self, TraceSettings},
};

/// All settings. `Debug` shows no secret.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Title, version and environment.
    pub about: About,
    /// The database.
    pub database: DatabaseSettings,
    /// How tokens are signed.
    pub auth: AuthSettings,
    /// The origins whose pages may call the API.
    pub cors_origins: Vec<String>,
    /// The HTTP server.
    pub server: ServerSettings,
    /// The rate limits.
    pub limits: LimitSettings,
    /// The address where metrics are served; `None` means that they are off.
    pub metrics: Option<SocketAddr>,
    /// Where traces are sent; `None` means that they are off.
    pub traces: Option<TraceSettings>,
    /// Which log lines are written, and how they look.
    pub logs: LogSettings,
    /// What was left out of account, each in a sentence that says why. Holds no values of variables.
    pub remarks: Vec<String>,
}

impl Settings {
    /// Loads the settings from `.env` in the current folder and from the environment, which takes precedence.
    pub fn load() -> Result<Self, InvalidSettings> {
        let Sources { variables, mut remarks } = Sources::load()?;
        match Self::from_variables(variables) {
            Ok(settings) => {
                remarks.extend(settings.remarks);
                Ok(Self { remarks, ..settings })
            }
            Err(error) => Err(error.with(remarks)),
        }
    }

    /// Reads the settings from variables. Of two with the same name, the later one counts.
    ///
    /// Reads all sections before it fails, so that the error names all faults.
    pub fn from_variables(
        variables: impl IntoIterator<Item = (String, String)>,
    ) -> Result<Self, InvalidSettings> {
        let mut reader = Reader::new(variables);
        let about = about::read(&mut reader);
        let environment = about.environment;
        let pool = database::pool(&mut reader);
        let server = server::read(&mut reader, pool.max - BACKGROUND_CONNECTIONS);
        let database = database::read(&mut reader, pool);
        let auth = auth::read(&mut reader, environment);
        let cors_origins = origins::read(&mut reader, environment);
        let limits = limits::read(&mut reader);
        let metrics = metrics::read(&mut reader);
        let traces = traces::read(&mut reader);
        let logs = logs::read(&mut reader, environment);
        let mut remarks = reader.remarks();
        remarks.extend(database.iter().flat_map(DatabaseSettings::remarks));
        reader.finish(database.zip(auth).map(|(database, auth)| Self {
            about,
            database,
            auth,
            cors_origins,
            server,
            limits,
            metrics,
            traces,
            logs,
            remarks,
        }))
    }
}

#[cfg(test)]
mod tests {
    use std::{num::NonZeroU32, time::Duration};

    use super::*;
    use crate::{about::Environment, logs::LogFormat, testing, variables::VARIABLES};

    const GOOD: [(&str, &str); 2] = [
        ("DATABASE_URL", "postgres://me:s3cret@localhost/app"),
        ("BETTER_AUTH_SECRET", "an-s3cret-of-thirty-two-characters"),
    ];

    fn with(more: &[(&str, &str)]) -> Result<Settings, InvalidSettings> {
        let pairs = GOOD.iter().chain(more).map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        Settings::from_variables(pairs)
    }

    fn problem(name: &str, value: &str) -> String {
        testing::problem(with(&[(name, value)]), name)
    }

    #[test]
    fn two_variables_are_enough() {
        let settings = with(&[]).unwrap();
        assert_eq!(settings.about.title, "Task API");
        assert_eq!(settings.about.environment, Environment::Dev);
        assert_eq!(
            (settings.server.listener.host.as_str(), settings.server.listener.port),
            ("127.0.0.1", 8080)
        );
        assert_eq!((settings.database.pool.min_idle, settings.database.pool.max), (10, 30));
        assert_eq!(settings.database.pool.wait, Duration::from_secs(2));
        assert_eq!(settings.logs.format, LogFormat::Pretty);
        let production = with(&[("ENVIRONMENT", "production")]).unwrap();
        assert_eq!(production.logs.format, LogFormat::Json);
        assert_eq!(settings.auth.claims.leeway_seconds, 0);
        assert!(settings.server.workers >= 1);
        assert_eq!(settings.auth.secret_bytes(), Some(GOOD[1].1.as_bytes()));
        assert!(settings.auth.jwks.is_none());
    }

    #[test]
    fn one_error_names_every_fault_with_an_example() {
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
    fn later_variables_win_and_empty_ones_count_as_not_set() {
        assert_eq!(with(&[("PORT", "1"), ("PORT", "2"), ("PORT", "")]).unwrap().server.listener.port, 2);
        assert_eq!(with(&[("CORS_ORIGINS", " ")]).unwrap().database.pool.max, 30);
        assert!(with(&[("BETTER_AUTH_SECRET", " ")]).is_ok(), "the earlier one still counts");
    }

    #[test]
    fn secrets_are_never_shown() {
        let all = [
            ("AUTH_JWKS_URL", "https://a.example/jwks?key=s3cret"),
            ("OTEL_EXPORTER_OTLP_ENDPOINT", "https://a.example/s3cret"),
            ("OTEL_EXPORTER_OTLP_HEADERS", "key=s3cret"),
            ("DATABASE_DIRECT_URL", "postgres://me:s3cret@localhost/app"),
        ];
        let shown = format!("{:?}", with(&all).unwrap());
        assert!(shown.contains("a.example") && !shown.contains("s3cret"), "{shown}");
        for (name, value) in [
            ("DATABASE_URL", "mysql://me:s3cret@localhost/app"),
            ("DATABASE_URL", "postgres://me:s3cret@localhost:x/app"),
            ("BETTER_AUTH_SECRET", "s3cret"),
            ("HOST", "postgres://me:s3cret@localhost/app"),
            ("PORT", "postgres://me:s3cret@localhost/app"),
            ("METRICS_ADDR", "http://me:s3cret@127.0.0.1:9464"),
            ("CORS_ORIGINS", "https://me:1,s3cret@a.example"),
            ("TRUSTED_PROXIES", "http://me:s3cret@10.0.0.1"),
            ("LOG_LEVEL", "https://me:s3cret"),
            ("ENVIRONMENT", "production?key=s3cret"),
        ] {
            let error = with(&[(name, value)]).unwrap_err().to_string();
            assert!(!error.contains("s3cret"), "{error}");
        }
    }

    #[test]
    fn a_value_in_quotation_marks_is_told_from_a_wrong_one() {
        for (name, value) in [
            ("DATABASE_URL", "\"postgres://me:s3cret@localhost/app\""),
            ("AUTH_JWKS_URL", "'https://a.example/jwks?key=s3cret'"),
            ("AUTH_ISSUER", "\"https://a.example\""),
            ("AUTH_AUDIENCE", "'https://a.example'"),
            ("PORT", "\"8080\""),
            ("HOST", "\"0.0.0.0\""),
            ("ENVIRONMENT", "'production'"),
            ("LOG_FORMAT", "\"json\""),
            ("TRUSTED_PROXIES", "\"10.0.0.0/8\""),
            ("METRICS_ADDR", "\"127.0.0.1:9464\""),
        ] {
            let problem = problem(name, value);
            assert!(
                problem.contains("is in quotation marks") && !problem.contains("s3cret"),
                "{name}: {problem}"
            );
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
        assert_eq!(
            with(&[("DATABASE_POOL_MAX", "2")]).unwrap().server.workers,
            1,
            "the background tasks have the other one"
        );
        assert_eq!(problem("WORKERS", "30"), "must be a whole number from 1 to 29, not \"30\"");
        assert_eq!(with(&[("WORKERS", "29")]).unwrap().server.workers, 29);
    }

    #[test]
    fn a_fault_of_a_number_names_the_bounds() {
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
        let pool = with(&[("DATABASE_POOL_MAX", "5")]).unwrap().database.pool;
        assert_eq!((pool.min_idle, pool.max), (5, 5), "the default never exceeds the maximum");
    }

    #[test]
    fn log_levels_may_name_targets() {
        assert_eq!(with(&[("LOG_LEVEL", "warn,task_api=debug")]).unwrap().logs.filter, "warn,task_api=debug");
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
