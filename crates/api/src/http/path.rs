//! The segments of a path, read as the client sent them.

use std::{
    borrow::Cow,
    future::{Ready, ready},
};

use actix_web::{FromRequest, HttpRequest, dev::Payload};
use percent_encoding::percent_decode_str;
use task_domain::TaskId;

use crate::http::error::ApiError;

/// The path's segment at `index`, percent-decoded; `None` if it is not percent-encoded UTF-8.
///
/// It does not use the router's copy, which is half decoded already and replaces invalid UTF-8.
pub(crate) fn path_segment(request: &HttpRequest, index: usize) -> Option<Cow<'_, str>> {
    decode(raw_segment(request, index)?)
}

/// Decodes a segment; `None` if it is not percent-encoded UTF-8.
pub(crate) fn decode(segment: &str) -> Option<Cow<'_, str>> {
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
        let id = task_id(raw_segment(request, 3).unwrap_or_default());
        ready(id.map(Self).ok_or(ApiError::InvalidPath))
    }
}

/// The task id that a segment of the path holds.
pub(crate) fn task_id(digits: &str) -> Option<TaskId> {
    let plain = digits.bytes().all(|byte| byte.is_ascii_digit()) && !digits.starts_with('0');
    if plain { digits.parse().ok().and_then(TaskId::new) } else { None }
}

#[cfg(test)]
mod tests {
    use actix_web::test::TestRequest;

    use super::*;

    fn segment(path: &str, index: usize) -> Option<String> {
        path_segment(&TestRequest::with_uri(path).to_http_request(), index).map(Cow::into_owned)
    }

    async fn id(digits: &str) -> Option<i64> {
        let request = TestRequest::with_uri(&format!("/api/u/tasks/{digits}")).to_http_request();
        let id = TaskIdInPath::from_request(&request, &mut Payload::None).await;
        id.ok().map(|TaskIdInPath(id)| id.get())
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
    fn a_segment_that_is_not_percent_encoded_utf8_is_refused() {
        for broken in ["%", "a%4", "%zz", "%+1", "%ff", "%C3", "%C3%28", "%ED%A0%80"] {
            assert_eq!(segment(&format!("/api/{broken}/tasks"), 1), None, "{broken}");
        }
    }

    #[tokio::test]
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
}
