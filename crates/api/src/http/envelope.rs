//! What is around every answer, whoever made it: request id, span, CORS, security headers, the access log, and an
//! answer in place of a panic. It is the outermost middleware, so that nothing escapes it.

use std::{
    any::Any,
    panic::AssertUnwindSafe,
    sync::Arc,
    time::{Duration, Instant},
};

use actix_web::{
    Error, HttpMessage, ResponseError,
    body::{BoxBody, MessageBody},
    dev::{ServiceRequest, ServiceResponse},
    error::InternalError,
    http::{
        ConnectionType, StatusCode,
        header::{self, HeaderMap, HeaderName, HeaderValue},
    },
    middleware::Next,
    web,
};
use futures_util::FutureExt;
use opentelemetry::trace::FutureExt as _;
use tracing::{Instrument, Span};
use uuid::Uuid;

use crate::{
    health::readiness::Readiness,
    http::{
        chunked_body::Held,
        connections::{Busy, Client, in_pieces},
        cors::{self, Cors},
        error::ApiError,
        limits::Standing,
    },
    telemetry::{
        metrics::{self, Metrics},
        traces::{RequestTrace, Traces},
    },
};

const X_REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");
const NO_STORE: HeaderValue = HeaderValue::from_static("no-store");
const NOSNIFF: HeaderValue = HeaderValue::from_static("nosniff");
const VARY_ORIGIN: HeaderValue = HeaderValue::from_static("Origin");
/// How long a request's own id may be.
const MAX_REQUEST_ID: usize = 128;

/// Who is told of every request.
#[derive(Clone, Default)]
pub(crate) struct Observers {
    /// Counts them, where somebody may ask.
    pub(crate) metrics: Option<Arc<Metrics>>,
    /// Makes spans of them, where they are sent somewhere.
    pub(crate) traces: Option<Arc<Traces>>,
}

/// Wraps everything.
pub(crate) async fn envelope(
    mut request: ServiceRequest,
    next: Next<impl MessageBody + 'static>,
) -> Result<ServiceResponse<BoxBody>, Error> {
    let began = Instant::now();
    let request_id = request_id(request.headers());
    let origin = request.app_data::<web::Data<Cors>>().and_then(|cors| cors.listed_origin(request.headers()));
    let Observers { metrics, traces } = request.app_data().cloned().unwrap_or_default();
    let method = metrics::known(request.method());
    let trace = traces.map(|traces| traces.begin(&request, method));
    let span = span(&request, &request_id, trace.as_ref());
    let readiness = request.app_data::<web::Data<Readiness>>().cloned();
    // The client must not send its next request on a connection that is about to go.
    let is_stopping = || readiness.as_ref().is_some_and(|readiness| readiness.is_stopping());
    let tell = |route: Option<String>, status: StatusCode| {
        let took = began.elapsed();
        log(&span, route.as_deref(), status, took);
        if let Some(trace) = &trace {
            trace.answered(route.as_deref(), status);
        }
        if let Some(metrics) = &metrics {
            metrics.answered(method, route, status, took);
        }
    };

    let busy = request.conn_data().map(Client::begin);
    let held = Held::of(&mut request);
    let outcome = if cors::is_preflight(&request) {
        Ok(request.into_response(cors::answer_preflight(origin.as_ref())))
    } else if let Some(trace) = &trace {
        answer(request, next).instrument(span.clone()).with_context(trace.context()).await
    } else {
        answer(request, next).instrument(span.clone()).await
    };
    let complete = |headers: &mut HeaderMap| {
        if let Some(origin) = origin {
            cors::allow(origin, headers);
        }
        headers.insert(X_REQUEST_ID, request_id);
        headers.insert(header::X_CONTENT_TYPE_OPTIONS, NOSNIFF);
        headers.insert(header::VARY, VARY_ORIGIN);
        // The documentation pages say themselves how long they may be kept.
        if !headers.contains_key(header::CACHE_CONTROL) {
            headers.insert(header::CACHE_CONTROL, NO_STORE);
        }
    };
    match outcome {
        Ok(mut answer) => {
            complete(answer.headers_mut());
            let standing = answer.request().extensions_mut().remove::<Standing>();
            if let Some(standing) = standing {
                if let Some(metrics) =
                    metrics.as_ref().filter(|_| answer.status() == StatusCode::TOO_MANY_REQUESTS)
                {
                    metrics.limited(standing.name);
                }
                standing.tell(answer.headers_mut());
            }
            // RFC 9110, section 15.5.9: what may still come of the body is not waited for.
            if is_stopping() || answer.status() == StatusCode::REQUEST_TIMEOUT {
                answer.response_mut().head_mut().set_connection_type(ConnectionType::Close);
            }
            tell(answer.request().match_pattern(), answer.status());
            let moves = || busy.as_ref().map(Busy::moves);
            Ok(answer.map_body(|_, body| Held::until_sent(held, in_pieces(body, moves))))
        }
        Err(error) => {
            let mut answer = span.in_scope(|| error.error_response());
            complete(answer.headers_mut());
            if is_stopping() || answer.status() == StatusCode::REQUEST_TIMEOUT {
                answer.head_mut().set_connection_type(ConnectionType::Close);
            }
            tell(None, answer.status());
            let answer = answer.map_body(|_, body| Held::until_sent(held, body));
            Err(InternalError::from_response(error, answer).into())
        }
    }
}

