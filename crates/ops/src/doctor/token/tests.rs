mod misfits;

use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use jsonwebtoken::{Algorithm, EncodingKey, crypto, jwk::Jwk};
use serde_json::{Value, json};

use super::*;
use crate::doctor::report::Verdict;

const SECRET: &str = "c2VjcmV0LW9mLXRoZS10ZXN0cy1vZi10aGUtZG9jdG9y";
const ORIGIN: &str = "https://app.example.com";

fn encode(text: impl AsRef<[u8]>) -> String {
    BASE64_URL_SAFE_NO_PAD.encode(text)
}

/// Two key pairs of Better Auths that name their keys alike, and the set of the first.
struct Keys {
    ours: EncodingKey,
    theirs: EncodingKey,
    fetched: (Fetched, KeySet),
}

fn keys() -> Keys {
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

/// The settings of a service with the key set and the secret, and with whatever else is given. Empty: not set.
fn auth(variables: &[(&str, &str)]) -> AuthSettings {
    let usual = [
        ("DATABASE_URL", "postgres://localhost/app"),
        ("BETTER_AUTH_SECRET", SECRET),
        ("AUTH_JWKS_URL", "https://app.example.com/api/auth/jwks"),
    ];
    let is_given = |name: &str| variables.iter().any(|(given, _)| *given == name);
    let all = usual.iter().filter(|(name, _)| !is_given(name)).chain(variables);
    let owned = all.map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
    task_settings::Settings::from_variables(owned).unwrap().auth
}

fn sign(header: &Value, claims: &Value, key: &EncodingKey, algorithm: Algorithm) -> String {
    let signed = format!("{}.{}", encode(header.to_string()), encode(claims.to_string()));
    let signature = crypto::sign(signed.as_bytes(), key, algorithm).unwrap();
    format!("{signed}.{signature}")
}

/// Claims that are good but for what is given; null takes one away.
fn claims(changes: Value) -> Value {
    let mut claims =
        json!({"sub": "alice", "iat": now(), "exp": now() + 900.0, "iss": ORIGIN, "aud": ORIGIN});
    let (Value::Object(all), Value::Object(changes)) = (&mut claims, changes) else { unreachable!() };
    all.extend(changes);
    all.retain(|_, value| !value.is_null());
    claims
}

fn hs256(claims: &Value, secret: &[u8]) -> String {
    sign(&json!({"alg": "HS256"}), claims, &EncodingKey::from_secret(secret), Algorithm::HS256)
}

fn eddsa(claims: &Value, key: &EncodingKey) -> String {
    sign(&json!({"alg": "EdDSA", "kid": "key-1"}), claims, key, Algorithm::EdDSA)
}

async fn said(token: &str, auth: &AuthSettings, keys: Option<&(Fetched, KeySet)>) -> Vec<Finding> {
    let (findings, identity) = examine(token, &Facts { auth, keys }).await;
    let good = findings.iter().all(|finding| finding.verdict == Verdict::Ok);
    assert!(!findings.is_empty() && identity.is_some() == good, "{findings:?}");
    let text = format!("{findings:?}");
    assert!(!text.contains(SECRET), "{text}");
    for part in token.split('.').filter(|part| part.len() > 10) {
        assert!(!text.contains(part), "{part} is repeated: {text}");
    }
    findings
}

#[tokio::test]
async fn every_misfit_is_named_with_what_to_change() {
    let (keys, auth) = (keys(), auth(&[]));
    let mut missing = Vec::new();
    for (token, words) in misfits::all(&keys) {
        let findings = said(&token, &auth, Some(&keys.fetched)).await;
        assert!(findings.iter().all(|finding| !finding.advice.is_empty()), "{findings:?}");
        let text: String = findings.iter().map(ToString::to_string).collect();
        assert!(!text.contains(['\u{1b}', '\u{7}', '\u{202e}']), "{text:?}");
        let text = text.split_whitespace().collect::<Vec<_>>().join(" ");
        missing.extend(
            words.iter().filter(|word| !text.contains(**word)).map(|word| format!("{word}\n  {text}")),
        );
    }
    assert!(missing.is_empty(), "{}", missing.join("\n\n"));
}

#[tokio::test]
async fn everything_that_is_wrong_is_told_at_once() {
    let keys = keys();
    let token = eddsa(
        &claims(json!({"exp": 5, "sub": 7, "iss": "https://a.example", "aud": "https://b.example"})),
        &keys.theirs,
    );
    let findings = said(&token, &auth(&[]), Some(&keys.fetched)).await;
    let names: Vec<_> = findings.iter().map(|finding| finding.name).collect();
    let expected = ["token signature", "token expiry", "token subject", "token issuer", "token audience"];
    assert_eq!(names, expected);
}

#[tokio::test]
async fn what_is_not_enabled_is_told_with_the_variable_that_enables_it() {
    let keys = keys();
    let of_secret = hs256(&claims(json!({})), SECRET.as_bytes());
    let findings = said(&of_secret, &auth(&[("BETTER_AUTH_SECRET", "")]), Some(&keys.fetched)).await;
    assert!(findings[0].found.contains("BETTER_AUTH_SECRET is not set"), "{findings:?}");
    let of_key = eddsa(&claims(json!({})), &keys.ours);
    let findings = said(&of_key, &auth(&[("AUTH_JWKS_URL", "")]), None).await;
    assert!(findings[0].advice.contains("`AUTH_JWKS_URL=https://"), "{findings:?}");
    let findings = said(&of_key, &auth(&[]), None).await;
    assert!(findings[0].found.contains("without a key set") && findings.len() == 1, "{findings:?}");
}

#[tokio::test]
async fn a_secret_with_edges_here_is_told() {
    let token = hs256(&claims(json!({})), SECRET.as_bytes());
    for (secret, word) in [
        (format!("{SECRET} "), "without the white space"),
        (format!("\"{SECRET}\""), "without the quotation marks"),
        (format!("'{SECRET}'"), "without the quotation marks"),
        (format!("\"{SECRET}x"), "begins or ends with one of them"),
    ] {
        let findings = said(&token, &auth(&[("BETTER_AUTH_SECRET", &secret)]), None).await;
        let text = format!("{} {}", findings[0].found, findings[0].advice);
        assert!(text.contains(word), "{secret}: {text}");
    }
    let hexadecimal = SECRET.bytes().map(|byte| format!("{byte:02x}")).collect::<Vec<_>>().concat();
    let findings = said(&token, &auth(&[("BETTER_AUTH_SECRET", &hexadecimal)]), None).await;
    assert!(findings[0].found.contains("hexadecimal"), "{findings:?}");
}

#[tokio::test]
async fn issuer_and_audience_that_are_set_are_named_as_such() {
    let keys = keys();
    let auth = auth(&[("AUTH_ISSUER", "https://app.example.com/"), ("AUTH_AUDIENCE", "tasks")]);
    for token in [eddsa(&claims(json!({})), &keys.ours), hs256(&claims(json!({})), SECRET.as_bytes())] {
        let findings = said(&token, &auth, Some(&keys.fetched)).await;
        assert_eq!(findings.len(), 2, "{findings:?}");
        assert!(findings[0].found.contains("(AUTH_ISSUER): the setting has a slash"), "{findings:?}");
        assert!(findings[1].found.contains("\"tasks\" is expected (AUTH_AUDIENCE)"), "{findings:?}");
        assert!(findings[1].advice.contains("`AUTH_AUDIENCE=https://app.example.com`"), "{findings:?}");
    }
}

#[tokio::test]
async fn a_valid_token_is_told_as_whoami_would() {
    let (keys, auth) = (keys(), auth(&[]));
    for (token, algorithm) in [
        (eddsa(&claims(json!({})), &keys.ours), "EdDSA"),
        (hs256(&claims(json!({"iss": null, "aud": null})), SECRET.as_bytes()), "HS256"),
    ] {
        let findings = said(&token, &auth, Some(&keys.fetched)).await;
        let text = &findings[0].found;
        for word in ["valid", "\"alice\"", "expires_at", "in 15 minutes", algorithm] {
            assert!(text.contains(word), "{word}: {text}");
        }
    }
    let (findings, identity) = examine(
        &eddsa(&claims(json!({"exp": now().floor() * 1000.0})), &keys.ours),
        &Facts { auth: &auth, keys: Some(&keys.fetched) },
    )
    .await;
    assert!(identity.is_some() && findings[0].verdict == Verdict::Warning, "{findings:?}");
}

#[test]
fn a_token_is_taken_out_of_how_it_is_sent_or_answered() {
    for (given, remarks) in [
        ("a.b.c", 0),
        ("  a.b.c\r\n", 0),
        ("Bearer a.b.c", 1),
        ("bearer   a.b.c\n", 1),
        ("Authorization: Bearer a.b.c", 2),
        ("\"a.b.c\"", 1),
        ("'a.b.c'", 1),
        ("{\"token\":\"a.b.c\"}\n", 1),
    ] {
        let (token, found) = taken_out(given);
        assert_eq!((token.as_str(), found.len()), ("a.b.c", remarks), "{given}");
    }
    assert_eq!(taken_out(" \n").0, "");
    assert_eq!(taken_out("Bearer ").0, "Bearer", "there is nothing behind it");
}
