//! `task-api`: serves the API, migrates its database, examines the set-up, or checks that the service is up.
#![expect(clippy::print_stdout, clippy::print_stderr, reason = "a command reports on the terminal")]

use std::process::ExitCode;

use task_api::{
    cli::{Cli, Command},
    startup::{Server, raise_file_limit},
};
use task_ops::{Doctor, Migrate, doctor, migrate, probe};
use task_settings::{InvalidSettings, LogFormat, Settings, load_database, load_listener};
use task_support::command_line::parse_arguments;
use task_telemetry::logs;

/// glibc's own allocator does not return the memory of large requests to the system (ADR 0021).
#[cfg(all(feature = "jemalloc", target_os = "linux", target_env = "gnu"))]
#[global_allocator]
static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;

/// The exit code for invalid settings, so that supervisors can tell them from a temporary failure.
const BAD_SETTINGS: u8 = 2;

/// Without `#[tokio::main]`, which takes the number of threads from `TOKIO_WORKER_THREADS` and panics if that is none.
fn main() -> ExitCode {
    logs::shorten_panics();
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(threads).enable_all().build();
    match runtime {
        Ok(runtime) => runtime.block_on(run()),
        Err(error) => {
            eprintln!("task-api: no threads can be started: {error}");
            ExitCode::FAILURE
        }
    }
}

async fn run() -> ExitCode {
    let outcome = match parse_arguments::<Cli>().command.unwrap_or(Command::Serve) {
        Command::Serve => serve().await,
        Command::Migrate(command) => change_schema(command).await,
        Command::Doctor(arguments) => return examine(arguments).await,
        Command::Health => health().await,
        Command::Openapi => openapi(),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) if error.is::<InvalidSettings>() => {
            eprintln!("{error}");
            ExitCode::from(BAD_SETTINGS)
        }
        Err(error) => {
            eprintln!("task-api: {error:#}");
            ExitCode::FAILURE
        }
    }
}

async fn serve() -> anyhow::Result<()> {
    let settings = Settings::load()?;
    logs::init(settings.logs.filter.parse()?, settings.logs.format);
    for remark in &settings.remarks {
        tracing::warn!("{remark}");
    }
    raise_file_limit(&settings);
    Ok(Server::bind(&settings)?.run().await?)
}

async fn change_schema(command: Migrate) -> anyhow::Result<()> {
    let database = load_database()?;
    logs::init("info".parse()?, LogFormat::Pretty);
    database.remarks().iter().for_each(|remark| tracing::warn!("DATABASE_URL: {remark}"));
    for line in migrate(&database, command).await? {
        println!("{line}");
    }
    Ok(())
}

async fn health() -> anyhow::Result<()> {
    println!("{}", probe(&load_listener()?).await?);
    Ok(())
}

fn openapi() -> anyhow::Result<()> {
    print!("{}", task_api::openapi_json()?);
    Ok(())
}

async fn examine(arguments: Doctor) -> ExitCode {
    let token = match arguments.token() {
        Ok(token) => token,
        Err(error) => {
            eprintln!("task-api: standard input cannot be read: {error}");
            return ExitCode::FAILURE;
        }
    };
    let report = doctor::examine(Settings::load(), token.as_deref()).await;
    println!("{report}");
    if report.is_good() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
