//! Recognizes what Better Auth issues besides tokens for an API.

use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use serde_json::Value;
use task_support::json::{self, Object};

use crate::doctor::report::Finding;

const SEND_THE_JWT: &str = "Send the `token` that `GET /api/auth/token` answers with (the `jwt()` plugin; in a client \
                            `authClient.token()`).";

/// The finding about input without the three parts of a signed JWT.
pub(super) fn no_jwt(token: &str, parts: usize) -> Finding {
    let found = if token.is_empty() {
        "there is none on standard input".to_owned()
    } else if is_session_token(token) {
        "this is a session token of the `bearer()` plugin (or the session cookie), which is not a JWT"
            .to_owned()
    } else if parts == 5 {
        "this is an encrypted token (JWE), such as a session that Better Auth keeps in a cookie".to_owned()
    } else if is_compact_session(token) {
        "this is a session that Better Auth keeps in a cookie, and not a JWT".to_owned()
    } else {
        format!(
            "this is not a JWT: it has {parts} {} instead of 3",
            if parts == 1 { "part" } else { "parts" }
        )
    };
    Finding::problem("token", found, SEND_THE_JWT)
}

/// The finding about a JWT whose header or claims show that it is not an access token of a user.
pub(super) fn of_jwt(header: &Object, claims: &Object) -> Option<Finding> {
    // With `sessionCookieCache` of the `jwt()` plugin it has a `sub`, and this type.
    let kind = header.get("typ").and_then(Value::as_str).unwrap_or_default();
    let is_session = kind.contains("session") || claims.get("session").is_some_and(Value::is_object);
    if claims.contains_key("sub") && !kind.contains("session") {
        return None;
    }
    let found = if is_session {
        "this is a session that Better Auth keeps in a cookie (`session_data`), which speaks for no API"
    } else if claims.get("email").is_some_and(Value::is_string) {
        "this is the token of a link in an e-mail (verification of an address): it has `email` and no `sub`. Every \
         reader of the e-mail can use it, so it is never accepted here"
    } else {
        return None;
    };
    Some(Finding::problem("token", found, SEND_THE_JWT))
}

/// Whether this is a session token: 32 characters, perhaps with a dot and an HMAC, which a cookie percent-encodes.
fn is_session_token(token: &str) -> bool {
    let session = token.split('.').next().unwrap_or_default();
    session.len() == 32 && session.bytes().all(|byte| byte.is_ascii_alphanumeric())
}

/// Whether this is a cached session in Better Auth's compact form: JSON in base64url.
fn is_compact_session(token: &str) -> bool {
    let bytes = BASE64_URL_SAFE_NO_PAD.decode(token.trim_end_matches('=')).unwrap_or_default();
    json::parse_object(&bytes).is_ok_and(|object| object.contains_key("session"))
}
