//! An issuer that signs with a secret and with a published key, and verifiers that know both.

use std::{sync::Arc, time::Duration};

use async_trait::async_trait;
use aws_lc_rs::{
    hmac,
    signature::{ED25519, Ed25519KeyPair, KeyPair as _, UnparsedPublicKey},
};
use base64::{Engine as _, prelude::BASE64_URL_SAFE_NO_PAD};
use futures_util::FutureExt as _;
use serde_json::json;
use task_auth::{ClaimRules, FetchError, Fetched, KeySource, PublishedKeys, SharedSecret, Verifiers};
use tokio::runtime::{Builder, Runtime};

const SECRET: &[u8] = b"0123456789abcdef0123456789abcdef";
const SEED: [u8; 32] = [9; 32];

/// What a token is signed with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Signed {
    WithSecret,
    WithKey,
}

impl Signed {
    pub(super) fn algorithm(self) -> &'static str {
        match self {
            Self::WithSecret => "HS256",
            Self::WithKey => "EdDSA",
        }
    }

    pub(super) fn usual_header(self) -> &'static [u8] {
        match self {
            Self::WithSecret => br#"{"alg":"HS256","typ":"JWT"}"#,
            Self::WithKey => br#"{"alg":"EdDSA","kid":"1"}"#,
        }
    }
}

pub(super) struct Issuer {
    secret: hmac::Key,
    pair: Ed25519KeyPair,
    pub(super) verifiers: Verifiers,
    /// Has the clock of the verifiers.
    pub(super) runtime: Runtime,
}

impl Issuer {
    pub(super) fn new() -> Self {
        let (Ok(pair), Ok(runtime)) =
            (Ed25519KeyPair::from_seed_unchecked(&SEED), Builder::new_current_thread().enable_time().build())
        else {
            unreachable!("any seed makes a key, and any thread a runtime")
        };
        let source = Box::new(Published(pair.public_key().as_ref().to_vec()));
        let keys = Arc::new(PublishedKeys::new(source, ClaimRules::default(), Duration::from_mins(10)));
        let secret = SharedSecret::new(SECRET, ClaimRules::default());
        {
            // The set is there at once; keeping it fresh would go on for ever.
            let _entered = runtime.enter();
            assert_eq!(keys.keep_fresh().now_or_never(), None);
        }
        assert!(keys.is_ready());
        let verifiers = Verifiers::new(Some(secret), Some(keys));
        Self { secret: hmac::Key::new(hmac::HMAC_SHA256, SECRET), pair, verifiers, runtime }
    }

    pub(super) fn token(&self, signed: Signed, header: &[u8], claims: &[u8]) -> String {
        let text = [header, claims].map(|part| BASE64_URL_SAFE_NO_PAD.encode(part)).join(".");
        let signature = match signed {
            Signed::WithSecret => hmac::sign(&self.secret, text.as_bytes()).as_ref().to_vec(),
            Signed::WithKey => self.pair.sign(text.as_bytes()).as_ref().to_vec(),
        };
        format!("{text}.{}", BASE64_URL_SAFE_NO_PAD.encode(signature))
    }

    /// Whether the token's signature is ours, by the algorithm of that name.
    pub(super) fn has_signed(&self, token: &str, algorithm: &str) -> bool {
        let Some((text, signature)) = token.rsplit_once('.') else { return false };
        let Ok(signature) = BASE64_URL_SAFE_NO_PAD.decode(signature) else { return false };
        match algorithm {
            "HS256" => hmac::verify(&self.secret, text.as_bytes(), &signature).is_ok(),
            "EdDSA" => {
                let key = UnparsedPublicKey::new(&ED25519, self.pair.public_key().as_ref());
                key.verify(text.as_bytes(), &signature).is_ok()
            }
            _ => false,
        }
    }
}

/// A key set with our key, and with one of another kind that signs nothing.
struct Published(Vec<u8>);

#[async_trait]
impl KeySource for Published {
    async fn fetch(&self) -> Result<Fetched, FetchError> {
        let x = BASE64_URL_SAFE_NO_PAD.encode(&self.0);
        let keys = json!({"keys": [
            {"kty": "OKP", "crv": "Ed25519", "x": x, "alg": "EdDSA", "kid": "1"},
            {"kty": "EC", "crv": "P-256", "x": x, "y": x, "kid": "2"},
        ]});
        Ok(Fetched { body: keys.to_string().into(), date: None })
    }
}
