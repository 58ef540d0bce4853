//! The id of a request, which the answer and every log line carry.

use actix_web::http::header::{HeaderMap, HeaderName, HeaderValue};
use uuid::Uuid;

pub(super) const X_REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");
/// The longest id that is taken from a request, in bytes.
const MAX_LENGTH: usize = 128;

/// The id that the client sent, if it is usable; otherwise a new one.
pub(super) fn choose(headers: &HeaderMap) -> HeaderValue {
    let mut values = headers.get_all(X_REQUEST_ID);
    match (values.next(), values.next()) {
        (Some(value), None) if is_usable(value.as_bytes()) => value.clone(),
        _ => {
            let mut buffer = Uuid::encode_buffer();
            let id = Uuid::new_v4().hyphenated().encode_lower(&mut buffer);
            HeaderValue::from_str(id).unwrap_or(HeaderValue::from_static("unknown"))
        }
    }
}

fn is_usable(bytes: &[u8]) -> bool {
    (1..=MAX_LENGTH).contains(&bytes.len())
        && bytes.iter().all(|byte| byte.is_ascii_alphanumeric() || b"._-".contains(byte))
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use actix_web::test::TestRequest;

    use super::*;

    fn id_for(values: &[&str]) -> String {
        let mut request = TestRequest::default();
        for value in values {
            request = request.append_header((X_REQUEST_ID, *value));
        }
        choose(request.to_http_request().headers()).to_str().unwrap().to_owned()
    }

    #[test]
    fn a_usable_request_id_is_kept() {
        let longest = "x".repeat(MAX_LENGTH);
        for id in ["a", "A-Z_0.9", &longest] {
            assert_eq!(id_for(&[id]), id);
        }
    }

    #[test]
    fn every_other_request_id_is_replaced_by_a_new_one() {
        let too_long = "x".repeat(MAX_LENGTH + 1);
        let mut seen = HashSet::new();
        for ids in [&[][..], &[""], &["a b"], &["a/b"], &["é"], &["a\"b"], &["a", "a"], &[too_long.as_str()]]
        {
            let id = id_for(ids);
            assert!(Uuid::parse_str(&id).is_ok(), "{id}");
            assert!(seen.insert(id), "each new id is unique");
        }
    }
}
