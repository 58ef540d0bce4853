//! Who calls: tokens, those who vouch for them, and the guard before every route but the public ones.

mod claims;
mod guard;
mod key_set;
mod key_source;
mod numeric_date;
mod published_keys;
mod refusal;
mod shared_secret;
mod valid_tokens;
mod verifiers;

use std::sync::Arc;

use actix_web::web;
use async_trait::async_trait;
use chrono::{DateTime, Utc};
use task_domain::UserId;

#[cfg(feature = "fuzzing")]
pub(crate) use self::guard::bearer_token;
pub(crate) use self::guard::{Caller, Guarded};
pub use self::{
    claims::ClaimRules,
    key_set::{InvalidKeySet, KeySet, SkippedKey},
    key_source::{FetchError, Fetched, HttpKeySource, KeySource},
    numeric_date::{moment, now},
    published_keys::PublishedKeys,
    refusal::Refusal,
    shared_secret::SharedSecret,
    verifiers::Verifiers,
};

/// Checks tokens: the port between the guard and whatever vouches for a token.
#[async_trait]
pub trait TokenVerifier: Send + Sync {
    /// Returns what a token says that is valid now, or why it is not believed.
    async fn verify(&self, token: &str) -> Result<Identity, VerifyError>;
}

/// What a valid token says.
#[derive(Clone, Debug, PartialEq)]
pub struct Identity {
    /// The token's `sub`.
    pub user: UserId,
    /// The token's `iss`, where it has one that is a text.
    pub issuer: Option<Arc<str>>,
    /// The token's `exp`, in seconds since 1970.
    pub expires_at: f64,
    /// The algorithm that it is signed with, by its name in a JWS (RFC 7518, section 3.1; RFC 8037, section 3.1).
    pub algorithm: &'static str,
}

impl Identity {
    /// When the token expires, to the microsecond; the end of the year 9999 if that is earlier.
    #[must_use]
    pub fn expires_at(&self) -> DateTime<Utc> {
        numeric_date::moment(self.expires_at)
    }
}

/// Why a token is not believed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum VerifyError {
    /// It is not valid.
    #[error(transparent)]
    Refused(#[from] Refusal),
    /// The keys that could say so have never been fetched. The same token may be valid in a moment.
    #[error("no key set has been fetched yet")]
    KeysNotFetched,
}

/// Makes the verifier known to the guard.
#[must_use]
pub fn verifier_data(verifier: Arc<dyn TokenVerifier>) -> web::Data<dyn TokenVerifier> {
    web::Data::from(verifier)
}
