//! The rate limit headers of an answer.

use actix_web::{HttpMessage, body::BoxBody, dev::ServiceResponse, http::StatusCode};

use crate::http::limits::Standing;

/// Adds what the limit that counted the request has left. Returns the name of the limit if it refused the request.
pub(super) fn add_headers(response: &mut ServiceResponse<BoxBody>) -> Option<&'static str> {
    let standing = response.request().extensions_mut().remove::<Standing>()?;
    let name = standing.name;
    standing.tell(response.headers_mut());
    (response.status() == StatusCode::TOO_MANY_REQUESTS).then_some(name)
}
