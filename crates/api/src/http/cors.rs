//! Cross-origin requests: the Fetch standard and docs/api.md, "CORS".
//!
//! actix-cors does not fit: it answers a preflight from an unlisted origin, or for an unlisted header, with 400 and a body
//! of its own. docs/api.md promises 204.

use std::collections::HashSet;

use actix_web::{
    HttpResponse,
    dev::ServiceRequest,
    http::{
        Method,
        header::{self, HeaderMap, HeaderValue},
    },
    web,
};

const ALLOWED_METHODS: HeaderValue = HeaderValue::from_static("GET, HEAD, POST, PUT, PATCH, DELETE");
const ALLOWED_HEADERS: HeaderValue = HeaderValue::from_static(
    "Authorization, Content-Type, Idempotency-Key, If-Match, If-None-Match, X-Request-Id, baggage, sentry-trace, \
     traceparent, tracestate",
);
const EXPOSED_HEADERS: HeaderValue = HeaderValue::from_static(
    "ETag, Link, Location, Retry-After, X-Request-Id, Idempotency-Replayed, RateLimit, RateLimit-Policy, \
     WWW-Authenticate",
);
/// For how many seconds a browser may cache the answer to a preflight.
const MAX_AGE: HeaderValue = HeaderValue::from_static("600");
const TRUE: HeaderValue = HeaderValue::from_static("true");

/// The origins whose pages may use the API.
#[derive(Clone, Debug, Default)]
pub struct Cors {
    origins: HashSet<String>,
}

impl Cors {
    /// Allows exactly these origins.
    #[must_use]
    pub fn new(origins: impl IntoIterator<Item = String>) -> Self {
        Self { origins: origins.into_iter().collect() }
    }

    /// The origin of a request, if it is listed.
    fn listed_origin(&self, headers: &HeaderMap) -> Option<HeaderValue> {
        let mut values = headers.get_all(header::ORIGIN);
        let (Some(origin), None) = (values.next(), values.next()) else { return None };
        origin.to_str().is_ok_and(|origin| self.origins.contains(origin)).then(|| origin.clone())
    }
}

/// The origin of the page that sent the request, if the settings list it.
pub(crate) fn allowed_origin(request: &ServiceRequest) -> Option<HeaderValue> {
    request.app_data::<web::Data<Cors>>()?.listed_origin(request.headers())
}

/// Whether the request is a CORS preflight.
pub(crate) fn is_preflight(request: &ServiceRequest) -> bool {
    request.method() == Method::OPTIONS
        && request.headers().contains_key(header::ORIGIN)
        && request.headers().contains_key(header::ACCESS_CONTROL_REQUEST_METHOD)
}

/// Answers a preflight; [`add_headers`] adds the origin if it is listed.
pub(crate) fn answer_preflight(origin: Option<&HeaderValue>) -> HttpResponse {
    let mut answer = HttpResponse::NoContent();
    if origin.is_some() {
        answer
            .insert_header((header::ACCESS_CONTROL_ALLOW_METHODS, ALLOWED_METHODS))
            .insert_header((header::ACCESS_CONTROL_ALLOW_HEADERS, ALLOWED_HEADERS))
            .insert_header((header::ACCESS_CONTROL_MAX_AGE, MAX_AGE));
    }
    answer.finish()
}

/// Lets the pages of a listed origin read the answer.
pub(crate) fn add_headers(origin: HeaderValue, headers: &mut HeaderMap) {
    headers.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, origin);
    headers.insert(header::ACCESS_CONTROL_ALLOW_CREDENTIALS, TRUE);
    headers.insert(header::ACCESS_CONTROL_EXPOSE_HEADERS, EXPOSED_HEADERS);
}
