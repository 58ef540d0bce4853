//! Tokens that are refused with the usual settings, and the words that the finding must have.

use base64::{Engine, prelude::BASE64_STANDARD};
use jsonwebtoken::Algorithm;
use serde_json::{Value, json};
use task_auth::now;

use crate::doctor::token::tests::helpers::{Keys, ORIGIN, SECRET, claims, eddsa, encode, hs256, sign};

type Fault = (String, &'static [&'static str]);

pub(super) fn all(keys: &Keys) -> Vec<Fault> {
    [
        of_another_kind(keys),
        damaged_or_with_a_strange_header(keys),
        with_a_wrong_signature(keys),
        with_a_wrong_time_or_subject(keys),
        with_a_wrong_issuer_or_audience(keys),
    ]
    .concat()
}

fn of_another_kind(keys: &Keys) -> Vec<Fault> {
    let good = eddsa(&claims(json!({})), &keys.ours);
    let secret = SECRET.as_bytes();
    let link = json!({"email": "a@example.com", "userId": "alice", "exp": now() + 900.0});
    let cached = json!({"session": {"token": "x"}, "user": {}, "exp": now() + 900.0});
    let typed = json!({"alg": "EdDSA", "kid": "key-1", "typ": "better-auth.session-cache+jwt"});
    let compact = encode(json!({"session": {}, "expiresAt": 1, "signature": "x"}).to_string());
    vec![
        (String::new(), &["none on standard input"]),
        (
            "abcdefghijklmnopqrstuvwxyz012345.c2lnbmF0dXJl".to_owned(),
            &["session token", "`bearer()`", "/api/auth/token"],
        ),
        ("abcdefghijklmnopqrstuvwxyz012345.c2ln%2BbmF0%3D".to_owned(), &["session token"]),
        ("opaque".to_owned(), &["not a JWT", "1 part "]),
        (compact, &["keeps in a cookie"]),
        (format!("{good}.x.y"), &["encrypted", "JWE"]),
        (hs256(&cached, secret), &["keeps in a cookie", "`session_data`", "/api/auth/token"]),
        (hs256(&cached, b"another"), &["`session_data`"]),
        (
            sign(&typed, &claims(json!({})), &keys.ours, Algorithm::EdDSA),
            &["keeps in a cookie", "/api/auth/token"],
        ),
        ("abcdefghijklmnopqrstuvwxyz012345".to_owned(), &["session token"]),
        (hs256(&link, secret), &["link in an e-mail", "no `sub`"]),
    ]
}

