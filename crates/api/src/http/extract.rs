//! The extractors of bodies. They run last, after the guard and the extractors of path, query and headers (`docs/api.md`,
//! "The order of checks").

use std::{future::Future, pin::Pin, time::Duration};

use actix_web::{
    FromRequest, HttpRequest,
    dev::Payload,
    http::header::{self, HeaderMap},
    web::{Bytes, BytesMut},
};
use futures_util::StreamExt;
use task_support::json;

use crate::http::{
    error::ApiError,
    media_type::Media,
    members::{self, RequestBody},
};

/// The largest body that is read, in bytes.
pub(crate) const MAX_BODY_BYTES: usize = 131_072;

/// The room for a body before its first byte: a client that only announces a large body costs no more.
const FIRST_BYTES: usize = 4096;

/// How long the body of a request may take to arrive, once a handler reads it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct BodyTimeout(pub(crate) Duration);

impl Default for BodyTimeout {
    fn default() -> Self {
        Self(Duration::from_secs(20))
    }
}

impl BodyTimeout {
    fn of(request: &HttpRequest) -> Self {
        request.app_data().copied().unwrap_or_default()
    }

    /// Without it, a client that sends a body byte by byte holds a connection for ever.
    async fn within<T>(self, reading: impl Future<Output = Result<T, ApiError>>) -> Result<T, ApiError> {
        tokio::time::timeout(self.0, reading).await.unwrap_or(Err(ApiError::RequestTimeout))
    }
}

/// A JSON body: its bytes, and what they say. A validation error is kept, not returned: whether the request is a repeated
/// one has to be known before.
pub(crate) struct JsonBody<T: RequestBody> {
    /// The bytes as they were sent.
    pub(crate) bytes: Bytes,
    /// What they say.
    pub(crate) value: Result<T::Output, ApiError>,
}

impl<T: RequestBody> FromRequest for JsonBody<T> {
    type Error = ApiError;
    type Future = Pin<Box<dyn Future<Output = Result<Self, ApiError>>>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let headers =
            check_media(request.headers(), T::MEDIA).and_then(|()| announced_length(request.headers()));
        let (payload, timeout) = (payload.take(), BodyTimeout::of(request));
        Box::pin(async move {
            let bytes = timeout.within(read(payload, Bytes::new(), headers?)).await?;
            Ok(Self { value: parse::<T>(&bytes), bytes })
        })
    }
}

/// A JSON body that may be left out. An empty body needs no `Content-Type`.
pub(crate) struct OptionalJsonBody<T: RequestBody> {
    /// The bytes as they were sent.
    pub(crate) bytes: Bytes,
    /// What they say; `None` if there are none.
    pub(crate) value: Result<Option<T::Output>, ApiError>,
}

impl<T: RequestBody> FromRequest for OptionalJsonBody<T> {
    type Error = ApiError;
    type Future = Pin<Box<dyn Future<Output = Result<Self, ApiError>>>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let headers =
            check_media(request.headers(), T::MEDIA).and_then(|()| announced_length(request.headers()));
        let (mut payload, timeout) = (payload.take(), BodyTimeout::of(request));
        Box::pin(timeout.within(async move {
            let first = match payload.next().await {
                None => return Ok(Self { bytes: Bytes::new(), value: Ok(None) }),
                Some(first) => first.map_err(|_| unreadable())?,
            };
            let bytes = read(payload, first, headers?).await?;
            Ok(Self { value: parse::<T>(&bytes).map(Some), bytes })
        }))
    }
}

fn parse<T: RequestBody>(bytes: &[u8]) -> Result<T::Output, ApiError> {
    members::read::<T>(json::parse_object(bytes)?)
}

/// Refuses a body of another media type, and one that is encoded.
fn check_media(headers: &HeaderMap, media: Media) -> Result<(), ApiError> {
    let mut types = headers.get_all(header::CONTENT_TYPE);
    let allowed = match (types.next(), types.next()) {
        (Some(value), None) => value.to_str().is_ok_and(|value| media.allows(value)),
        _ => false,
    };
    let identity = |value: &header::HeaderValue| value.as_bytes().eq_ignore_ascii_case(b"identity");
    if allowed && headers.get_all(header::CONTENT_ENCODING).all(identity) {
        Ok(())
    } else {
        Err(ApiError::UnsupportedMediaType(media))
    }
}

/// The length that the request announces, if it does. One that is too large is refused.
fn announced_length(headers: &HeaderMap) -> Result<Option<usize>, ApiError> {
    let length = headers.get(header::CONTENT_LENGTH).and_then(|value| value.to_str().ok()?.parse().ok());
    match length {
        Some(length) if length > MAX_BODY_BYTES => Err(ApiError::PayloadTooLarge),
        length => Ok(length),
    }
}

async fn read(mut payload: Payload, first: Bytes, expected: Option<usize>) -> Result<Bytes, ApiError> {
    let mut body = BytesMut::with_capacity(expected.unwrap_or_default().min(FIRST_BYTES));
    let mut next = Some(Ok(first));
    while let Some(chunk) = next {
        let chunk = chunk.map_err(|_| unreadable())?;
        if body.len() + chunk.len() > MAX_BODY_BYTES {
            return Err(ApiError::PayloadTooLarge);
        }
        body.extend_from_slice(&chunk);
        next = payload.next().await;
    }
    Ok(body.freeze())
}

fn unreadable() -> ApiError {
    ApiError::InvalidJson("The body could not be read to its end.".to_owned())
}

#[cfg(test)]
mod tests {
    use actix_web::{http::header::HeaderMap, test::TestRequest};

    use super::*;

    fn headers(pairs: &[(&'static str, &str)]) -> HeaderMap {
        let mut request = TestRequest::default();
        for pair in pairs {
            request = request.append_header(*pair);
        }
        request.to_http_request().headers().clone()
    }

    #[test]
    fn a_body_is_json_when_its_one_content_type_says_so() {
        let check = |pairs: &[(&'static str, &str)], media| check_media(&headers(pairs), media);
        let (json, patch) =
            (("content-type", "application/json"), ("content-type", "application/merge-patch+json"));
        assert!(check(&[json], Media::Json).is_ok());
        assert!(check(&[json], Media::MergePatch).is_ok());
        assert!(check(&[patch], Media::MergePatch).is_ok());
        for wrong in [&[][..], &[("content-type", "text/plain")], &[json, json], &[patch]] {
            assert!(matches!(check(wrong, Media::Json), Err(ApiError::UnsupportedMediaType(Media::Json))));
        }
    }

    #[test]
    fn no_encoding_but_identity_is_accepted() {
        let json = ("content-type", "application/json");
        assert!(check_media(&headers(&[json, ("content-encoding", "Identity")]), Media::Json).is_ok());
        for encoding in ["gzip", "identity, gzip", "br", ""] {
            assert!(
                check_media(&headers(&[json, ("content-encoding", encoding)]), Media::Json).is_err(),
                "{encoding}"
            );
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
