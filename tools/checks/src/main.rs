#![doc = include_str!("../README.md")]
#![expect(clippy::print_stdout, reason = "what a check found is its result")]

mod clients;
mod deploy;
mod fuzz;
mod fuzz_api;
mod interop;
mod migrate;
mod node;
mod provide_user;
mod restore;
mod sbom;
mod served;

use std::process::ExitCode;

use clap::Parser;
use tools_kit::{command_line::parse_arguments, entry};

/// The part of `cargo xtask` that checks.
#[derive(Parser)]
#[command(name = "cargo xtask", bin_name = "cargo xtask", disable_help_subcommand = true)]
enum Cli {
    /// Judge the OpenAPI document, make clients from it with the usual generators, and call the service with each
    ///
    /// It needs Node.js 20 or later and Python 3.10 or later, and installs the generators into `.dev`.
    Clients(clients::Args),
    /// Call a service of its own with requests made from the OpenAPI document, valid and invalid
    ///
    /// The whole service, over HTTP. `fuzz` calls the parsers, without a service around them.
    FuzzApi(fuzz_api::Args),
    /// Fuzz each parser for ten minutes, and check what must hold for every input
    ///
    /// Bodies, queries, cursors, paths, headers, tokens, key sets and `DATABASE_URL`, some hundred to some ten thousand
    /// inputs a second, guided by the code that each reaches. `fuzz-api` calls the whole service over HTTP.
    Fuzz(fuzz::Args),
    /// Try the service with a real Better Auth and behind nginx and HAProxy, and the example in a real browser
    ///
    /// It needs Node.js 20 or later.
    Interop(interop::Args),
    /// Judge all migrations with squawk, and try them on a throw-away PostgreSQL
    ///
    /// What `cargo xtask migrate check` does.
    MigrateCheck,
    /// Make a stand-in for the table `users` in the database of `DATABASE_URL` if it has none, and print one user
    #[command(hide = true)]
    ProvideUser,
    /// Back a database up and restore it with the commands of docs/operations.md, and compare all answers
    ///
    /// A dump, and a recovery to a moment, by its name and by its time. It needs PostgreSQL's client programs.
    RestoreCheck,
    /// Check the files of the deployment with the tools that know them, and run the program with a read-only root
    ///
    /// Dockerfile, composition, manifests of Kubernetes, unit of systemd, rules and dashboard; and the program in a network
    /// that holds nothing but its key source. It needs Linux.
    DeployCheck,
    /// Write what the program is made of, as JSON of `CycloneDX`
    Sbom(sbom::Args),
}

fn main() -> ExitCode {
    let cli: Cli = parse_arguments();
    entry::run(async |stop| stop.or(Box::pin(run(&cli))).await)
}

async fn run(cli: &Cli) -> anyhow::Result<ExitCode> {
    match cli {
        Cli::Clients(args) => clients::run(args).await?,
        Cli::FuzzApi(args) => fuzz_api::run(args).await?,
        Cli::Fuzz(args) => return fuzz::run(args).await,
        Cli::Interop(args) => interop::run(args).await?,
        Cli::MigrateCheck => migrate::run().await?,
        Cli::ProvideUser => provide_user::run().await?,
        Cli::RestoreCheck => restore::run().await?,
        Cli::DeployCheck => deploy::run().await?,
        Cli::Sbom(args) => sbom::run(args).await?,
    }
    Ok(ExitCode::SUCCESS)
}
