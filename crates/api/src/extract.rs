//! What handlers take from a request. Each refuses with an [`ApiError`], in the order of a handler's arguments, which
//! is the contract's order of checks: caller, path, query, body.

use std::{
    borrow::Cow,
    future::{Future, Ready, ready},
    pin::Pin,
};

use actix_web::{
    FromRequest, HttpRequest,
    dev::Payload,
    http::header::{self, HeaderMap},
    web::{Bytes, BytesMut},
};
use futures_util::StreamExt;
use percent_encoding::percent_decode_str;
use task_domain::TaskId;

use crate::{
    error::ApiError,
    json::{self, Object},
    media_type,
};

/// The largest body that is read, in bytes.
pub(crate) const MAX_BODY_BYTES: usize = 131_072;

const NOT_JSON: &str = "The body must be sent with the content type application/json.";
const ENCODED: &str = "The body must not be compressed: no Content-Encoding but identity is supported.";

/// The path's segment at `index`, percent-decoded; `None` where it is not percent-encoded UTF-8.
///
/// It is read from the path as it was sent: the router's copy is already half decoded, and repairs invalid UTF-8.
pub(crate) fn path_segment(request: &HttpRequest, index: usize) -> Option<Cow<'_, str>> {
    let segment = raw_segment(request, index)?;
    if !segment.contains('%') {
        return Some(Cow::Borrowed(segment));
    }
    let well_formed = segment.split('%').skip(1).all(|after| {
        matches!(after.as_bytes(), [high, low, ..] if high.is_ascii_hexdigit() && low.is_ascii_hexdigit())
    });
    if well_formed { percent_decode_str(segment).decode_utf8().ok() } else { None }
}

fn raw_segment(request: &HttpRequest, index: usize) -> Option<&str> {
    request.uri().path().strip_prefix('/')?.split('/').nth(index)
}

/// The task id in the path: plain decimal digits without sign or leading zero.
#[derive(Clone, Copy, Debug)]
pub(crate) struct TaskIdInPath(pub(crate) TaskId);

impl FromRequest for TaskIdInPath {
    type Error = ApiError;
    type Future = Ready<Result<Self, ApiError>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let digits = raw_segment(request, 3).unwrap_or_default();
        let plain = digits.bytes().all(|byte| byte.is_ascii_digit()) && !digits.starts_with('0');
        let id = if plain { digits.parse().ok().and_then(TaskId::new) } else { None };
        ready(id.map(Self).ok_or(ApiError::InvalidPath))
    }
}

/// What can be read from the members of a JSON object.
pub(crate) trait FromMembers: Sized + 'static {
    /// Takes the members, or names every one at fault.
    fn from_members(members: Object) -> Result<Self, ApiError>;
}

/// A JSON body.
#[derive(Debug)]
pub(crate) struct JsonBody<T>(pub(crate) T);

impl<T: FromMembers> FromRequest for JsonBody<T> {
    type Error = ApiError;
    type Future = Pin<Box<dyn Future<Output = Result<Self, ApiError>>>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let expected = check_json(request.headers()).and_then(|()| announced_length(request.headers()));
        let payload = payload.take();
        Box::pin(async move {
            let body = read(payload, expected?).await?;
            T::from_members(json::parse_object(&body)?).map(Self)
        })
    }
}

/// Refuses a body that is not sent as plain `application/json`.
fn check_json(headers: &HeaderMap) -> Result<(), ApiError> {
    let mut types = headers.get_all(header::CONTENT_TYPE);
    let is_json = match (types.next(), types.next()) {
        (Some(value), None) => value.to_str().is_ok_and(media_type::is_json),
        _ => false,
    };
    if !is_json {
        return Err(ApiError::UnsupportedMediaType(NOT_JSON));
    }
    let identity = |value: &header::HeaderValue| value.as_bytes().eq_ignore_ascii_case(b"identity");
    if !headers.get_all(header::CONTENT_ENCODING).all(identity) {
        return Err(ApiError::UnsupportedMediaType(ENCODED));
    }
    Ok(())
}

/// The length that the request announces, where it does, unless it is too large already.
fn announced_length(headers: &HeaderMap) -> Result<Option<usize>, ApiError> {
    let length = headers.get(header::CONTENT_LENGTH).and_then(|value| value.to_str().ok()?.parse().ok());
    match length {
        Some(length) if length > MAX_BODY_BYTES => Err(ApiError::PayloadTooLarge),
        length => Ok(length),
    }
}

async fn read(mut payload: Payload, expected: Option<usize>) -> Result<Bytes, ApiError> {
    let mut body = BytesMut::with_capacity(expected.unwrap_or_default());
    while let Some(chunk) = payload.next().await {
        let chunk =
            chunk.map_err(|_| ApiError::InvalidJson("The body could not be read to its end.".to_owned()))?;
        if body.len() + chunk.len() > MAX_BODY_BYTES {
            return Err(ApiError::PayloadTooLarge);
        }
        body.extend_from_slice(&chunk);
    }
    Ok(body.freeze())
}
