//! The port: what the guard asks, whatever vouches for a token.

use std::sync::Arc;

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use task_domain::UserId;

use crate::{numeric_date, refusal::Refusal};

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
