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

#[cfg(test)]
mod tests {
    use super::*;
    use actix_web::{http::header::HeaderMap, test::TestRequest};

    fn segment(path: &str, index: usize) -> Option<String> {
        path_segment(&TestRequest::with_uri(path).to_http_request(), index).map(Cow::into_owned)
    }

    async fn id(digits: &str) -> Option<i64> {
        let request = TestRequest::with_uri(&format!("/api/u/tasks/{digits}")).to_http_request();
        let id = TaskIdInPath::from_request(&request, &mut Payload::None).await;
        id.ok().map(|TaskIdInPath(id)| id.get())
    }

    fn headers(pairs: &[(&'static str, &str)]) -> HeaderMap {
        let mut request = TestRequest::default();
        for pair in pairs {
            request = request.append_header(*pair);
        }
        request.to_http_request().headers().clone()
    }

    #[test]
    fn a_segment_is_percent_decoded_once() {
        assert_eq!(segment("/api/alice/tasks", 1).as_deref(), Some("alice"));
        assert_eq!(segment("/api/a%2Fb%20%C3%A9%f0%9f%a6%80+/tasks", 1).as_deref(), Some("a/b é🦀+"));
        assert_eq!(segment("/api/a%252Fb/tasks", 1).as_deref(), Some("a%2Fb"));
        assert_eq!(segment("/api//tasks", 1).as_deref(), Some(""));
        assert_eq!(segment("/api", 1), None);
    }

    #[test]
    fn what_is_not_percent_encoded_utf8_is_nothing() {
        for broken in ["%", "a%4", "%zz", "%+1", "%ff", "%C3", "%C3%28", "%ED%A0%80"] {
            assert_eq!(segment(&format!("/api/{broken}/tasks"), 1), None, "{broken}");
        }
    }

    #[actix_web::test]
    async fn an_id_is_plain_decimal_digits_in_range() {
        assert_eq!(id("1").await, Some(1));
        assert_eq!(id("9223372036854775807").await, Some(i64::MAX));
        let long = "9".repeat(500);
        for wrong in
            ["0", "00", "007", "+1", "-1", "1.0", "1e3", "0x1", "%31", "a", "9223372036854775808", &long]
        {
            assert_eq!(id(wrong).await, None, "{wrong}");
        }
    }

    #[test]
    fn a_body_is_json_when_its_one_content_type_says_so() {
        assert!(check_json(&headers(&[("content-type", "application/json")])).is_ok());
        for wrong in [
            &[][..],
            &[("content-type", "text/plain")],
            &[("content-type", "application/json"), ("content-type", "application/json")],
        ] {
            assert!(matches!(check_json(&headers(wrong)), Err(ApiError::UnsupportedMediaType(NOT_JSON))));
        }
    }

    #[test]
    fn no_encoding_but_identity_is_taken() {
        let json = ("content-type", "application/json");
        assert!(check_json(&headers(&[json, ("content-encoding", "Identity")])).is_ok());
        for encoding in ["gzip", "identity, gzip", "br", ""] {
            let refused = check_json(&headers(&[json, ("content-encoding", encoding)]));
            assert!(matches!(refused, Err(ApiError::UnsupportedMediaType(ENCODED))), "{encoding}");
        }
    }

    #[test]
    fn a_body_that_announces_too_much_is_refused_unread() {
        let announced = |length: &str| announced_length(&headers(&[("content-length", length)]));
        assert_eq!(announced("131072").unwrap(), Some(MAX_BODY_BYTES));
        assert!(matches!(announced("131073"), Err(ApiError::PayloadTooLarge)));
        assert_eq!(announced_length(&HeaderMap::new()).unwrap(), None);
    }
}
