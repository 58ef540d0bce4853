//! The service as a program, as it is shipped.

use std::{net::SocketAddr, path::PathBuf};

use anyhow::Context as _;
use serde_json::Value;
use tokio::process::Command;

use crate::{http, process, report};

/// How it is compiled.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Profile {
    /// In seconds, for a person and for checks; with the allocator of the C library.
    Dev,
    /// As it is shipped, for measurements.
    Release,
}

/// Leaves jemalloc out, the only default feature (ADR 0021): compiling it takes longer than all the Rust that is not ours.
pub const WITHOUT_ALLOCATOR: &str = "--no-default-features";

/// Compiles it without the features that tests add, and returns where it is. Cargo shows its own progress.
pub async fn build(profile: Profile) -> anyhow::Result<PathBuf> {
    report::note("Compiling the service (some minutes the first time) ...");
    let mut cargo = Command::new("cargo");
    cargo.args(["build", "--locked", "--package", "task-api", "--bin", "task-api"]);
    cargo.arg(match profile {
        Profile::Release => "--release",
        Profile::Dev => WITHOUT_ALLOCATOR,
    });
    cargo.args(["--message-format", "json-render-diagnostics"]);
    let messages = process::capture_stdout(&mut cargo).await?;
    executable(&messages).context("`cargo build` does not say where it put the program")
}

/// The program in the messages of cargo, of which each is a line of JSON.
fn executable(messages: &str) -> Option<PathBuf> {
    let messages = messages.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
    messages.filter_map(|message| message["executable"].as_str().map(PathBuf::from)).next_back()
}

/// Whether the service at that address says that it is up.
pub async fn is_healthy(address: SocketAddr) -> bool {
    http::get(address, "/health").await.is_ok_and(|answer| answer.is_success())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_program_is_where_cargo_says() {
        let messages = "{\"reason\":\"compiler-artifact\",\"executable\":null}\nno JSON\n\
             {\"reason\":\"compiler-artifact\",\"executable\":\"/x/debug/task-api\"}\n{\"reason\":\"build-finished\"}\n";
        assert_eq!(executable(messages), Some("/x/debug/task-api".into()));
        assert_eq!(executable("{}"), None);
    }
}
