//! The HTTP server: its address, its connections, and its time limits.

use std::time::Duration;

use crate::reader::Reader;

/// The most connections of clients that may be configured.
const MAX_CLIENTS: usize = 1_000_000;

/// The address that the server listens on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Listener {
    /// An address or a host name.
    pub host: String,
    /// The port; 0 for any free port.
    pub port: u16,
}

/// The HTTP server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ServerSettings {
    /// The address that it listens on.
    pub listener: Listener,
    /// What clients see before the paths of this service, such as `/todo`: a proxy takes it away.
    pub path_prefix: Option<String>,
    /// How many threads serve requests.
    pub workers: usize,
    /// How many clients may be connected at the same time, to all workers together.
    pub client_connections: usize,
    /// How long the body of a request may take to arrive.
    pub body_timeout: Duration,
    /// How long the server goes on serving after SIGTERM, so that load balancers notice.
    pub drain: Duration,
    /// How long requests in flight may take after the drain.
    pub shutdown_timeout: Duration,
}

/// Reads the settings. `connections` is the number of connections to the database that serve requests.
pub(crate) fn read(reader: &mut Reader, connections: usize) -> ServerSettings {
    let workers = workers(reader, connections);
    ServerSettings {
        listener: listener(reader),
        path_prefix: reader.parsed("PATH_PREFIX", path_prefix),
        workers,
        client_connections: reader.number("CLIENT_CONNECTIONS_MAX", workers, MAX_CLIENTS),
        body_timeout: Duration::from_secs(reader.number("REQUEST_BODY_TIMEOUT_SECONDS", 1, 300)),
        drain: Duration::from_secs(reader.number("SHUTDOWN_DRAIN_SECONDS", 0, 300)),
        shutdown_timeout: Duration::from_secs(reader.number("SHUTDOWN_TIMEOUT_SECONDS", 0, 3600)),
    }
}

/// Reads `HOST` and `PORT`.
pub(crate) fn listener(reader: &mut Reader) -> Listener {
    Listener {
        host: reader.parsed("HOST", host).unwrap_or_default(),
        port: reader.number("PORT", 0, u16::MAX),
    }
}

/// The name is looked up when the server listens; this sees to it that it is no address of something else.
fn host(text: &str) -> Result<String, String> {
    let is_name = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.:%[]".contains(&byte) || !byte.is_ascii();
    if text.bytes().all(is_name) {
        Ok(text.to_owned())
    } else {
        Err("must be an address or a name of this machine, and nothing else".to_owned())
    }
}

/// The most characters of a prefix.
const MAX_PREFIX: usize = 200;

/// Takes a prefix as it stands in the addresses of clients, and nothing that could lead them elsewhere: `//host` is an address
/// of another host.
fn path_prefix(text: &str) -> Result<String, String> {
    let is_plain = |character: char| character.is_ascii_alphanumeric() || "-._~".contains(character);
    let is_segment = |segment: &str| {
        !segment.is_empty()
            && segment.chars().all(is_plain)
            && !segment.chars().all(|character| character == '.')
    };
    match text.strip_prefix('/') {
        Some(path) if text.len() <= MAX_PREFIX && path.split('/').all(is_segment) => Ok(text.to_owned()),
        _ => Err("must be a path such as /todo: it begins with a slash and does not end with one, and has only letters, digits \
                  and - . _ ~ in between"
            .to_owned()),
    }
}

/// At most as many workers as connections: a worker without a connection could not answer.
fn workers(reader: &mut Reader, connections: usize) -> usize {
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    reader.optional_number("WORKERS", 1, connections).unwrap_or(cores.min(connections))
}

#[cfg(test)]
mod tests {
    use super::path_prefix;

    #[test]
    fn a_prefix_is_a_plain_path_and_nothing_that_leads_elsewhere() {
        for good in ["/todo", "/a/b", "/v1.2/~me_x-y"] {
            assert_eq!(path_prefix(good).unwrap(), good);
        }
        let long = format!("/{}", "a".repeat(200));
        for bad in [
            "/",
            "todo",
            "/todo/",
            "//evil.example",
            "/a//b",
            "/..",
            "/a/../b",
            "/.",
            "/a b",
            "/a\\b",
            "/a>;rel=next",
            "/a\r\nX: y",
            "/ä",
            "/%2e%2e",
            "/a?b",
            "/a#b",
            "https://a.example/todo",
            &long,
        ] {
            assert!(path_prefix(bad).unwrap_err().starts_with("must be a path such as /todo"), "{bad}");
        }
    }
}
