//! The guard before every route but the public ones.

use std::{future::Future, pin::Pin, sync::Arc};

use actix_web::{
    FromRequest, HttpRequest,
    dev::Payload,
    http::header::{self, HeaderMap},
    web,
};
use task_auth::{Identity, Refusal, TokenVerifier};
use task_domain::UserId;

use crate::http::{error::ApiError, limits::Limits, path::path_segment};

/// The caller, whose path it is.
///
/// A handler that takes it cannot be reached without a valid token, nor, if the route has a `{user_id}`, with the
/// token of another user.
#[derive(Clone, Debug)]
pub(crate) struct Caller(pub(crate) Identity);

impl FromRequest for Caller {
    type Error = ApiError;
    type Future = Pin<Box<dyn Future<Output = Result<Self, ApiError>>>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let request = request.clone();
        Box::pin(async move {
            let verifier: &web::Data<dyn TokenVerifier> = wired(&request)?;
            let limits: &web::Data<Limits> = wired(&request)?;
            let identity = match bearer_token(request.headers()) {
                Ok(token) => verifier.verify(token).await,
                Err(refusal) => Err(refusal.into()),
            };
            let identity = identity.map_err(|error| limits.count_failure(&request, error))?;
            limits.count(&request, &identity.user)?;
            match request.match_info().get("user_id") {
                Some(_) if !is_user(&request, &identity.user) => Err(ApiError::Forbidden),
                _ => Ok(Self(identity)),
            }
        })
    }
}

/// Makes the verifier known to the guard.
#[must_use]
pub fn verifier_data(verifier: Arc<dyn TokenVerifier>) -> web::Data<dyn TokenVerifier> {
    web::Data::from(verifier)
}

/// A part of the application, put there at startup.
fn wired<T: 'static>(request: &HttpRequest) -> Result<&T, ApiError> {
    request
        .app_data()
        .ok_or_else(|| ApiError::Internal(format!("{} was not wired", std::any::type_name::<T>()).into()))
}

/// What a handler takes behind the guard, which judges the request before anything else of it is read.
///
/// actix polls the arguments of a handler concurrently: while the guard waits, an error of another argument would
/// become the answer.
#[derive(Debug)]
pub(crate) struct Guarded<T> {
    /// The caller.
    pub(crate) user: UserId,
    /// The other arguments, in the contract's order of checks.
    pub(crate) parts: T,
}

impl<T: FromRequest + 'static> FromRequest for Guarded<T> {
    type Error = actix_web::Error;
    type Future = Pin<Box<dyn Future<Output = Result<Self, actix_web::Error>>>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let caller = Caller::from_request(request, payload);
        let (request, mut payload) = (request.clone(), payload.take());
        Box::pin(async move {
            let Caller(Identity { user, .. }) = caller.await?;
            let parts = T::from_request(&request, &mut payload).await.map_err(Into::into)?;
            Ok(Self { user, parts })
        })
    }
}

/// Whether the path's user, the second of its segments, is `user`.
fn is_user(request: &HttpRequest, user: &UserId) -> bool {
    path_segment(request, 1).is_some_and(|segment| segment == user.as_str())
}

/// The token of the one `Authorization` header.
pub(crate) fn bearer_token(headers: &HeaderMap) -> Result<&str, Refusal> {
    let mut values = headers.get_all(header::AUTHORIZATION);
    let value = values.next().ok_or(Refusal::Missing)?;
    if values.next().is_some() {
        return Err(Refusal::Header);
    }
    let (scheme, token) =
        value.to_str().ok().and_then(|value| value.split_once(' ')).ok_or(Refusal::Header)?;
    if scheme.eq_ignore_ascii_case("bearer") && !token.is_empty() && !token.starts_with(' ') {
        Ok(token)
    } else {
        Err(Refusal::Header)
    }
}

#[cfg(test)]
mod tests {
    use actix_web::test::TestRequest;
    use async_trait::async_trait;
    use task_auth::VerifyError;
    use task_settings::LimitSettings;

    use super::*;

    fn token_of(values: &[&str]) -> Result<String, Refusal> {
        let mut request = TestRequest::default();
        for value in values {
            request = request.append_header((header::AUTHORIZATION, *value));
        }
        bearer_token(request.to_http_request().headers()).map(ToOwned::to_owned)
    }

    #[test]
    fn the_scheme_is_read_in_any_case() {
        for value in ["Bearer a.b.c", "bearer a.b.c", "BEARER a.b.c"] {
            assert_eq!(token_of(&[value]), Ok("a.b.c".to_owned()));
        }
    }

    #[test]
    fn only_one_header_with_one_scheme_one_space_and_a_token_is_accepted() {
        assert_eq!(token_of(&[]), Err(Refusal::Missing));
        assert_eq!(token_of(&["Bearer a", "Bearer a"]), Err(Refusal::Header));
        for value in ["", "Bearer", "Bearer ", "Bearer  a", "Bearer\ta", "Basic a", "a.b.c", "Bearera b"] {
            assert_eq!(token_of(&[value]), Err(Refusal::Header), "{value:?}");
        }
    }

    /// Refuses every token, but only when it is polled a second time.
    struct Slow;

    #[async_trait]
    impl TokenVerifier for Slow {
        async fn verify(&self, _: &str) -> Result<Identity, VerifyError> {
            tokio::task::yield_now().await;
            Err(Refusal::Signature.into())
        }
    }

    #[tokio::test]
    async fn the_token_is_judged_first_even_if_that_takes_time() {
        let request = TestRequest::with_uri("/api/u/tasks/x")
            .app_data(verifier_data(Arc::new(Slow)))
            .app_data(web::Data::new(Limits::new(&LimitSettings::default())))
            .append_header((header::AUTHORIZATION, "Bearer a.b.c"))
            .to_http_request();
        let guarded =
            Guarded::<crate::http::path::TaskIdInPath>::from_request(&request, &mut Payload::None).await;
        assert_eq!(guarded.unwrap_err().error_response().status(), 401);
    }
}