/// Calls the rest of the program. A panic there becomes an error like any other; its request is gone with it.
async fn answer(
    request: ServiceRequest,
    next: Next<impl MessageBody + 'static>,
) -> Result<ServiceResponse<BoxBody>, ApiError> {
    match AssertUnwindSafe(next.call(request)).catch_unwind().await {
        Ok(Ok(answer)) => Ok(answer.map_into_boxed_body()),
        Ok(Err(error)) => Err(ApiError::Internal(error.to_string().into())),
        Err(panic) => Err(ApiError::Internal(panic_message(&*panic).into())),
    }
}

fn panic_message(panic: &(dyn Any + Send)) -> String {
    let message = panic.downcast_ref::<&str>().copied();
    let message = message.or_else(|| panic.downcast_ref::<String>().map(String::as_str));
    format!("panic: {}", message.unwrap_or("no message"))
}

/// The request's own id where it is a usable one, a new one otherwise.
fn request_id(headers: &HeaderMap) -> HeaderValue {
    let mut values = headers.get_all(X_REQUEST_ID);
    match (values.next(), values.next()) {
        (Some(value), None) if is_request_id(value.as_bytes()) => value.clone(),
        _ => {
            let mut buffer = Uuid::encode_buffer();
            let id = Uuid::new_v4().hyphenated().encode_lower(&mut buffer);
            HeaderValue::from_str(id).unwrap_or(HeaderValue::from_static("unknown"))
        }
    }
}

fn is_request_id(bytes: &[u8]) -> bool {
    (1..=MAX_REQUEST_ID).contains(&bytes.len())
        && bytes.iter().all(|byte| byte.is_ascii_alphanumeric() || b"._-".contains(byte))
}

/// The span that the log lines of a request belong to. It names no path, which has the user's id in it.
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

/// Says what became of a request. The members are the event's and not the span's, since those of a span are written anew
/// each time that one is added, and parsed once more for every line.
fn log(span: &Span, route: Option<&str>, status: StatusCode, took: Duration) {
    let duration_us = u64::try_from(took.as_micros()).unwrap_or(u64::MAX);
    let (route, status) = (route.unwrap_or("unknown"), status.as_u16());
    span.in_scope(|| tracing::info!(route, status, duration_us, "answered"));
}

#[cfg(test)]
mod tests {
    use actix_web::test::TestRequest;

    use super::*;

    fn id_for(values: &[&str]) -> String {
        let mut request = TestRequest::default();
        for value in values {
            request = request.append_header((X_REQUEST_ID, *value));
        }
        request_id(request.to_http_request().headers()).to_str().unwrap().to_owned()
    }

    #[test]
    fn a_usable_request_id_is_kept() {
        let longest = "x".repeat(MAX_REQUEST_ID);
        for id in ["a", "A-Z_0.9", &longest] {
            assert_eq!(id_for(&[id]), id);
        }
    }

    #[test]
    fn every_other_request_id_is_replaced_by_a_new_one() {
        let too_long = "x".repeat(MAX_REQUEST_ID + 1);
        let mut seen = std::collections::HashSet::new();
        for ids in [&[][..], &[""], &["a b"], &["a/b"], &["é"], &["a\"b"], &["a", "a"], &[too_long.as_str()]]
        {
            let id = id_for(ids);
            assert!(Uuid::parse_str(&id).is_ok(), "{id}");
            assert!(seen.insert(id), "it is new each time");
        }
    }

    #[test]
    fn a_panic_says_what_it_said() {
        assert_eq!(panic_message(&"a text"), "panic: a text");
        assert_eq!(panic_message(&"a string".to_owned()), "panic: a string");
        assert_eq!(panic_message(&7_i32), "panic: no message");
    }
}
