//! The span of a request, with the names and attributes of OpenTelemetry's semantic conventions.
//!
//! Some attributes are left out although the conventions ask for them: the path contains the user's id and often a task's,
//! and the query, the address of the client and its user agent are private.

use opentelemetry::{
    Context, KeyValue,
    propagation::{Extractor, TextMapPropagator},
    trace::{SpanContext, SpanKind, Status, TraceContextExt, Tracer},
};

use crate::traces::provider::Traces;

/// The header with the trace and the span of the caller (W3C Trace Context).
const TRACEPARENT: &str = "traceparent";
/// The length of the header in version 00 of the standard.
const TRACEPARENT_LENGTH: usize = 55;

/// What a span says of the head of a request.
#[expect(missing_debug_implementations, reason = "headers may hold a token")]
#[derive(Clone, Copy)]
pub struct IncomingRequest<'a> {
    /// The method, as [`method_label`](crate::metrics::method_label) gives it.
    pub method: &'static str,
    /// The version of HTTP, such as `1.1`.
    pub protocol: &'static str,
    /// The host and the port that the client addressed; the port is absent if the scheme implies it.
    pub server: Option<(&'a str, Option<u16>)>,
    /// The headers. A header that is repeated has no value.
    pub headers: &'a dyn Extractor,
}

/// The span of a request that is being answered.
#[derive(Debug)]
pub struct RequestTrace {
    context: Context,
    method: &'static str,
}

impl Traces {
    /// Begins the span of a request, as a child of the caller's span if the request names one.
    #[must_use]
    pub fn begin(&self, request: IncomingRequest<'_>) -> RequestTrace {
        let headers = WellFormed(request.headers);
        let caller = self.propagator.extract_with_context(&Context::new(), &headers);
        // The conventions' name for unknown methods, of which a client can send any number.
        let (method, name) =
            if request.method == "other" { ("_OTHER", "HTTP") } else { (request.method, request.method) };
        let mut attributes = vec![
            KeyValue::new("http.request.method", method),
            KeyValue::new("url.scheme", "http"),
            KeyValue::new("network.protocol.version", request.protocol),
        ];
        if let Some((host, port)) = request.server {
            attributes.push(KeyValue::new("server.address", host.to_owned()));
            attributes.extend(port.map(|port| KeyValue::new("server.port", i64::from(port))));
        }
        let builder = self.tracer.span_builder(name).with_kind(SpanKind::Server).with_attributes(attributes);
        let span = builder.start_with_context(&self.tracer, &caller);
        RequestTrace { context: caller.with_span(span), method: name }
    }
}

impl RequestTrace {
    /// The parent of the spans that the request causes.
    #[must_use]
    pub fn context(&self) -> Context {
        self.context.clone()
    }

    /// The ids of trace and span, for the log.
    #[must_use]
    pub fn ids(&self) -> SpanContext {
        self.context.span().span_context().clone()
    }

    /// Ends the span: the head of the answer is there.
    pub fn answered(&self, route: Option<&str>, status: u16) {
        let span = self.context.span();
        span.set_attribute(KeyValue::new("http.response.status_code", i64::from(status)));
        if let Some(route) = route {
            span.update_name(format!("{} {route}", self.method));
            span.set_attribute(KeyValue::new("http.route", route.to_owned()));
        }
        // A client's mistake is no error of the server.
        if status >= 500 {
            span.set_attribute(KeyValue::new("error.type", status.to_string()));
            span.set_status(Status::error(""));
        }
        span.end();
    }
}

/// The headers without a malformed `traceparent`.
struct WellFormed<'a>(&'a dyn Extractor);

impl Extractor for WellFormed<'_> {
    fn get(&self, key: &str) -> Option<&str> {
        self.0.get(key).filter(|value| key != TRACEPARENT || is_traceparent(value))
    }

    fn keys(&self) -> Vec<&str> {
        self.0.keys()
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
    use std::collections::HashMap;

    use opentelemetry_sdk::propagation::TraceContextPropagator;

    use super::*;

    const GOOD: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

    fn caller(headers: &[(&str, &str)]) -> SpanContext {
        let headers: HashMap<_, _> =
            headers.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        let context =
            TraceContextPropagator::new().extract_with_context(&Context::new(), &WellFormed(&headers));
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
    fn a_later_version_is_read_like_version_00() {
        let later = format!("cc{}-later", &GOOD[2..]);
        assert!(caller(&[(TRACEPARENT, &later)]).is_valid());
    }

    #[test]
    fn a_malformed_traceparent_is_ignored() {
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
        assert!(!caller(&[("tracestate", "vendor=1")]).is_valid());
    }
}
