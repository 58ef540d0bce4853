//! Chooses the verifier for a token.

use std::sync::Arc;

use async_trait::async_trait;

use crate::{
    claims::Jws,
    numeric_date::now,
    published_algorithm,
    published_keys::PublishedKeys,
    refusal::Refusal,
    shared_secret::SharedSecret,
    valid_tokens::TokenDigest,
    verifier::{Identity, TokenVerifier, VerifyError},
};

/// The configured verifiers. The algorithm of a token selects exactly one: the shared secret verifies HS256, the key set
/// everything else. A public key never serves as a secret.
#[derive(Debug, Default)]
pub struct Verifiers {
    secret: Option<SharedSecret>,
    keys: Option<Arc<PublishedKeys>>,
}

impl Verifiers {
    /// Without either, every token is refused.
    #[must_use]
    pub fn new(secret: Option<SharedSecret>, keys: Option<Arc<PublishedKeys>>) -> Self {
        Self { secret, keys }
    }

    /// The identity of a token that one of the verifiers has verified before.
    fn remembered(&self, token: &TokenDigest, now: f64) -> Option<Identity> {
        let by_keys = self.keys.as_ref().and_then(|keys| keys.remembered(token, now));
        by_keys.or_else(|| self.secret.as_ref()?.remembered(token, now))
    }
}

#[async_trait]
impl TokenVerifier for Verifiers {
    async fn verify(&self, token: &str) -> Result<Identity, VerifyError> {
        let now = now();
        let digest = TokenDigest::of(token);
        if let Some(identity) = self.remembered(&digest, now) {
            return Ok(identity);
        }
        let jws = Jws::parse(token)?;
        match (jws.algorithm(), &self.secret, &self.keys) {
            (Some(SharedSecret::ALGORITHM), Some(secret), _) => Ok(secret.verify_parsed(digest, &jws, now)?),
            (Some(name), _, Some(keys)) if published_algorithm::by_name(name).is_some() => {
                keys.verify(digest, &jws, now).await
            }
            _ => Err(Refusal::Algorithm.into()),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use serde_json::json;

    use super::*;
    use crate::{
        claims::ClaimRules,
        key_source::{FetchError, Fetched, KeySource},
    };

    const SECRET: &[u8] = b"0123456789abcdef0123456789abcdef";

    /// A source that never answers.
    struct Down;

    #[async_trait]
    impl KeySource for Down {
        async fn fetch(&self) -> Result<Fetched, FetchError> {
            Err(FetchError::TooLarge)
        }
    }

    fn secret() -> SharedSecret {
        SharedSecret::new(SECRET, ClaimRules::default())
    }

    fn keys() -> Arc<PublishedKeys> {
        Arc::new(PublishedKeys::new(Box::new(Down), ClaimRules::default(), Duration::from_mins(10)))
    }

    /// A token that names `algorithm`, signed with an HMAC of the secret.
    fn token(algorithm: &str) -> String {
        use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
        use jsonwebtoken::{Algorithm, EncodingKey, crypto};
        let header = BASE64_URL_SAFE_NO_PAD.encode(json!({ "alg": algorithm }).to_string());
        let claims =
            BASE64_URL_SAFE_NO_PAD.encode(json!({"sub": "alice", "exp": 4_102_444_800_u64}).to_string());
        let signed = format!("{header}.{claims}");
        let key = EncodingKey::from_secret(SECRET);
        format!("{signed}.{}", crypto::sign(signed.as_bytes(), &key, Algorithm::HS256).unwrap())
    }

    async fn outcome(verifiers: &Verifiers, algorithm: &str) -> Result<&'static str, VerifyError> {
        Ok(verifiers.verify(&token(algorithm)).await?.algorithm)
    }

    #[tokio::test]
    async fn the_algorithm_of_a_token_selects_its_verifier() {
        let both = Verifiers::new(Some(secret()), Some(keys()));
        assert_eq!(outcome(&both, "HS256").await, Ok("HS256"));
        for published in ["EdDSA", "Ed25519", "ES256", "RS256", "PS256"] {
            assert_eq!(outcome(&both, published).await, Err(VerifyError::KeysNotFetched), "{published}");
        }
        for other in ["none", "None", "", "hs256", "HS384", "HS512", "RS512", "ES512", "ed25519", "Ed448"] {
            assert_eq!(outcome(&both, other).await, Err(Refusal::Algorithm.into()), "{other}");
        }
    }

    #[tokio::test]
    async fn an_algorithm_without_a_configured_verifier_is_refused() {
        let (secret_only, keys_only) =
            (Verifiers::new(Some(secret()), None), Verifiers::new(None, Some(keys())));
        for published in ["EdDSA", "Ed25519", "ES256", "RS256", "PS256"] {
            assert_eq!(outcome(&secret_only, published).await, Err(Refusal::Algorithm.into()), "{published}");
        }
        assert_eq!(outcome(&keys_only, "HS256").await, Err(Refusal::Algorithm.into()));
        assert_eq!(outcome(&Verifiers::default(), "HS256").await, Err(Refusal::Algorithm.into()));
    }

    #[tokio::test]
    async fn the_same_token_gets_the_same_answer_again() {
        let verifiers = Verifiers::new(Some(secret()), None);
        let token = token("HS256");
        let first = verifiers.verify(&token).await;
        assert!(first.is_ok());
        assert_eq!(verifiers.verify(&token).await, first);
    }
}
