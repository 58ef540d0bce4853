//! Tokens, made by hand so that they can be wrong in every way.

use std::time::{SystemTime, UNIX_EPOCH};

use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use jsonwebtoken::{Algorithm, EncodingKey, crypto};
use serde_json::{Value, json};

use super::answer::Answer;

/// The secret that the servers of the tests share with the issuer of the tokens.
pub(crate) const SECRET: &str = "the tests' own secret: nobody else's!";

/// The usual header.
pub(crate) const HEADER: &str = r#"{"alg":"HS256","typ":"JWT"}"#;

/// Now, in seconds since 1970.
pub(crate) fn now() -> f64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs_f64()
}

/// A valid token of that user.
pub(crate) fn token(user: &str) -> String {
    sign(HEADER, &claims(&json!({ "sub": user })))
}

/// Claims that are valid but for what is given: null takes a claim away.
pub(crate) fn claims(changes: &Value) -> String {
    let mut claims = json!({ "sub": "alice", "iat": now().floor(), "exp": now().floor() + 600.0 });
    for (name, value) in changes.as_object().unwrap() {
        claims[name] = value.clone();
    }
    let claims = claims.as_object().unwrap();
    let members: serde_json::Map<_, _> =
        claims.iter().filter(|(_, value)| !value.is_null()).map(|(n, v)| (n.clone(), v.clone())).collect();
    Value::Object(members).to_string()
}

/// A token of that header and those claims, both as text, with a good HS256 signature.
pub(crate) fn sign(header: &str, claims: &str) -> String {
    sign_parts(&encode(header), &encode(claims))
}

/// A token of parts that are encoded already, with a good HS256 signature.
pub(crate) fn sign_parts(header: &str, claims: &str) -> String {
    let signed = format!("{header}.{claims}");
    let signature = mac(&signed, SECRET, Algorithm::HS256);
    format!("{signed}.{signature}")
}

/// The encoded HMAC of a text.
pub(crate) fn mac(text: &str, secret: &str, algorithm: Algorithm) -> String {
    crypto::sign(text.as_bytes(), &EncodingKey::from_secret(secret.as_bytes()), algorithm).unwrap()
}

/// Unpadded base64url.
pub(crate) fn encode(bytes: impl AsRef<[u8]>) -> String {
    BASE64_URL_SAFE_NO_PAD.encode(bytes)
}

/// Checks a 401 to a request that carried an `Authorization` header, of which `secret_parts` must not be repeated.
#[track_caller]
pub(crate) fn assert_refused(answer: &Answer, secret_parts: &[&str]) {
    answer.assert_error(401, "unauthorized");
    let challenge = format!(r#"Bearer error="invalid_token", error_description="{}""#, answer.error_detail());
    assert_eq!(answer.header("www-authenticate"), Some(challenge.as_str()));
    let all = format!("{:?} {}", answer.headers, answer.text());
    for part in secret_parts.iter().flat_map(|part| part.split(['.', ' '])).filter(|part| part.len() > 6) {
        assert!(!all.contains(part), "{part} is repeated: {all}");
    }
}

/// Claims with nothing wrong about them.
pub(crate) fn valid() -> String {
    claims(&json!({}))
}
