//! The rate limit headers of an answer.

use actix_web::{HttpMessage, body::BoxBody, dev::ServiceResponse, http::StatusCode};

use crate::http::limits::RateLimitState;

/// Adds what the limit that counted the request has left. Returns the name of the limit if it refused the request.
pub(super) fn add_headers(response: &mut ServiceResponse<BoxBody>) -> Option<&'static str> {
    let state = response.request().extensions_mut().remove::<RateLimitState>()?;
    let name = state.name;
    state.add_headers(response.headers_mut());
    (response.status() == StatusCode::TOO_MANY_REQUESTS).then_some(name)
}
