//! Which verifier a token is for.

use std::sync::Arc;

use async_trait::async_trait;

use super::{Identity, PublishedKeys, Refusal, SharedSecret, TokenVerifier, VerifyError, claims::Jws, now};

/// The verifiers that are configured. Each token is tried against exactly one, which its algorithm decides: HS256 is the
/// shared secret's, everything else the key set's. A public key never serves as a secret.
#[derive(Debug, Default)]
pub struct Verifiers {
    secret: Option<SharedSecret>,
    keys: Option<Arc<PublishedKeys>>,
}

impl Verifiers {
    /// Without either, no token is believed.
    #[must_use]
    pub fn new(secret: Option<SharedSecret>, keys: Option<Arc<PublishedKeys>>) -> Self {
        Self { secret, keys }
    }
}

#[async_trait]
impl TokenVerifier for Verifiers {
    async fn verify(&self, token: &str) -> Result<Identity, VerifyError> {
        let now = now();
        if let Some(identity) = self.keys.as_ref().and_then(|keys| keys.remembered(token, now)) {
            return Ok(identity);
        }
        let jws = Jws::parse(token)?;
        match (jws.algorithm(), &self.secret, &self.keys) {
            (Some(SharedSecret::ALGORITHM), Some(secret), _) => Ok(secret.verify_parsed(&jws, now)?),
            (Some(SharedSecret::ALGORITHM), None, _) | (None, ..) | (_, _, None) => {
                Err(Refusal::Algorithm.into())
            }
            (Some("EdDSA" | "ES256" | "RS256" | "PS256"), _, Some(keys)) => {
                keys.verify(token, &jws, now).await
            }
            (Some(_), _, Some(_)) => Err(Refusal::Algorithm.into()),
        }
    }
}
