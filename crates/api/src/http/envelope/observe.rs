//! What the service records about a request: a log line, a span of the trace, and metrics.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use actix_web::{
    dev::ServiceRequest,
    http::{StatusCode, header::HeaderValue},
};
use futures_util::future::Either;
use opentelemetry::trace::FutureExt;
use task_telemetry::{
    metrics::{Metrics, method_label},
    traces::{IncomingRequest, RequestTrace, Traces},
};
use tracing::{Instrument, Span};

use crate::http::trace_context::{Headers, authority, protocol};

/// Where requests are recorded besides the log.
#[derive(Clone, Default)]
pub(crate) struct Observers {
    /// Counts requests; `None` if metrics are off.
    pub(crate) metrics: Option<Arc<Metrics>>,
    /// Makes a span of each request; `None` if traces are off.
    pub(crate) traces: Option<Arc<Traces>>,
}

/// The record of one request.
pub(super) struct Observation {
    began: Instant,
    method: &'static str,
    span: Span,
    trace: Option<RequestTrace>,
    metrics: Option<Arc<Metrics>>,
}

impl Observation {
    pub(super) fn begin(request: &ServiceRequest, request_id: &HeaderValue) -> Self {
        let began = Instant::now();
        let Observers { metrics, traces } = request.app_data().cloned().unwrap_or_default();
        let method = method_label(request.method().as_str());
        let trace = traces.map(|traces| begin_trace(&traces, request, method));
        let span = span(request, request_id, trace.as_ref());
        Self { began, method, span, trace, metrics }
    }

    /// Runs `work` inside the request's spans of log and trace.
    pub(super) fn instrument<F: Future>(&self, work: F) -> impl Future<Output = F::Output> + use<F> {
        let work = work.instrument(self.span.clone());
        match &self.trace {
            Some(trace) => Either::Left(work.with_context(trace.context())),
            None => Either::Right(work),
        }
    }

    /// Runs `work` inside the request's span of the log.
    pub(super) fn in_scope<T>(&self, work: impl FnOnce() -> T) -> T {
        self.span.in_scope(work)
    }

    pub(super) fn refused_by_limit(&self, limit: &'static str) {
        if let Some(metrics) = &self.metrics {
            metrics.limited(limit);
        }
    }

    /// Records the answer; `route` is the template of the path, if the path has one.
    pub(super) fn answered(&self, route: Option<&str>, status: StatusCode) {
        let took = self.began.elapsed();
        log(&self.span, route, status, took);
        if let Some(trace) = &self.trace {
            trace.answered(route, status.as_u16());
        }
        if let Some(metrics) = &self.metrics {
            metrics.answered(self.method, route, status.as_u16(), took);
        }
    }
}

fn begin_trace(traces: &Traces, request: &ServiceRequest, method: &'static str) -> RequestTrace {
    let authority = authority(request.headers());
    traces.begin(IncomingRequest {
        method,
        protocol: protocol(request.version()),
        server: authority.as_ref().map(|server| (server.host(), server.port_u16())),
        headers: &Headers(request.headers()),
    })
}

/// The span that the log lines of a request belong to. It leaves out the path, which contains the user's id.
fn span(request: &ServiceRequest, request_id: &HeaderValue, trace: Option<&RequestTrace>) -> Span {
    let (request_id, method) = (request_id.to_str().unwrap_or_default(), request.method().as_str());
    match trace.map(RequestTrace::ids) {
        None => tracing::info_span!("request", request_id, method),
        Some(ids) => tracing::info_span!(
            "request",
            request_id,
            method,
            trace_id = %ids.trace_id(),
            span_id = %ids.span_id(),
        ),
    }
}

/// Logs the answer. Route, status and duration are fields of the event and not of the span: a span formats all its fields
/// again for each field that is added.
fn log(span: &Span, route: Option<&str>, status: StatusCode, took: Duration) {
    let duration_us = u64::try_from(took.as_micros()).unwrap_or(u64::MAX);
    let (route, status) = (route.unwrap_or("unknown"), status.as_u16());
    span.in_scope(|| tracing::info!(route, status, duration_us, "answered"));
}