fn damaged_or_with_a_strange_header(keys: &Keys) -> Vec<Fault> {
    let good = eddsa(&claims(json!({})), &keys.ours);
    let (signed, signature) = good.rsplit_once('.').unwrap();
    let header = |header: Value| sign(&header, &claims(json!({})), &keys.ours, Algorithm::EdDSA);
    vec![
        // Damaged tokens.
        (format!("{} {}", &good[..20], &good[20..]), &["white space or a line break"]),
        (good[..good.len() - 5].to_owned(), &["signature is no base64url"]),
        (format!("{signed}=.{signature}"), &["its claims has a character (= + /)"]),
        (format!("?{good}"), &["its header is not base64url"]),
        (
            format!("{}.e30.x", encode(r#"{"alg":"EdDSA","alg":"none"}"#)),
            &["header is no JSON object", "repeated"],
        ),
        // Headers.
        (header(json!({"alg": "EdDSA", "kid": 7})), &["`kid`", "the number 7"]),
        (header(json!({"alg": "EdDSA", "kid": "key-1", "typ": "at+jwt"})), &["`typ`", "\"at+jwt\""]),
        (header(json!({"alg": "EdDSA", "kid": "key-1", "crit": ["b64"]})), &["`crit`", "\"b64\""]),
        (header(json!({"kid": "key-1"})), &["no `alg`"]),
        (header(json!({"alg": "None"})), &["not signed"]),
        (header(json!({"alg": "eddsa"})), &["has to be written EdDSA"]),
        (
            header(json!({"alg": "ES512", "kid": "key-1"})),
            &["\"ES512\", which no setting enables", "keyPairConfig"],
        ),
        (header(json!({"alg": "HS512"})), &["\"HS512\", which no setting enables"]),
        (header(json!({"alg": "ES256", "kid": "key-1"})), &["`alg` is ES256", "serves EdDSA"]),
        (
            header(json!({"alg": "EdDSA", "kid": "key-2"})),
            &["\"key-2\" is not in the set", "\"key-1\" (EdDSA)", ORIGIN],
        ),
        (header(json!({"alg": "RS256"})), &["names no key", "\"key-1\" (EdDSA)"]),
        (header(json!({"alg": "EdDSA", "kid": "\u{1b}[2J\u{202e}"})), &[r"\u{1b}[2J\u{202e}"]),
    ]
}

fn with_a_wrong_signature(keys: &Keys) -> Vec<Fault> {
    let of_secret = |secret: &[u8]| hs256(&claims(json!({})), secret);
    vec![
        (
            eddsa(&claims(json!({})), &keys.theirs),
            &["not made with the key \"key-1\"", "another environment"],
        ),
        (
            eddsa(&claims(json!({"iss": "https://staging.example.com"})), &keys.theirs),
            &[
                "not made with the key",
                "says it is from \"https://staging.example.com\"",
                "the setting app.example.com",
            ],
        ),
        (
            of_secret(b"quite another secret of 32 bytes."),
            &["another secret", "character by character", "quotation marks"],
        ),
        (of_secret(format!("\"{SECRET}\"").as_bytes()), &["in quotation marks"]),
        (of_secret(format!("{SECRET}\n").as_bytes()), &["line break after it"]),
        (of_secret(&BASE64_STANDARD.decode(SECRET).unwrap()), &["decoded from base64"]),
    ]
}

fn with_a_wrong_time_or_subject(keys: &Keys) -> Vec<Fault> {
    let with = |changes: Value| eddsa(&claims(changes), &keys.ours);
    let future = now() + 3600.0;
    vec![
        (with(json!({"exp": null})), &["`exp` is missing"]),
        (with(json!({"exp": "tomorrow"})), &["`exp` is \"tomorrow\"", "a number"]),
        (
            with(json!({"iat": now() - 8100.0, "exp": now() - 7200.0})),
            &["expired 2 hours ago", "/api/auth/token", "15 minutes"],
        ),
        (with(json!({"iat": now(), "exp": now() - 5.0})), &["never valid"]),
        (with(json!({"nbf": future})), &["valid from", "60 minutes from now", "AUTH_LEEWAY_SECONDS"]),
        (with(json!({"nbf": future * 1000.0})), &["milliseconds"]),
        (with(json!({"nbf": "now"})), &["`nbf` is \"now\""]),
        (with(json!({"sub": null, "id": "alice"})), &["no `sub`", "`id`", "getSubject"]),
        (with(json!({"sub": null})), &["names no user"]),
        (with(json!({"sub": 7})), &["`sub` is the number 7"]),
        (with(json!({"sub": " "})), &["is empty"]),
        (with(json!({"sub": "a\u{7}"})), &["control character", r"a\u{7}"]),
        (with(json!({"sub": ".."})), &["dot segment"]),
        (with(json!({"sub": "x".repeat(256)})), &["more than 255"]),
    ]
}

fn with_a_wrong_issuer_or_audience(keys: &Keys) -> Vec<Fault> {
    let with = |changes: Value| eddsa(&claims(changes), &keys.ours);
    vec![
        (with(json!({"iss": null})), &["no `iss`", "origin of AUTH_JWKS_URL", "`baseURL`"]),
        (with(json!({"iss": 7})), &["`iss` is the number 7"]),
        (
            with(json!({"iss": "https://app.example.com/"})),
            &["slash at the end", "`AUTH_ISSUER=https://app.example.com/`"],
        ),
        (with(json!({"iss": "http://app.example.com"})), &["the scheme http", "https"]),
        (with(json!({"iss": "https://app.example.com:8443"})), &["the port 8443"]),
        (with(json!({"iss": "https://www.app.example.com"})), &["www."]),
        (with(json!({"iss": "https://app.example.com/api/auth"})), &["the path /api/auth"]),
        (with(json!({"iss": "http://localhost:3000"})), &["the host localhost", "inside of your network"]),
        (with(json!({"iss": "evil\u{1b}[31m`x`"})), &[r"AUTH_ISSUER to "]),
        (with(json!({"aud": null})), &["no `aud`", "AUTH_AUDIENCE"]),
        (with(json!({"aud": "https://app.example.com/"})), &["slash at the end", "`AUTH_AUDIENCE="]),
        (
            with(json!({"aud": ["tasks", "https://APP.example.com"]})),
            &["a list of 2", "upper and lower case"],
        ),
        (with(json!({"aud": {}})), &["`aud` is an object"]),
    ]
}
