//! `task-api health`: checks that the service on this machine is up. It is for containers that have neither a shell nor an
//! HTTP client.

use std::{
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr},
    time::Duration,
};

use reqwest::{Client, StatusCode, redirect::Policy};
use task_settings::Listener;
use task_support::Chain;

/// How long the answer may take: less than the timeout of a container's health check.
const LIMIT: Duration = Duration::from_secs(3);

/// Why the service does not count as up.
#[derive(Debug, thiserror::Error)]
pub enum Unhealthy {
    /// The system chose the port, so the probe cannot know it.
    #[error("PORT is 0, so the service listens on an unknown port; set it to a fixed one")]
    AnyPort,
    /// The service does not answer.
    #[error("the service does not answer at {url}: {reason}")]
    NoAnswer {
        /// The address of the request.
        url: String,
        /// What is wrong.
        reason: String,
    },
    /// The answer is not that of a live service.
    #[error("{url} answers with status {status}")]
    Status {
        /// The address of the request.
        url: String,
        /// The status of the answer.
        status: StatusCode,
    },
}

/// Requests `/health/live`, and returns a sentence if the service is up.
pub async fn probe(listener: &Listener) -> Result<String, Unhealthy> {
    let url = format!("http://{}/health/live", authority(&listener.host, listener.port)?);
    let failed = |error: reqwest::Error| Unhealthy::NoAnswer {
        url: url.clone(),
        reason: Chain(&error.without_url()).to_string(),
    };
    // Plain HTTP to this machine: ignores the proxies of the environment, and certificate authorities, which may be missing.
    let client = Client::builder().no_proxy().redirect(Policy::none()).tls_certs_only([]).timeout(LIMIT);
    let client = client.build().map_err(failed)?;
    match client.get(&url).send().await.map_err(failed)?.status() {
        StatusCode::OK => Ok(format!("{url} answers: the service is up")),
        status => Err(Unhealthy::Status { url, status }),
    }
}

/// The host and port to connect to: loopback, if the service listens on all addresses.
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
    fn a_service_that_listens_on_all_addresses_is_probed_on_loopback() {
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
