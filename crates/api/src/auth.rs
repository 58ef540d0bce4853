//! Who calls: the guard before every route but the public ones.

mod claims;
mod hs256;

use std::{future::Future, pin::Pin, sync::Arc};

use actix_web::{
    FromRequest, HttpRequest,
    dev::Payload,
    http::header::{self, HeaderMap, HeaderValue},
    web,
};
use async_trait::async_trait;
use task_domain::UserId;

pub use self::{claims::ClaimRules, hs256::SharedSecret};
use crate::{error::ApiError, extract::path_segment};

/// Checks tokens: the port between the guard and whatever vouches for a token.
#[async_trait]
pub trait TokenVerifier: Send + Sync {
    /// Returns who the token says is calling, or why it is refused.
    async fn verify(&self, token: &str) -> Result<Identity, Refusal>;
}

/// What a valid token says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Identity {
    /// The token's `sub`.
    pub user: UserId,
}

/// Why a request has no caller. Nothing of the token is repeated.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{}", self.detail())]
pub enum Refusal {
    /// There is no `Authorization` header.
    Missing,
    /// There is more than one, or it is not `Bearer`, one space, and a token.
    Header,
    /// It is not a signed JWT in compact form, or its header asks for what is not supported.
    Malformed,
    /// It is signed with an algorithm that is not accepted here.
    Algorithm,
    /// Its signature is not ours.
    Signature,
    /// It has no usable `sub`.
    Subject,
    /// Its times are missing or not numbers.
    Times,
    /// Its time is over.
    Expired,
    /// Its time has not come.
    NotYetValid,
    /// It is not from the issuer that is configured.
    Issuer,
    /// It is not for the audience that is configured.
    Audience,
}

impl Refusal {
    /// One sentence for people.
    #[must_use]
    pub fn detail(self) -> &'static str {
        match self {
            Self::Missing => "Send a token: `Authorization: Bearer <JWT>`.",
            Self::Header => {
                "The Authorization header must be sent once, as `Bearer`, one space and the token."
            }
            Self::Malformed => "The token is not a well-formed signed JWT.",
            Self::Algorithm => "The token is signed with an algorithm that is not accepted here.",
            Self::Signature => "The signature of the token is not valid here.",
            Self::Subject => "The token names no usable subject.",
            Self::Times => {
                "The token must have a numeric `exp`, and `nbf` must be a number where it is present."
            }
            Self::Expired => "The token has expired.",
            Self::NotYetValid => "The token is not valid yet.",
            Self::Issuer => "The token is from another issuer.",
            Self::Audience => "The token is for another audience.",
        }
    }

    /// The value of `WWW-Authenticate` (RFC 6750, section 3).
    pub(crate) fn challenge(self) -> HeaderValue {
        HeaderValue::from_static(match self {
            Self::Missing => "Bearer",
            _ => r#"Bearer error="invalid_token""#,
        })
    }
}

/// The user who calls, and whose path it is.
///
/// A handler that takes it cannot be reached without a valid token, nor, where the route has a `{user_id}`, with the
/// token of anybody else.
#[derive(Clone, Debug)]
pub(crate) struct Caller(pub(crate) UserId);

impl FromRequest for Caller {
    type Error = ApiError;
    type Future = Pin<Box<dyn Future<Output = Result<Self, ApiError>>>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let request = request.clone();
        Box::pin(async move {
            let token = bearer_token(request.headers())?;
            let verifier = request
                .app_data::<web::Data<dyn TokenVerifier>>()
                .ok_or_else(|| ApiError::Internal("no token verifier was wired".into()))?;
            let user = verifier.verify(token).await?.user;
            match request.match_info().get("user_id") {
                Some(_) if !is_user(&request, &user) => Err(ApiError::Forbidden),
                _ => Ok(Self(user)),
            }
        })
    }
}

/// Something that only the caller may ask for: the guard has judged the request before anything else of it is read.
///
/// actix polls the arguments of a handler side by side, so that, beside a guard that waits for something, the first
/// fault of another argument would answer.
#[derive(Debug)]
pub(crate) struct Guarded<T> {
    /// The user who calls.
    pub(crate) user: UserId,
    /// What else the handler takes, in the contract's order of checks.
    pub(crate) parts: T,
}

impl<T: FromRequest + 'static> FromRequest for Guarded<T> {
    type Error = actix_web::Error;
    type Future = Pin<Box<dyn Future<Output = Result<Self, actix_web::Error>>>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let caller = Caller::from_request(request, payload);
        let (request, mut payload) = (request.clone(), payload.take());
        Box::pin(async move {
            let Caller(user) = caller.await?;
            let parts = T::from_request(&request, &mut payload).await.map_err(Into::into)?;
            Ok(Self { user, parts })
        })
    }
}

/// Makes the verifier known to the guard.
#[must_use]
pub fn verifier_data(verifier: Arc<dyn TokenVerifier>) -> web::Data<dyn TokenVerifier> {
    web::Data::from(verifier)
}

/// Whether the path's user, the second of its segments, is `user`.
fn is_user(request: &HttpRequest, user: &UserId) -> bool {
    path_segment(request, 1).is_some_and(|segment| segment == user.as_str())
}

fn bearer_token(headers: &HeaderMap) -> Result<&str, Refusal> {
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
    use super::*;
    use actix_web::test::TestRequest;

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
    fn anything_but_one_header_one_scheme_one_space_and_a_token_is_refused() {
        assert_eq!(token_of(&[]), Err(Refusal::Missing));
        assert_eq!(token_of(&["Bearer a", "Bearer a"]), Err(Refusal::Header));
        for value in ["", "Bearer", "Bearer ", "Bearer  a", "Bearer\ta", "Basic a", "a.b.c", "Bearera b"] {
            assert_eq!(token_of(&[value]), Err(Refusal::Header), "{value:?}");
        }
    }

    #[test]
    fn a_challenge_names_an_error_only_where_a_header_was_sent() {
        assert_eq!(Refusal::Missing.challenge(), "Bearer");
        for refusal in [Refusal::Header, Refusal::Expired, Refusal::Subject] {
            assert_eq!(refusal.challenge(), r#"Bearer error="invalid_token""#);
        }
    }

    /// Refuses everybody, but only when it is asked a second time.
    struct Slow;

    #[async_trait]
    impl TokenVerifier for Slow {
        async fn verify(&self, _: &str) -> Result<Identity, Refusal> {
            tokio::task::yield_now().await;
            Err(Refusal::Signature)
        }
    }

    #[actix_web::test]
    async fn nothing_is_judged_before_the_token_even_while_that_takes_time() {
        let request = TestRequest::with_uri("/api/u/tasks/x")
            .app_data(verifier_data(Arc::new(Slow)))
            .append_header((header::AUTHORIZATION, "Bearer a.b.c"))
            .to_http_request();
        let guarded =
            Guarded::<crate::extract::TaskIdInPath>::from_request(&request, &mut Payload::None).await;
        assert_eq!(guarded.unwrap_err().error_response().status(), 401);
    }

    #[test]
    fn every_refusal_says_something_of_its_own() {
        use Refusal::{
            Algorithm, Audience, Expired, Header, Issuer, Malformed, Missing, NotYetValid, Signature,
            Subject, Times,
        };
        let all = [
            Missing,
            Header,
            Malformed,
            Algorithm,
            Signature,
            Subject,
            Times,
            Expired,
            NotYetValid,
            Issuer,
            Audience,
        ];
        let details: std::collections::HashSet<_> =
            all.into_iter().map(|refusal| refusal.to_string()).collect();
        assert_eq!(details.len(), all.len());
    }
}
