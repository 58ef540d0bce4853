//! The span of a request, with the names and attributes of OpenTelemetry's semantic conventions.
//!
//! Some attributes are left out although the conventions ask for them: the path contains the user's id and often a task's,
//! and the query, the address of the client and its user agent are private.

use actix_web::{
    dev::ServiceRequest,
    http::{
        StatusCode, Version,
        header::{self, HeaderMap},
        uri::Authority,
    },
};
use opentelemetry::{
    Context, KeyValue,
    propagation::{Extractor, TextMapPropagator},
    trace::{SpanContext, SpanKind, Status, TraceContextExt, Tracer},
};

use crate::telemetry::traces::provider::Traces;

/// The header with the trace and the span of the caller (W3C Trace Context).
const TRACEPARENT: &str = "traceparent";
/// The length of the header in version 00 of the standard.
const TRACEPARENT_LENGTH: usize = 55;

/// The span of a request that is being answered.
pub(crate) struct RequestTrace {
    context: Context,
    method: &'static str,
}

impl Traces {
    /// Begins the span of a request, as a child of the caller's span if the request names one.
    pub(crate) fn begin(&self, request: &ServiceRequest, method: &'static str) -> RequestTrace {
        let caller = self.propagator.extract_with_context(&Context::new(), &Headers(request.headers()));
        // The conventions' name for unknown methods, of which a client can send any number.
        let (method, name) = if method == "other" { ("_OTHER", "HTTP") } else { (method, method) };
        let mut attributes = vec![
            KeyValue::new("http.request.method", method),
            KeyValue::new("url.scheme", "http"),
            KeyValue::new("network.protocol.version", version(request.version())),
        ];
        if let Some(authority) = authority(request.headers()) {
            attributes.push(KeyValue::new("server.address", authority.host().to_owned()));
            let port = authority.port_u16().map(|port| KeyValue::new("server.port", i64::from(port)));
            attributes.extend(port);
        }
        let builder = self.tracer.span_builder(name).with_kind(SpanKind::Server).with_attributes(attributes);
        let span = builder.start_with_context(&self.tracer, &caller);
        RequestTrace { context: caller.with_span(span), method: name }
    }
}

impl RequestTrace {
    /// The parent of the spans that the request causes.
    pub(crate) fn context(&self) -> Context {
        self.context.clone()
    }

    /// The ids of trace and span, for the log.
    pub(crate) fn ids(&self) -> SpanContext {
        self.context.span().span_context().clone()
    }

    /// Ends the span: the head of the answer is there.
    pub(crate) fn answered(&self, route: Option<&str>, status: StatusCode) {
        let span = self.context.span();
        span.set_attribute(KeyValue::new("http.response.status_code", i64::from(status.as_u16())));
        if let Some(route) = route {
            span.update_name(format!("{} {route}", self.method));
            span.set_attribute(KeyValue::new("http.route", route.to_owned()));
        }
        // A client's mistake is no error of the server.
        if status.is_server_error() {
            span.set_attribute(KeyValue::new("error.type", status.as_str().to_owned()));
            span.set_status(Status::error(""));
        }
        span.end();
    }
}

fn version(version: Version) -> &'static str {
    if version == Version::HTTP_10 { "1.0" } else { "1.1" }
}

/// Host and port of the `Host` header; the port is absent if the scheme implies it.
fn authority(headers: &HeaderMap) -> Option<Authority> {
    Authority::try_from(headers.get(header::HOST)?.as_bytes()).ok()
}

/// The trace context in the headers of a request.
struct Headers<'a>(&'a HeaderMap);

impl Extractor for Headers<'_> {
    /// Ignores a repeated header and a malformed `traceparent`.
    fn get(&self, key: &str) -> Option<&str> {
        let mut values = self.0.get_all(key);
        let value = match (values.next(), values.next()) {
            (Some(value), None) => value.to_str().ok()?,
            _ => return None,
        };
        (key != TRACEPARENT || is_traceparent(value)).then_some(value)
    }

    fn keys(&self) -> Vec<&str> {
        self.0.keys().map(header::HeaderName::as_str).collect()
    }
}

