//! The port that verifies tokens.

use std::sync::Arc;

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use task_domain::UserId;

use crate::{numeric_date, refusal::Refusal};

/// Verifies tokens: the port between the guard of the API and the ways in which tokens are signed.
#[async_trait]
pub trait TokenVerifier: Send + Sync {
    /// Returns the identity in a token that is valid now, or the reason why it is not.
    async fn verify(&self, token: &str) -> Result<Identity, VerifyError>;
}

/// The identity in a valid token.
#[derive(Clone, Debug, PartialEq)]
pub struct Identity {
    /// The token's `sub`.
    pub user: UserId,
    /// The token's `iss`, if it is a string.
    pub issuer: Option<Arc<str>>,
    /// The token's `exp`, in seconds since 1970.
    pub expires_at: f64,
    /// The JWS name of the algorithm (RFC 7518, section 3.1; RFC 8037, section 3.1).
    pub algorithm: &'static str,
}

impl Identity {
    /// When the token expires, to the microsecond; the end of the year 9999 if that is earlier.
    #[must_use]
    pub fn expires_at(&self) -> DateTime<Utc> {
        numeric_date::moment(self.expires_at)
    }
}

/// Why a token could not be verified.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum VerifyError {
    /// The token is not valid.
    #[error(transparent)]
    Refused(#[from] Refusal),
    /// The key set has never been fetched. The same token may be valid in a moment.
    #[error("no key set has been fetched yet")]
    KeysNotFetched,
}
