//! What a request's head says for its trace: the version of HTTP, the server it addressed, the trace of the caller.

use actix_web::http::{
    Version,
    header::{self, HeaderMap, HeaderName},
    uri::Authority,
};
use opentelemetry::propagation::Extractor;

/// The version as OpenTelemetry's conventions write it.
pub(crate) fn protocol(version: Version) -> &'static str {
    if version == Version::HTTP_10 { "1.0" } else { "1.1" }
}

/// Host and port of the `Host` header; the port is absent if the scheme implies it.
pub(crate) fn authority(headers: &HeaderMap) -> Option<Authority> {
    Authority::try_from(headers.get(header::HOST)?.as_bytes()).ok()
}

/// The headers of a request. A repeated one has no value: it does not say which caller it is from.
pub(crate) struct Headers<'a>(pub(crate) &'a HeaderMap);

impl Extractor for Headers<'_> {
    fn get(&self, key: &str) -> Option<&str> {
        let mut values = self.0.get_all(key);
        match (values.next(), values.next()) {
            (Some(value), None) => value.to_str().ok(),
            _ => None,
        }
    }

    fn keys(&self) -> Vec<&str> {
        self.0.keys().map(HeaderName::as_str).collect()
    }
}

#[cfg(test)]
mod tests {
    use actix_web::test::TestRequest;

    use super::*;

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
    fn a_repeated_header_has_no_value() {
        let once = TestRequest::default().append_header(("traceparent", "a"));
        assert_eq!(Headers(once.to_http_request().headers()).get("traceparent"), Some("a"));
        let twice =
            TestRequest::default().append_header(("traceparent", "a")).append_header(("traceparent", "a"));
        assert_eq!(Headers(twice.to_http_request().headers()).get("traceparent"), None);
    }
}
