//! Variables that shells and platforms set for all programs: none of them keeps the service from working.

use std::process::Command;

use crate::helpers::{
    SECRET, get, post,
    program::{PROGRAM, Program},
    servers::{database, runtime},
};

/// What others set, some of it broken. None of these names is a setting of ours (docs/operations.md, "Variables of others").
const OF_OTHERS: &[(&str, &str)] = &[
    ("HTTP_PROXY", "http://127.0.0.1:1"),
    ("http_proxy", "::: no address :::"),
    ("HTTPS_PROXY", "http://user:hunter2@127.0.0.1:1"),
    ("ALL_PROXY", "socks9://nowhere"),
    ("NO_PROXY", ",,*bad*,"),
    ("PGHOST", "127.0.0.1"),
    ("PGPORT", "1"),
    ("PGUSER", "unknown"),
    ("PGPASSWORD", "hunter2"),
    ("PGDATABASE", "nowhere"),
    ("PGSSLMODE", "verify-full"),
    ("PGSSLROOTCERT", "/nowhere"),
    ("PGSERVICE", "none"),
    ("PGSERVICEFILE", "/nowhere"),
    ("PGOPTIONS", "-c default_transaction_read_only=on"),
    ("PGTARGETSESSIONATTRS", "standby"),
    ("POSTGRES_URL", "postgres://127.0.0.1:1/nowhere"),
    ("DATABASE_PRIVATE_URL", "postgres://127.0.0.1:1/nowhere"),
    ("DATABASE_PORT", "tcp://10.0.0.1:5432"),
    ("DATABASE_SERVICE_HOST", "10.0.0.1"),
    ("TASK_API_PORT", "tcp://10.0.0.1:8080"),
    ("TASK_API_PORT_8080_TCP", "tcp://10.0.0.1:8080"),
    ("METRICS_PORT", "tcp://10.0.0.1:9090"),
    ("KUBERNETES_PORT", "tcp://10.0.0.1:443"),
    ("HOSTNAME", "task-api-7d9c-x"),
    ("NODE_ENV", "production"),
    ("RUST_LOG", "][broken"),
    ("RUST_BACKTRACE", "full"),
    ("TOKIO_WORKER_THREADS", "none"),
    ("RAYON_NUM_THREADS", "x"),
    ("MALLOC_CONF", "nonsense"),
    ("TZ", "Nowhere/None"),
    ("LANG", "xx_XX"),
    ("LC_ALL", "xx_XX"),
    ("COLUMNS", "x"),
    ("NO_COLOR", "1"),
    ("OTEL_EXPORTER_OTLP_PROTOCOL", "grpc"),
    ("OTEL_EXPORTER_OTLP_ENDPOINT", "not a url"),
    ("OTEL_RESOURCE_ATTRIBUTES", "==,broken"),
    ("OTEL_TRACES_SAMPLER", "jaeger_remote"),
    ("OTEL_PROPAGATORS", "b3multi"),
    ("OTEL_SDK_DISABLED", "maybe"),
    ("SSL_CERT_FILE", "/nowhere"),
    ("SSL_CERT_DIR", "/nowhere"),
    ("npm_config_prefix", "/nowhere"),
];

fn among_others() -> Command {
    let mut command = Command::new(PROGRAM);
    command.envs(OF_OTHERS.iter().copied());
    command
}

#[test]
fn the_service_works_among_variables_of_other_programs_and_shows_none_of_their_secrets() {
    let runtime = runtime();
    let database = runtime.block_on(database());
    let variables = [("DATABASE_URL", database.url()), ("BETTER_AUTH_SECRET", SECRET)];
    let program = Program::start_by(among_others(), &variables);
    post("/api/alice/tasks").by("alice").json(r#"{"title":"t"}"#).send(program.address).task();
    get("/health/ready").send(program.address).assert_status(200);
    let said = program.lines().join("\n");
    assert!(!said.contains("hunter2") && !said.contains("panicked"), "{said}");
}

#[test]
fn migrate_and_doctor_work_among_them_too() {
    let runtime = runtime();
    let database = runtime.block_on(database());
    for arguments in [&["doctor"][..], &["migrate", "status"], &["migrate", "run"]] {
        let mut command = among_others();
        command.args(arguments).current_dir(env!("CARGO_TARGET_TMPDIR"));
        command.env("DATABASE_URL", database.url()).env("BETTER_AUTH_SECRET", SECRET);
        let output = command.output().unwrap();
        let said = String::from_utf8_lossy(&output.stdout) + String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success() && !said.contains("hunter2"), "{arguments:?}: {said}");
    }
}
