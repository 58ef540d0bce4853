//! The headers that protect every answer: no sniffing of types, no storing of a user's tasks.

use actix_web::http::header::{self, HeaderMap, HeaderValue};

const NO_STORE: HeaderValue = HeaderValue::from_static("no-store");
const NOSNIFF: HeaderValue = HeaderValue::from_static("nosniff");
const VARY_ORIGIN: HeaderValue = HeaderValue::from_static("Origin");

/// Adds the headers. `Vary` is there because the CORS headers depend on the origin of the request.
pub(super) fn add(headers: &mut HeaderMap) {
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, NOSNIFF);
    headers.insert(header::VARY, VARY_ORIGIN);
    // The documentation pages set their own lifetime.
    if !headers.contains_key(header::CACHE_CONTROL) {
        headers.insert(header::CACHE_CONTROL, NO_STORE);
    }
}
