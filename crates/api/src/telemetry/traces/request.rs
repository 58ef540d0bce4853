//! The span of a request, named and described as the semantic conventions of OpenTelemetry say.
//!
//! The path is left out, although they ask for it: it has the user's id in it, and often a task's. So are the query, the
//! client's address and its program, which are nobody's business but the client's.

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

use super::Traces;

/// The header that names trace and span of the caller.
const TRACEPARENT: &str = "traceparent";
/// How long it is in the version of the standard that there is.
const TRACEPARENT_LENGTH: usize = 55;

/// The span of a request that is being answered.
pub(crate) struct RequestTrace {
    context: Context,
    method: &'static str,
}

impl Traces {
    /// Begins the span of a request, as a child of the caller's where it names one.
    pub(crate) fn begin(&self, request: &ServiceRequest, method: &'static str) -> RequestTrace {
        let caller = self.propagator.extract_with_context(&Context::new(), &Headers(request.headers()));
        // What the conventions call methods that nobody knows; a client can make up any number of them.
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
    /// What the spans of the request's own work are children of.
    pub(crate) fn context(&self) -> Context {
        self.context.clone()
    }

    /// Trace and span, for the log.
    pub(crate) fn ids(&self) -> SpanContext {
        self.context.span().span_context().clone()
    }

    /// Ends it with the head of the answer.
    pub(crate) fn answered(&self, route: Option<&str>, status: StatusCode) {
        let span = self.context.span();
        span.set_attribute(KeyValue::new("http.response.status_code", i64::from(status.as_u16())));
        if let Some(route) = route {
            span.update_name(format!("{} {route}", self.method));
            span.set_attribute(KeyValue::new("http.route", route.to_owned()));
        }
        // What a client does wrong is no fault of the server.
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

/// The host that the client asked for, and the port where it is not the usual one.
fn authority(headers: &HeaderMap) -> Option<Authority> {
    Authority::try_from(headers.get(header::HOST)?.as_bytes()).ok()
}

/// The headers of a request, as far as they say to which trace it belongs.
struct Headers<'a>(&'a HeaderMap);

impl Extractor for Headers<'_> {
    /// A header that is there twice, or that is no `traceparent`, is as good as none.
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

/// Whether it has the form of the standard; the propagator takes numbers that are too short, for example.
fn is_traceparent(value: &str) -> bool {
    let bytes = value.as_bytes();
    let (Some(head), rest) = (bytes.get(..TRACEPARENT_LENGTH), bytes.get(TRACEPARENT_LENGTH)) else {
        return false;
    };
    let is_right = |(place, byte): (usize, &u8)| match place {
        2 | 35 | 52 => *byte == b'-',
        _ => matches!(byte, b'0'..=b'9' | b'a'..=b'f'),
    };
    // Later versions may have more to say.
    let is_whole = rest.is_none_or(|next| *next == b'-' && !value.starts_with("00"));
    is_whole && head.iter().enumerate().all(is_right)
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
    fn the_caller_is_known_by_its_trace_span_and_state() {
        let caller = caller(&[(TRACEPARENT, GOOD), ("tracestate", "vendor=1")]);
        assert_eq!(caller.trace_id().to_string(), "4bf92f3577b34da6a3ce929d0e0e4736");
        assert_eq!(caller.span_id().to_string(), "00f067aa0ba902b7");
        assert!(caller.is_sampled() && caller.is_remote());
        assert_eq!(caller.trace_state().header(), "vendor=1");
    }

    #[test]
    fn the_host_is_the_one_that_the_client_asked_for() {
        let asked = |host: &str| {
            let request = TestRequest::default().insert_header((header::HOST, host)).to_http_request();
            authority(request.headers()).map(|found| (found.host().to_owned(), found.port_u16()))
        };
        assert_eq!(asked("tasks.example:8443"), Some(("tasks.example".to_owned(), Some(8443))));
        assert_eq!(asked("[::1]"), Some(("[::1]".to_owned(), None)));
        assert_eq!(asked("no host"), None);
    }

    #[test]
    fn a_later_version_is_understood_as_far_as_it_is_known() {
        let later = format!("cc{}-what-comes", &GOOD[2..]);
        assert!(caller(&[(TRACEPARENT, &later)]).is_valid());
    }

    #[test]
    fn what_is_no_traceparent_is_as_good_as_none() {
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
        assert!(!caller(&[(TRACEPARENT, GOOD), (TRACEPARENT, GOOD)]).is_valid(), "two of them");
        assert!(!caller(&[("tracestate", "vendor=1")]).is_valid());
    }
}
