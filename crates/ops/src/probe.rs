//! `task-api health`: asks the program that runs beside it whether it is up. For containers, which have neither a shell nor
//! an HTTP client.

use std::{
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr},
    time::Duration,
};

use reqwest::{Client, StatusCode, redirect::Policy};
use task_settings::Listener;
use task_support::Chain;

/// How long the answer may take: less than whoever runs the probe gives it.
const LIMIT: Duration = Duration::from_secs(3);

/// Why the program cannot be said to be up.
#[derive(Debug, thiserror::Error)]
pub enum Unhealthy {
    /// A port that the system chose cannot be known from outside.
    #[error("PORT is 0, so that nobody knows where the service listens; set it to a port")]
    AnyPort,
    /// Nobody answers.
    #[error("the service does not answer at {url}: {reason}")]
    NoAnswer {
        /// What was asked.
        url: String,
        /// What is wrong.
        reason: String,
    },
    /// Somebody answers, and not as the service does.
    #[error("{url} answers with status {status}")]
    Status {
        /// What was asked.
        url: String,
        /// The status of the answer.
        status: StatusCode,
    },
}

/// Asks `/health/live` where the service listens, and says in a sentence that it is up.
pub async fn probe(listener: &Listener) -> Result<String, Unhealthy> {
    let url = format!("http://{}/health/live", authority(&listener.host, listener.port)?);
    let failed = |error: reqwest::Error| Unhealthy::NoAnswer {
        url: url.clone(),
        reason: Chain(&error.without_url()).to_string(),
    };
    // Plain HTTP to this machine: no proxy of the environment, and no certificate authorities, which may be missing.
    let client = Client::builder().no_proxy().redirect(Policy::none()).tls_certs_only([]).timeout(LIMIT);
    let client = client.build().map_err(failed)?;
    match client.get(&url).send().await.map_err(failed)?.status() {
        StatusCode::OK => Ok(format!("{url} answers: the service is up")),
        status => Err(Unhealthy::Status { url, status }),
    }
}

/// Host and port to ask. Who listens on every address is asked on loopback.
fn authority(host: &str, port: u16) -> Result<String, Unhealthy> {
    if port == 0 {
        return Err(Unhealthy::AnyPort);
    }
    Ok(match host.parse::<IpAddr>() {
        Ok(IpAddr::V4(Ipv4Addr::UNSPECIFIED)) => SocketAddr::from((Ipv4Addr::LOCALHOST, port)).to_string(),
        Ok(IpAddr::V6(Ipv6Addr::UNSPECIFIED)) => SocketAddr::from((Ipv6Addr::LOCALHOST, port)).to_string(),
        Ok(address) => SocketAddr::from((address, port)).to_string(),
        Err(_) => format!("{host}:{port}"),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_listens_everywhere_is_asked_on_loopback() {
        for (host, expected) in [
            ("0.0.0.0", "127.0.0.1:8080"),
            ("::", "[::1]:8080"),
            ("127.0.0.1", "127.0.0.1:8080"),
            ("192.0.2.7", "192.0.2.7:8080"),
            ("fd00::7", "[fd00::7]:8080"),
            ("localhost", "localhost:8080"),
        ] {
            assert_eq!(authority(host, 8080).unwrap(), expected);
        }
        assert!(matches!(authority("127.0.0.1", 0), Err(Unhealthy::AnyPort)));
    }
}
