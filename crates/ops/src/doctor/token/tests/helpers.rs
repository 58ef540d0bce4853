//! Keys, settings and tokens for the tests.

use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use jsonwebtoken::{Algorithm, EncodingKey, crypto, jwk::Jwk};
use serde_json::{Value, json};
use task_auth::{Fetched, KeySet, now};
use task_settings::AuthSettings;

pub(super) const SECRET: &str = "c2VjcmV0LW9mLXRoZS10ZXN0cy1vZi10aGUtZG9jdG9y";
pub(super) const ORIGIN: &str = "https://app.example.com";

pub(super) fn encode(text: impl AsRef<[u8]>) -> String {
    BASE64_URL_SAFE_NO_PAD.encode(text)
}

/// The key pairs of two Better Auth instances with the same key id, and the key set of the first one.
pub(super) struct Keys {
    pub(super) ours: EncodingKey,
    pub(super) theirs: EncodingKey,
    pub(super) fetched: (Fetched, KeySet),
}

pub(super) fn keys() -> Keys {
    let pair = || {
        let random = aws_lc_rs::rand::SystemRandom::new();
        let document = aws_lc_rs::signature::Ed25519KeyPair::generate_pkcs8v1(&random).unwrap();
        EncodingKey::from_ed_der(document.as_ref())
    };
    let (ours, theirs) = (pair(), pair());
    let mut jwk = Jwk::from_encoding_key(&ours, Algorithm::EdDSA).unwrap();
    jwk.common.key_id = Some("key-1".to_owned());
    let body = json!({ "keys": [jwk] }).to_string().into_bytes();
    let (set, _) = KeySet::parse(&body).unwrap();
    Keys { ours, theirs, fetched: (Fetched { body, date: None }, set) }
}

/// The settings of a service with key set and secret; `variables` override them, and an empty one is not set.
pub(super) fn auth(variables: &[(&str, &str)]) -> AuthSettings {
    let usual = [
        ("DATABASE_URL", "postgres://localhost/app"),
        ("BETTER_AUTH_SECRET", SECRET),
        ("AUTH_JWKS_URL", "https://app.example.com/api/auth/jwks"),
    ];
    let is_overridden = |name: &str| variables.iter().any(|(variable, _)| *variable == name);
    let all = usual.iter().filter(|(name, _)| !is_overridden(name)).chain(variables);
    let owned = all.map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
    task_settings::Settings::from_variables(owned).unwrap().auth
}

pub(super) fn sign(header: &Value, claims: &Value, key: &EncodingKey, algorithm: Algorithm) -> String {
    let signed = format!("{}.{}", encode(header.to_string()), encode(claims.to_string()));
    let signature = crypto::sign(signed.as_bytes(), key, algorithm).unwrap();
    format!("{signed}.{signature}")
}

/// Valid claims with `changes` applied; null removes a claim.
pub(super) fn claims(changes: Value) -> Value {
    let mut claims =
        json!({"sub": "alice", "iat": now(), "exp": now() + 900.0, "iss": ORIGIN, "aud": ORIGIN});
    let (Value::Object(all), Value::Object(changes)) = (&mut claims, changes) else { unreachable!() };
    all.extend(changes);
    all.retain(|_, value| !value.is_null());
    claims
}

pub(super) fn hs256(claims: &Value, secret: &[u8]) -> String {
    sign(&json!({"alg": "HS256"}), claims, &EncodingKey::from_secret(secret), Algorithm::HS256)
}

pub(super) fn eddsa(claims: &Value, key: &EncodingKey) -> String {
    sign(&json!({"alg": "EdDSA", "kid": "key-1"}), claims, key, Algorithm::EdDSA)
}
