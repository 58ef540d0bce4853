//! All variables that the program reads: the one list behind the defaults, the messages and the documentation.

/// A variable of the environment or of `.env`.
#[derive(Clone, Copy, Debug)]
pub struct Variable {
    /// The name.
    pub name: &'static str,
    /// The default value; `None` if the variable has none.
    pub default: Option<&'static str>,
    /// A value that works.
    pub example: &'static str,
    /// Whether the value must never be shown.
    pub secret: bool,
}

/// The default of `API_TITLE`.
pub const DEFAULT_TITLE: &str = "Task API";
/// The default of `API_VERSION`.
pub const DEFAULT_VERSION: &str = env!("CARGO_PKG_VERSION");

const fn variable(name: &'static str, default: Option<&'static str>, example: &'static str) -> Variable {
    Variable { name, default, example, secret: false }
}

const fn secret(name: &'static str, example: &'static str) -> Variable {
    Variable { name, default: None, example, secret: true }
}

/// All variables, in the order of the documentation.
pub const VARIABLES: &[Variable] = &[
    variable("ENVIRONMENT", Some("dev"), "production"),
    secret("DATABASE_URL", "postgresql://user:password@host/database?sslmode=require"),
    secret("DATABASE_DIRECT_URL", "postgresql://user:password@direct-host/database?sslmode=require"),
    variable("AUTH_JWKS_URL", None, "https://app.example.com/api/auth/jwks"),
    variable("AUTH_JWKS_REFRESH_SECONDS", Some("600"), "600"),
    secret("BETTER_AUTH_SECRET", "the output of: openssl rand -base64 32"),
    variable("AUTH_ISSUER", None, "https://app.example.com"),
    variable("AUTH_AUDIENCE", None, "https://app.example.com"),
    variable("AUTH_LEEWAY_SECONDS", Some("0"), "5"),
    variable("CORS_ORIGINS", None, "https://app.example.com,http://localhost:3000"),
    variable("HOST", Some("127.0.0.1"), "0.0.0.0"),
    variable("PORT", Some("8080"), "8080"),
    variable("WORKERS", None, "4"),
    variable("RATE_LIMIT_PER_MINUTE", None, "600"),
    variable("RATE_LIMIT_FAILED_AUTH_PER_MINUTE", None, "60"),
    variable("PATH_PREFIX", None, "/todo"),
    variable("TRUSTED_PROXIES", None, "10.0.0.0/8,192.0.2.7"),
    variable("CLIENT_CONNECTIONS_MAX", Some("4096"), "4096"),
    variable("REQUEST_BODY_TIMEOUT_SECONDS", Some("20"), "20"),
    variable("SHUTDOWN_DRAIN_SECONDS", Some("1"), "5"),
    variable("SHUTDOWN_TIMEOUT_SECONDS", Some("20"), "20"),
    variable("API_TITLE", Some(DEFAULT_TITLE), "Our tasks"),
    variable("API_VERSION", Some(DEFAULT_VERSION), "1.0.0"),
    variable("DATABASE_POOL_SIZE", None, "10"),
    variable("DATABASE_POOL_MAX", Some("30"), "30"),
    variable("DATABASE_QUEUE_MAX", Some("2000"), "2000"),
    variable("DATABASE_POOL_WAIT_MS", Some("2000"), "2000"),
    variable("DATABASE_STATEMENT_TIMEOUT_MS", Some("3000"), "3000"),
    variable("DATABASE_LOCK_TIMEOUT_MS", Some("2000"), "2000"),
    variable("DATABASE_DEADLINE_MS", Some("4500"), "4500"),
    variable("DATABASE_CONNECTION_MAX_AGE_SECONDS", Some("1800"), "1800"),
    variable("METRICS_ADDR", None, "127.0.0.1:9464"),
    variable("OTEL_EXPORTER_OTLP_ENDPOINT", None, "http://127.0.0.1:4318"),
    variable("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", None, "http://127.0.0.1:4318/v1/traces"),
    secret("OTEL_EXPORTER_OTLP_HEADERS", "api-key=secret"),
    variable("OTEL_EXPORTER_OTLP_PROTOCOL", Some("http/protobuf"), "http/protobuf"),
    variable("OTEL_EXPORTER_OTLP_TRACES_PROTOCOL", None, "http/protobuf"),
    variable("OTEL_TRACES_EXPORTER", Some("otlp"), "none"),
    variable("OTEL_EXPORTER_OTLP_TIMEOUT", Some("10000"), "10000"),
    variable("OTEL_SERVICE_NAME", None, "task-api"),
    variable("OTEL_RESOURCE_ATTRIBUTES", None, "service.namespace=shop,team=tasks"),
    variable("OTEL_TRACES_SAMPLER", Some("parentbased_always_on"), "parentbased_traceidratio"),
    variable("OTEL_TRACES_SAMPLER_ARG", None, "0.1"),
    variable("OTEL_SDK_DISABLED", Some("false"), "true"),
    variable("LOG_LEVEL", Some("info"), "info,task_api=debug"),
    variable("LOG_FORMAT", None, "json"),
];
