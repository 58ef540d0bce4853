use std::time::SystemTime;

use async_trait::async_trait;
use jsonwebtoken::{Algorithm, DecodingKey, crypto};

use super::{
    Identity, Refusal, TokenVerifier,
    claims::{ClaimRules, Jws},
};

/// Verifies HS256 tokens against the secret shared with Better Auth. Key and rules are made once, at the start.
pub struct SharedSecret {
    key: DecodingKey,
    rules: ClaimRules,
}

impl SharedSecret {
    /// Takes the secret as raw bytes, as Better Auth does.
    #[must_use]
    pub fn new(secret: &[u8], rules: ClaimRules) -> Self {
        Self { key: DecodingKey::from_secret(secret), rules }
    }

    fn verify_at(&self, token: &str, now: f64) -> Result<Identity, Refusal> {
        let jws = Jws::parse(token)?;
        // The algorithm is this verifier's; a token that claims another one is refused, never obeyed.
        if jws.algorithm() != Some("HS256") {
            return Err(Refusal::Algorithm);
        }
        match crypto::verify(jws.signature, jws.signed.as_bytes(), &self.key, Algorithm::HS256) {
            Ok(true) => self.rules.judge(&jws.claims()?, now),
            Ok(false) => Err(Refusal::Signature),
            Err(_) => Err(Refusal::Malformed),
        }
    }
}

#[async_trait]
impl TokenVerifier for SharedSecret {
    async fn verify(&self, token: &str) -> Result<Identity, Refusal> {
        let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
        self.verify_at(token, now.as_secs_f64())
    }
}

impl std::fmt::Debug for SharedSecret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("SharedSecret").field("rules", &self.rules).finish_non_exhaustive()
    }
}
