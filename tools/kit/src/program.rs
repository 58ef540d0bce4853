//! The service as a program, as it is shipped.

use std::{net::SocketAddr, path::PathBuf};

use anyhow::Context as _;
use serde_json::Value;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
    process::Command,
};

use crate::{process, report};

/// How it is compiled.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Profile {
    Dev,
    Release,
}

/// Builds it without the features that tests add, and returns where it is.
pub(crate) async fn build(profile: Profile) -> anyhow::Result<PathBuf> {
    let mut cargo = Command::new("cargo");
    cargo.args(["build", "--locked", "--package", "task-api", "--bin", "task-api"]);
    if profile == Profile::Release {
        cargo.arg("--release");
    }
    cargo.args(["--message-format", "json-render-diagnostics"]);
    let messages = report::step("Building task-api", process::capture(&mut cargo)).await?;
    executable(&messages).context("`cargo build` does not say where it put the program")
}

/// The program in the messages of cargo, of which each is a line of JSON.
fn executable(messages: &str) -> Option<PathBuf> {
    let messages = messages.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
    messages.filter_map(|message| message["executable"].as_str().map(PathBuf::from)).next_back()
}

/// Whether the service at that address says that it is up.
pub(crate) async fn is_healthy(address: SocketAddr) -> bool {
    ask(address).await.is_ok_and(|answer| answer.starts_with("HTTP/1.1 200"))
}

async fn ask(address: SocketAddr) -> std::io::Result<String> {
    let mut stream = TcpStream::connect(address).await?;
    stream.write_all(b"GET /health HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n").await?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await?;
    Ok(answer)
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
