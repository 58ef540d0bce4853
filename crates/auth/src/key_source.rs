//! The port to a key source, and the key source over HTTP.

use std::time::Duration;

use async_trait::async_trait;
use reqwest::{Client, Response, StatusCode, header, redirect};
use url::Url;

use crate::key_set::InvalidKeySet;

/// How long a whole fetch may take.
pub(crate) const FETCH_LIMIT: Duration = Duration::from_secs(5);
/// The largest answer that is read, in bytes: hundreds of keys.
pub(crate) const MAX_BYTES: usize = 256 * 1024;

/// Fetches a key set: the port between the verifier and the issuer that publishes keys.
#[async_trait]
pub trait KeySource: Send + Sync {
    /// Fetches the current set.
    async fn fetch(&self) -> Result<Fetched, FetchError>;
}

/// An answer of a key source.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fetched {
    /// The key set, as JSON.
    pub body: Vec<u8>,
    /// The `Date` header of the answer: the clock of the source.
    pub date: Option<String>,
}

/// Why a fetch failed.
#[derive(Debug, thiserror::Error)]
pub enum FetchError {
    /// The source cannot be reached, closes the connection, or does not answer in time.
    #[error("it does not answer")]
    NoAnswer(#[source] reqwest::Error),
    /// The source redirects. Redirects are not followed: keys come only from the configured address.
    #[error("it redirects, which is not followed; configure the final address")]
    Redirected,
    /// The source answers with an error.
    #[error("it answers with status {0}")]
    Status(StatusCode),
    /// The answer is larger than any key set.
    #[error("its answer has more than {MAX_BYTES} bytes")]
    TooLarge,
    /// The answer is not a key set, or has no usable key.
    #[error(transparent)]
    Invalid(#[from] InvalidKeySet),
}

/// A key set that is published over HTTP.
pub struct HttpKeySource {
    client: Client,
    url: Url,
}

impl std::fmt::Debug for HttpKeySource {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        // The rest of the address may hold a key.
        f.debug_struct("HttpKeySource").field("host", &self.url.host_str()).finish_non_exhaustive()
    }
}

impl HttpKeySource {
    /// Fetches from `url`. Fails if TLS cannot be set up on this machine.
    pub fn new(url: Url) -> Result<Self, reqwest::Error> {
        let client = Client::builder()
            .user_agent(concat!("task-api/", env!("CARGO_PKG_VERSION")))
            .redirect(redirect::Policy::none())
            .timeout(FETCH_LIMIT)
            // Fetches are minutes apart: an idle connection would be closed by then.
            .pool_max_idle_per_host(0)
            .build()?;
        Ok(Self { client, url })
    }
}

#[async_trait]
impl KeySource for HttpKeySource {
    async fn fetch(&self) -> Result<Fetched, FetchError> {
        let request = self.client.get(self.url.clone()).header(header::ACCEPT, "application/json");
        // Nothing here unpacks an answer.
        let request = request.header(header::ACCEPT_ENCODING, "identity");
        let answer = request.send().await.map_err(no_answer)?;
        match answer.status() {
            StatusCode::OK => {}
            status if status.is_redirection() => return Err(FetchError::Redirected),
            status => return Err(FetchError::Status(status)),
        }
        let date = answer.headers().get(header::DATE).and_then(|date| date.to_str().ok()).map(str::to_owned);
        Ok(Fetched { body: bounded(answer).await?, date })
    }
}

/// Reads a body up to the limit. The announced length does not matter.
async fn bounded(mut answer: Response) -> Result<Vec<u8>, FetchError> {
    let mut body = Vec::new();
    while let Some(chunk) = answer.chunk().await.map_err(no_answer)? {
        if body.len() + chunk.len() > MAX_BYTES {
            return Err(FetchError::TooLarge);
        }
        body.extend_from_slice(&chunk);
    }
    Ok(body)
}

/// Removes the address from the error: its query may be secret.
fn no_answer(error: reqwest::Error) -> FetchError {
    FetchError::NoAnswer(error.without_url())
}
