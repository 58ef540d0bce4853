//! Where and when something was measured: numbers of one machine mean little without that.

use std::fs;

use serde_json::{Value, json};
use tokio::process::Command;
use tools_kit::process;

/// The machine, the versions and the time.
pub(crate) async fn facts(postgres: &str) -> Value {
    json!({
        "date": said("date", &["-u", "+%Y-%m-%dT%H:%M:%SZ"]).await,
        // Ends in `-dirty` if there are changes that are in no commit.
        "revision": said("git", &["describe", "--always", "--dirty", "--abbrev=12", "--exclude=*"]).await,
        "compiler": said("rustc", &["--version"]).await,
        "cores": std::thread::available_parallelism().map_or(0, usize::from),
        "processor": field("/proc/cpuinfo", "model name"),
        "memory": field("/proc/meminfo", "MemTotal"),
        "kernel": fs::read_to_string("/proc/sys/kernel/osrelease").ok().map(|text| text.trim().to_owned()),
        "postgresql": postgres,
    })
}

async fn said(program: &str, arguments: &[&str]) -> Option<String> {
    let words = process::capture(Command::new(program).args(arguments)).await.ok()?;
    Some(words.trim().to_owned())
}

/// The first value of that name in a file of names and values.
fn field(path: &str, name: &str) -> Option<String> {
    value(&fs::read_to_string(path).ok()?, name)
}

fn value(text: &str, name: &str) -> Option<String> {
    let fields = text.lines().filter_map(|line| line.split_once(':'));
    fields.into_iter().find(|(found, _)| found.trim() == name).map(|(_, value)| value.trim().to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_value_of_a_name_is_read() {
        let text = "processor\t: 0\nmodel name\t: Fast One @ 3 GHz\n\nprocessor\t: 1\nmodel name\t: Other\n";
        assert_eq!(value(text, "model name").as_deref(), Some("Fast One @ 3 GHz"));
        assert_eq!(value(text, "cache size"), None);
    }

    #[tokio::test]
    async fn what_cannot_be_had_is_left_open() {
        assert_eq!(said("no-such-program-here", &[]).await, None);
        assert!(facts("15.18").await["cores"].as_u64().unwrap() > 0);
    }
}