/// Whether the value has the form of the standard. The propagator is laxer: it accepts ids that are too short, for example.
fn is_traceparent(value: &str) -> bool {
    let bytes = value.as_bytes();
    let (Some(head), rest) = (bytes.get(..TRACEPARENT_LENGTH), bytes.get(TRACEPARENT_LENGTH)) else {
        return false;
    };
    let is_allowed = |(place, byte): (usize, &u8)| match place {
        2 | 35 | 52 => *byte == b'-',
        _ => matches!(byte, b'0'..=b'9' | b'a'..=b'f'),
    };
    // Later versions may append fields.
    let is_whole = rest.is_none_or(|next| *next == b'-' && !value.starts_with("00"));
    is_whole && head.iter().enumerate().all(is_allowed)
}

#[cfg(test)]
mod tests {
    use actix_web::test::TestRequest;
    use opentelemetry_sdk::propagation::TraceContextPropagator;

    use super::*;

    const GOOD: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

    fn caller(headers: &[(&str, &str)]) -> SpanContext {
        let mut request = TestRequest::default();
        for header in headers {
            request = request.append_header(*header);
        }
        let request = request.to_srv_request();
        let context =
            TraceContextPropagator::new().extract_with_context(&Context::new(), &Headers(request.headers()));
        context.span().span_context().clone()
    }

    #[test]
    fn trace_span_and_state_of_the_caller_are_taken_over() {
        let caller = caller(&[(TRACEPARENT, GOOD), ("tracestate", "vendor=1")]);
        assert_eq!(caller.trace_id().to_string(), "4bf92f3577b34da6a3ce929d0e0e4736");
        assert_eq!(caller.span_id().to_string(), "00f067aa0ba902b7");
        assert!(caller.is_sampled() && caller.is_remote());
        assert_eq!(caller.trace_state().header(), "vendor=1");
    }

    #[test]
    fn host_and_port_come_from_the_host_header() {
        let asked = |host: &str| {
            let request = TestRequest::default().insert_header((header::HOST, host)).to_http_request();
            authority(request.headers()).map(|found| (found.host().to_owned(), found.port_u16()))
        };
        assert_eq!(asked("tasks.example:8443"), Some(("tasks.example".to_owned(), Some(8443))));
        assert_eq!(asked("[::1]"), Some(("[::1]".to_owned(), None)));
        assert_eq!(asked("no host"), None);
    }

    #[test]
    fn a_later_version_is_read_like_version_00() {
        let later = format!("cc{}-later", &GOOD[2..]);
        assert!(caller(&[(TRACEPARENT, &later)]).is_valid());
    }

    #[test]
    fn a_malformed_or_repeated_traceparent_is_ignored() {
        for malformed in [
            "",
            "00",
            "nonsense",
            "ff-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
            "00-00000000000000000000000000000000-00f067aa0ba902b7-01",
            "00-4bf92f3577b34da6a3ce929d0e0e4736-0000000000000000-01",
            "00-4BF92F3577B34DA6A3CE929D0E0E4736-00f067aa0ba902b7-01",
            "00-4bf92f3577b34da6a3ce929d0e0e473-000f067aa0ba902b7-01",
            "00-1-2-01",
            "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-1",
            "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01-",
            "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01-more",
            "cc-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01x",
            "+0-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
        ] {
            assert!(!caller(&[(TRACEPARENT, malformed)]).is_valid(), "{malformed:?}");
        }
        assert!(!caller(&[(TRACEPARENT, GOOD), (TRACEPARENT, GOOD)]).is_valid(), "the header is repeated");
        assert!(!caller(&[("tracestate", "vendor=1")]).is_valid());
    }
}
