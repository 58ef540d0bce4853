//! Tokens that are signed with a secret shared with their issuer.

use async_trait::async_trait;
use jsonwebtoken::{Algorithm, DecodingKey, crypto};

use crate::{
    claims::{ClaimRules, Jws},
    numeric_date::now,
    refusal::Refusal,
    valid_tokens::{TokenDigest, ValidTokens},
    verifier::{Identity, TokenVerifier, VerifyError},
};

/// Verifies HS256 tokens with the secret shared with Better Auth.
pub struct SharedSecret {
    key: DecodingKey,
    rules: ClaimRules,
    valid: ValidTokens,
}

impl SharedSecret {
    /// The one algorithm that it verifies.
    pub(crate) const ALGORITHM: &str = "HS256";

    /// Takes the secret as raw bytes, as Better Auth does.
    #[must_use]
    pub fn new(secret: &[u8], rules: ClaimRules) -> Self {
        Self { key: DecodingKey::from_secret(secret), rules, valid: ValidTokens::new() }
    }

    /// The identity of a token that was verified before and is still valid.
    pub(crate) fn remembered(&self, token: &TokenDigest, now: f64) -> Option<Identity> {
        self.valid.get(token, &self.rules, now)
    }

    /// Verifies a parsed token.
    pub(crate) fn verify_parsed(
        &self,
        token: TokenDigest,
        jws: &Jws<'_>,
        now: f64,
    ) -> Result<Identity, Refusal> {
        // The token does not choose the algorithm: a token that names another one is refused.
        if jws.algorithm() != Some(Self::ALGORITHM) {
            return Err(Refusal::Algorithm);
        }
        match crypto::verify(jws.signature, jws.signed.as_bytes(), &self.key, Algorithm::HS256) {
            Ok(true) => {}
            Ok(false) => return Err(Refusal::Signature),
            Err(_) => return Err(Refusal::Malformed),
        }
        let identity = self.rules.judge(&jws.claims()?, Self::ALGORITHM, now)?;
        self.valid.insert(token, identity.clone());
        Ok(identity)
    }

    fn verify_at(&self, token: &str, now: f64) -> Result<Identity, Refusal> {
        let digest = TokenDigest::of(token);
        match self.remembered(&digest, now) {
            Some(identity) => Ok(identity),
            None => self.verify_parsed(digest, &Jws::parse(token)?, now),
        }
    }
}

#[async_trait]
impl TokenVerifier for SharedSecret {
    async fn verify(&self, token: &str) -> Result<Identity, VerifyError> {
        Ok(self.verify_at(token, now())?)
    }
}

impl std::fmt::Debug for SharedSecret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("SharedSecret").field("rules", &self.rules).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use jsonwebtoken::{EncodingKey, Header, encode};
    use serde_json::json;

    use super::*;

    const SECRET: &[u8] = b"0123456789abcdef0123456789abcdef";

    fn verifier() -> SharedSecret {
        SharedSecret::new(SECRET, ClaimRules::default())
    }

    fn token(algorithm: Algorithm, secret: &[u8]) -> String {
        let claims = json!({"sub": "alice", "exp": 2_000});
        encode(&Header::new(algorithm), &claims, &EncodingKey::from_secret(secret)).unwrap()
    }

    #[test]
    fn a_token_signed_with_the_secret_is_valid_until_it_expires() {
        let token = token(Algorithm::HS256, SECRET);
        assert_eq!(verifier().verify_at(&token, 1_999.5).unwrap().user.as_str(), "alice");
        assert_eq!(verifier().verify_at(&token, 2_000.0), Err(Refusal::Expired));
    }

    #[test]
    fn another_secret_or_a_changed_token_is_refused() {
        let other = token(Algorithm::HS256, b"another secret of thirty-two bytes");
        assert_eq!(verifier().verify_at(&other, 1.0), Err(Refusal::Signature));
        let good = token(Algorithm::HS256, SECRET);
        let (signed, signature) = good.rsplit_once('.').unwrap();
        let forged = signed.replace(".ey", ".eyA");
        assert!(verifier().verify_at(&format!("{forged}.{signature}"), 1.0).is_err());
        assert_eq!(verifier().verify_at(&format!("{signed}."), 1.0), Err(Refusal::Signature));
        assert_eq!(verifier().verify_at(&format!("{good}="), 1.0), Err(Refusal::Malformed));
    }

    #[test]
    fn every_other_algorithm_is_refused_even_with_the_right_secret() {
        for algorithm in [Algorithm::HS384, Algorithm::HS512] {
            assert_eq!(verifier().verify_at(&token(algorithm, SECRET), 1.0), Err(Refusal::Algorithm));
        }
    }

    #[tokio::test]
    async fn verify_uses_the_system_clock() {
        let past = token(Algorithm::HS256, SECRET);
        assert_eq!(verifier().verify(&past).await, Err(Refusal::Expired.into()));
    }

    #[test]
    fn debug_shows_no_secret() {
        let shown = format!("{:?}", verifier());
        assert!(shown.contains("SharedSecret") && !shown.contains("0123456789"), "{shown}");
    }
}
