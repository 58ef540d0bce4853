//! Idempotency keys: the header, and the fingerprint by which a repeated request is recognised.

use std::future::{Ready, ready};

use actix_web::{
    FromRequest, HttpRequest,
    dev::Payload,
    http::header::{self, HeaderMap, HeaderName},
};
use aws_lc_rs::digest::{Context, SHA256};
use task_domain::{Fingerprint, IdempotencyKey, IdempotentRequest};

use crate::http::error::ApiError;

pub(crate) const IDEMPOTENCY_KEY: HeaderName = HeaderName::from_static("idempotency-key");
/// The header of an answer that was stored for the first request with the same key.
pub(crate) const IDEMPOTENCY_REPLAYED: HeaderName = HeaderName::from_static("idempotency-replayed");

pub(crate) const MALFORMED: &str =
    "Idempotency-Key must be sent once, with 1 to 255 visible ASCII characters.";

/// The idempotency key of a request, if it has one.
pub(crate) struct Idempotency(Option<Keyed>);

struct Keyed {
    key: IdempotencyKey,
    /// The digest of everything but the body, which has not been read yet.
    digest: Context,
}

impl Idempotency {
    /// Completes the fingerprint with the body.
    pub(crate) fn of(self, body: &[u8]) -> Option<IdempotentRequest> {
        let Keyed { key, mut digest } = self.0?;
        add(&mut digest, body);
        let mut fingerprint = [0; 32];
        fingerprint.copy_from_slice(digest.finish().as_ref());
        Some(IdempotentRequest { key, fingerprint: Fingerprint(fingerprint) })
    }
}

impl FromRequest for Idempotency {
    type Error = ApiError;
    type Future = Ready<Result<Self, ApiError>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let keyed = key(request.headers()).map(|key| {
            let mut digest = Context::new(&SHA256);
            add(&mut digest, request.method().as_str().as_bytes());
            add(&mut digest, request.uri().path().as_bytes());
            for value in request.headers().get_all(header::IF_MATCH) {
                add(&mut digest, value.as_bytes());
            }
            key.map(|key| Keyed { key, digest })
        });
        ready(keyed.map(Self))
    }
}

/// Adds a part with its length, so that no two different sequences of parts have the same digest.
fn add(digest: &mut Context, part: &[u8]) {
    digest.update(&(part.len() as u64).to_be_bytes());
    digest.update(part);
}

/// The key in the header, if there is one.
pub(crate) fn key(headers: &HeaderMap) -> Result<Option<IdempotencyKey>, ApiError> {
    let mut values = headers.get_all(IDEMPOTENCY_KEY);
    let Some(value) = values.next() else { return Ok(None) };
    let key = value.to_str().ok().and_then(parse);
    match (key, values.next()) {
        (Some(key), None) => Ok(Some(key)),
        _ => Err(ApiError::InvalidHeader(MALFORMED)),
    }
}

/// Parses a bare key, or a structured-field string (RFC 9651, section 3.3.3), which stands for the same key.
fn parse(text: &str) -> Option<IdempotencyKey> {
    let Some(quoted) = text.strip_prefix('"') else { return IdempotencyKey::parse(text) };
    let mut key = String::with_capacity(quoted.len());
    let mut characters = quoted.chars();
    loop {
        match characters.next()? {
            '"' if characters.as_str().is_empty() => return IdempotencyKey::parse(&key),
            '"' => return None,
            '\\' => key.push(characters.next().filter(|escaped| matches!(escaped, '"' | '\\'))?),
            other => key.push(other),
        }
    }
}

#[cfg(test)]
mod tests {
    use actix_web::{http::Method, test::TestRequest};

    use super::*;

    fn request(keys: &[&str]) -> TestRequest {
        keys.iter().fold(TestRequest::with_uri("/api/u/tasks"), |request, key| {
            request.append_header((IDEMPOTENCY_KEY, *key))
        })
    }

    fn key_of(keys: &[&str]) -> Option<String> {
        let key = key(request(keys).to_http_request().headers()).ok()?;
        key.map(|key| key.as_str().to_owned())
    }

    async fn fingerprint(request: TestRequest, body: &[u8]) -> Fingerprint {
        let request = request.append_header((IDEMPOTENCY_KEY, "k")).to_http_request();
        let idempotency = Idempotency::from_request(&request, &mut Payload::None).await.unwrap();
        idempotency.of(body).unwrap().fingerprint
    }

    #[test]
    fn a_quoted_key_is_the_same_as_its_bare_form() {
        assert_eq!(key_of(&["abc-1"]).as_deref(), Some("abc-1"));
        assert_eq!(key_of(&["\"abc-1\""]).as_deref(), Some("abc-1"));
        assert_eq!(key_of(&[r#""a\"b\\c""#]).as_deref(), Some(r#"a"b\c"#));
        assert_eq!(key_of(&["a\"b"]).as_deref(), Some("a\"b"));
    }

    #[test]
    fn a_key_that_is_sent_twice_or_malformed_is_refused() {
        let too_long = "k".repeat(256);
        for keys in [
            &["a", "a"][..],
            &[""],
            &["a b"],
            &["\"\""],
            &["\"a"],
            &["\"a\";x=1"],
            &["\"a b\""],
            &[r#""a\b""#],
            &["\u{e9}"],
            &[&too_long],
        ] {
            assert!(key(request(keys).to_http_request().headers()).is_err(), "{keys:?}");
        }
        assert!(matches!(key(&HeaderMap::new()), Ok(None)));
    }

    #[tokio::test]
    async fn requests_are_the_same_if_method_path_body_and_if_match_are() {
        let post = || TestRequest::with_uri("/api/u/tasks/1").method(Method::POST);
        let same = fingerprint(post(), b"{}").await;
        assert_eq!(fingerprint(post().append_header(("x-other", "1")), b"{}").await, same);
        let others = [
            fingerprint(post(), b"{} ").await,
            fingerprint(TestRequest::with_uri("/api/u/tasks/1").method(Method::PUT), b"{}").await,
            fingerprint(TestRequest::with_uri("/api/u/tasks/2").method(Method::POST), b"{}").await,
            fingerprint(post().append_header((header::IF_MATCH, "\"1\"")), b"{}").await,
            fingerprint(post().append_header((header::IF_MATCH, "{}")), b"").await,
        ];
        for (index, other) in others.iter().enumerate() {
            assert_ne!(*other, same);
            assert!(!others[..index].contains(other));
        }
    }

    #[tokio::test]
    async fn a_request_without_a_key_has_no_fingerprint() {
        let request = TestRequest::default().to_http_request();
        assert!(Idempotency::from_request(&request, &mut Payload::None).await.unwrap().of(b"").is_none());
    }
}
