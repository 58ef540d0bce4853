//! How clients ask, and keep what became of it.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use anyhow::Context as _;
use reqwest::{Method, RequestBuilder};

use crate::ledger::Ledger;

/// More than the service may take for any answer.
const TIMEOUT: Duration = Duration::from_secs(20);
/// How long a connection may wait for its next request: less than the service keeps it, so that it never ends just when it
/// is used.
const UNUSED: Duration = Duration::from_secs(30);

/// What a client with a token asks with.
#[derive(Clone)]
pub(crate) struct Asking {
    http: reqwest::Client,
    token: String,
    ledger: Arc<Ledger>,
}

/// An answer that came as a whole.
pub(crate) struct Answer {
    pub(crate) status: u16,
    /// Whether it says when to ask again.
    pub(crate) retry: bool,
    pub(crate) etag: Option<String>,
    pub(crate) body: String,
}

impl Asking {
    pub(crate) fn new(token: &str, ledger: Arc<Ledger>) -> anyhow::Result<Self> {
        let http = reqwest::Client::builder().timeout(TIMEOUT).pool_idle_timeout(UNUSED).build();
        Ok(Self { http: http.context("no HTTP client")?, token: token.to_owned(), ledger })
    }

    pub(crate) fn http(&self) -> reqwest::Client {
        self.http.clone()
    }

    /// A request with the token, whose body is JSON where it has one.
    pub(crate) fn send(&self, method: Method, url: &str) -> RequestBuilder {
        self.http.request(method, url).bearer_auth(&self.token).header("Content-Type", "application/json")
    }

    /// Sends it. `None` if there is no answer, of which the ledger knows then.
    pub(crate) async fn answer(&self, request: RequestBuilder) -> Option<Answer> {
        let since = Instant::now();
        let answer = match request.send().await {
            Ok(answer) => answer,
            Err(error) if error.is_connect() => {
                self.ledger.refuse();
                return None;
            }
            Err(_) => {
                self.ledger.broken();
                return None;
            }
        };
        self.ledger.answered_after(since.elapsed());
        let status = answer.status().as_u16();
        let retry = answer.headers().contains_key("retry-after");
        let etag = answer.headers().get("etag").and_then(|tag| tag.to_str().ok()).map(str::to_owned);
        let Ok(body) = answer.text().await else {
            self.ledger.broken();
            return None;
        };
        Some(Answer { status, retry, etag, body })
    }
}
