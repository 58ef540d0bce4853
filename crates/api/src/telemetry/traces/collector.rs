//! The way to the collector. One that is not there is told of now and then, and harms nobody.

use std::{
    sync::{Mutex, PoisonError},
    time::{Duration, Instant},
};

use async_trait::async_trait;
use opentelemetry_http::{Bytes, HttpClient, HttpError, Request, Response};
use opentelemetry_otlp::SpanExporter;
use opentelemetry_sdk::{
    Resource,
    error::OTelSdkResult,
    trace::{self, SpanData},
};
use reqwest::{Client, header::CONTENT_TYPE, redirect};
use task_settings::TraceSettings;
use task_support::Chain;
use tokio::runtime::Handle;
use url::Url;

/// How often, at the most, it is told that spans cannot be sent.
const TELL_EVERY: Duration = Duration::from_mins(1);
/// The largest answer that is read, in bytes: it says little more than that spans were refused.
const MAX_ANSWER: usize = 64 * 1024;

/// Posts spans to a collector.
///
/// The thread that sends spans has no runtime, without which reqwest can do nothing, so that the work is done by ours.
#[derive(Debug)]
pub(super) struct Collector {
    client: Client,
    url: Url,
    runtime: Handle,
    troubles: Troubles,
}

impl Collector {
    /// Fails where TLS cannot be set up on this machine.
    pub(super) fn new(settings: &TraceSettings, runtime: Handle) -> Result<Self, reqwest::Error> {
        let client = Client::builder()
            .user_agent(concat!("task-api/", env!("CARGO_PKG_VERSION")))
            // The headers have a key in them, which is for nobody else.
            .redirect(redirect::Policy::none())
            .default_headers(settings.headers.clone())
            .timeout(settings.timeout)
            .build()?;
        let troubles = Troubles { every: TELL_EVERY, last: Mutex::new(None) };
        Ok(Self { client, url: settings.endpoint.clone(), runtime, troubles })
    }
}

#[async_trait]
impl HttpClient for Collector {
    async fn send_bytes(&self, request: Request<Bytes>) -> Result<Response<Bytes>, HttpError> {
        // Of the request that the exporter makes only the body is taken: address and headers are those of our settings, and
        // not what it may have found in the environment.
        let post = self.client.post(self.url.clone());
        let post = post.header(CONTENT_TYPE, "application/x-protobuf").body(request.into_body());
        match self.runtime.spawn(exchange(post)).await? {
            Ok(answer) => {
                if answer.status().is_success() {
                    self.troubles.end();
                } else {
                    self.troubles.tell(&format!("it answers with status {}", answer.status()));
                }
                Ok(answer)
            }
            Err(error) => {
                let error = error.without_url();
                self.troubles.tell(&Chain(&error).to_string());
                Err(error.into())
            }
        }
    }
}

async fn exchange(post: reqwest::RequestBuilder) -> Result<Response<Bytes>, reqwest::Error> {
    let mut answer = post.send().await?;
    let mut whole = Response::new(Bytes::new());
    *whole.status_mut() = answer.status();
    *whole.headers_mut() = std::mem::take(answer.headers_mut());
    let mut body = Vec::new();
    while let Some(chunk) = answer.chunk().await? {
        if body.len() + chunk.len() > MAX_ANSWER {
            return Ok(whole);
        }
        body.extend_from_slice(&chunk);
    }
    *whole.body_mut() = body.into();
    Ok(whole)
}

/// What is wrong with the collector, told once and then now and again until it is over.
#[derive(Debug)]
struct Troubles {
    every: Duration,
    last: Mutex<Option<Instant>>,
}

impl Troubles {
    fn tell(&self, error: &str) {
        if self.is_to_be_told() {
            tracing::warn!(error, "traces cannot be sent; those of this time may be lost");
        }
    }

    fn is_to_be_told(&self) -> bool {
        let mut last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        let is_due = last.is_none_or(|last| last.elapsed() >= self.every);
        if is_due {
            *last = Some(Instant::now());
        }
        is_due
    }

    fn end(&self) {
        if self.last.lock().unwrap_or_else(PoisonError::into_inner).take().is_some() {
            tracing::info!("traces are sent again");
        }
    }
}

/// An exporter whose failures are told by the collector, so that the SDK does not tell each of them as well.
#[derive(Debug)]
pub(super) struct Tolerant(pub(super) SpanExporter);

impl trace::SpanExporter for Tolerant {
    async fn export(&self, batch: Vec<SpanData>) -> OTelSdkResult {
        let _ = self.0.export(batch).await;
        Ok(())
    }

    fn shutdown_with_timeout(&self, timeout: Duration) -> OTelSdkResult {
        self.0.shutdown_with_timeout(timeout)
    }

    fn set_resource(&mut self, resource: &Resource) {
        self.0.set_resource(resource);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_trouble_is_told_once_in_its_time_and_anew_after_it_was_over() {
        let troubles = |every| Troubles { every, last: Mutex::new(None) };
        let rare = troubles(Duration::from_hours(1));
        assert_eq!([(); 3].map(|()| rare.is_to_be_told()), [true, false, false]);
        rare.end();
        assert!(rare.is_to_be_told());
        let frequent = troubles(Duration::ZERO);
        assert_eq!([(); 3].map(|()| frequent.is_to_be_told()), [true, true, true]);
    }
}
