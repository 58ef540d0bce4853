//! Posts spans to the collector. If it is unreachable, the log says so from time to time, and requests go on.

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

/// The shortest time between two warnings that spans cannot be sent.
const WARNING_INTERVAL: Duration = Duration::from_mins(1);
/// The most bytes that are read of an answer; a collector answers little more than a refusal.
const MAX_ANSWER: usize = 64 * 1024;

/// Posts spans to a collector.
///
/// The SDK sends spans on a thread without a runtime. reqwest needs one, so requests run on the service's.
#[derive(Debug)]
pub(super) struct Collector {
    client: Client,
    url: Url,
    runtime: Handle,
    outage: Outage,
}

impl Collector {
    /// Fails if TLS cannot be set up on this machine.
    pub(super) fn new(settings: &TraceSettings, runtime: Handle) -> Result<Self, reqwest::Error> {
        let client = Client::builder()
            .user_agent(concat!("task-api/", env!("CARGO_PKG_VERSION")))
            // The headers hold a key, which only this collector may see.
            .redirect(redirect::Policy::none())
            .default_headers(settings.headers.clone())
            .timeout(settings.timeout)
            .build()?;
        let outage = Outage { interval: WARNING_INTERVAL, last_warning: Mutex::new(None) };
        Ok(Self { client, url: settings.endpoint.clone(), runtime, outage })
    }
}

#[async_trait]
impl HttpClient for Collector {
    async fn send_bytes(&self, request: Request<Bytes>) -> Result<Response<Bytes>, HttpError> {
        // Only the body of the exporter's request is used: it may have taken its address and headers from the environment.
        let post = self.client.post(self.url.clone());
        let post = post.header(CONTENT_TYPE, "application/x-protobuf").body(request.into_body());
        match self.runtime.spawn(exchange(post)).await? {
            Ok(answer) => {
                if answer.status().is_success() {
                    self.outage.end();
                } else {
                    self.outage.warn(&format!("it answers with status {}", answer.status()));
                }
                Ok(answer)
            }
            Err(error) => {
                let error = error.without_url();
                self.outage.warn(&Chain(&error).to_string());
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

/// An outage of the collector: the first failure is logged, and then one in each interval until the end.
#[derive(Debug)]
struct Outage {
    interval: Duration,
    last_warning: Mutex<Option<Instant>>,
}

impl Outage {
    fn warn(&self, error: &str) {
        if self.is_warning_due() {
            tracing::warn!(error, "traces cannot be sent; those of this time may be lost");
        }
    }

    /// Whether to warn now; if so, the interval begins again.
    fn is_warning_due(&self) -> bool {
        let mut last = self.last_warning.lock().unwrap_or_else(PoisonError::into_inner);
        let is_due = last.is_none_or(|last| last.elapsed() >= self.interval);
        if is_due {
            *last = Some(Instant::now());
        }
        is_due
    }

    fn end(&self) {
        if self.last_warning.lock().unwrap_or_else(PoisonError::into_inner).take().is_some() {
            tracing::info!("traces are sent again");
        }
    }
}

/// An exporter that reports no failure to the SDK, which would log each one: the collector logs them already.
#[derive(Debug)]
pub(super) struct QuietExporter(pub(super) SpanExporter);

impl trace::SpanExporter for QuietExporter {
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
    fn an_outage_is_logged_once_in_each_interval_and_again_after_its_end() {
        let outage = |interval| Outage { interval, last_warning: Mutex::new(None) };
        let rare = outage(Duration::from_hours(1));
        assert_eq!([(); 3].map(|()| rare.is_warning_due()), [true, false, false]);
        rare.end();
        assert!(rare.is_warning_due());
        let frequent = outage(Duration::ZERO);
        assert_eq!([(); 3].map(|()| frequent.is_warning_due()), [true, true, true]);
    }
}
