//! Tokens that are signed well and say what no token may say.

use serde_json::{Value, json};

use super::Named;
use crate::helpers::issuer::{Signer, valid_claims};

/// A session token of Better Auth's `bearer()` plugin.
pub(super) const SESSION_TOKEN: &str =
    "aB3dE5fG7hI9jK1lM3nO5pQ7rS9tU1vW.c2lnbmF0dXJlIG9mIHRoZSBzZXNzaW9uIHRva2VuISE=";

/// Tricks with the header.
pub(super) fn headers(signer: &Signer) -> Vec<Named> {
    let jwk = Signer::new(jsonwebtoken::Algorithm::EdDSA, "attacker").public();
    let spellings =
        ["none", "None", "NONE", "nOnE", " none", "none ", "", "null", "hs256", "eddsa", "HS512", "ES512"];
    let mut tokens = Vec::new();
    for spelling in spellings {
        let with_signature = signer.token(&json!({ "alg": spelling }), &json!({}));
        let unsigned = format!("{}.", with_signature.rsplit_once('.').unwrap().0);
        tokens.extend([
            (format!("alg {spelling:?}"), with_signature),
            (format!("alg {spelling:?}, unsigned"), unsigned),
        ]);
    }
    let mut tricks = vec![
        ("alg in an array", json!({"alg": [signer.name()]})),
        ("alg a number", json!({"alg": 7})),
        ("alg an object", json!({"alg": {"name": signer.name()}})),
        ("no alg", json!({"alg": null})),
        ("crit unknown", json!({"crit": ["urn:example:extension"], "urn:example:extension": true})),
        ("crit known", json!({"crit": ["exp"], "exp": 4_102_444_800_u64})),
        ("crit empty", json!({"crit": []})),
        ("crit no array", json!({"crit": "exp"})),
        ("b64 false", json!({"b64": false, "crit": ["b64"]})),
    ];
    if signer.kid.is_some() {
        tricks.extend([
            ("typ of an access token", json!({"typ": "at+jwt"})),
            ("typ of an encrypted token", json!({"typ": "JWE"})),
            ("typ of a proof", json!({"typ": "dpop+jwt"})),
            ("typ empty", json!({"typ": ""})),
            ("typ a number", json!({"typ": 1})),
            ("kid unknown", json!({"kid": "unknown"})),
            ("kid empty", json!({"kid": ""})),
            ("kid a number", json!({"kid": 1})),
            ("kid an array", json!({"kid": [signer.kid]})),
            ("kid a path", json!({"kid": "../../../../dev/null"})),
            ("kid of SQL", json!({"kid": "x' UNION SELECT 'key' --"})),
            ("kid an address", json!({"kid": "http://127.0.0.1:1/key"})),
            (
                "kid of another key",
                json!({"kid": if signer.name() == "ES256" { "key-EdDSA" } else { "key-ES256" }}),
            ),
            ("kid very long", json!({"kid": "k".repeat(30_000)})),
            ("jwk of an attacker", json!({"jwk": jwk, "kid": "attacker"})),
            ("jku of an attacker", json!({"jku": "http://127.0.0.1:1/jwks", "kid": "attacker"})),
            ("x5u of an attacker", json!({"x5u": "http://127.0.0.1:1/cert", "kid": "attacker"})),
            ("x5c of an attacker", json!({"x5c": ["AAAA"], "kid": "attacker"})),
        ]);
    }
    tokens.extend(
        tricks.into_iter().map(|(name, header)| (name.to_owned(), signer.token(&header, &json!({})))),
    );
    tokens
}

/// Claims of the wrong type or value.
pub(super) fn claims(signer: &Signer) -> Vec<Named> {
    let types = [json!(true), json!([]), json!(["alice"]), json!({}), json!({"x": 1})];
    let mut wrong: Vec<(String, Value)> = Vec::new();
    let mut add = |name: &str, values: &[Value]| {
        wrong.extend(values.iter().map(|value| (format!("{name} {value}"), json!({ name: value }))));
    };
    add("sub", &types);
    add("sub", &[json!(7), json!(""), json!(" "), json!("."), json!(".."), json!("a\u{0}"), json!("a\nb")]);
    add("sub", &[json!("x".repeat(256)), json!("\u{7f}"), json!("\u{85}")]);
    add("exp", &types);
    add("exp", &[json!("4102444800"), json!(0), json!(1), json!(-1), json!(-1e308), json!(1_000_000_000)]);
    add("nbf", &types);
    add("nbf", &[json!("0"), json!(4_102_444_800_u64), json!(1e300)]);
    if signer.kid.is_some() {
        add("iss", &types);
        add(
            "iss",
            &[json!(1), json!(""), json!("https://app.example.com/"), json!("http://app.example.com")],
        );
        add("iss", &[json!("https://APP.example.com"), json!("https://app.example.com:443"), json!("null")]);
        add("aud", &types);
        add(
            "aud",
            &[
                json!(1),
                json!(""),
                json!("https://app.example.com/"),
                json!(["other", ["https://app.example.com"]]),
            ],
        );
    }
    let mut tokens: Vec<Named> =
        wrong.iter().map(|(name, claims)| (name.clone(), signer.token(&json!({}), claims))).collect();
    let required: &[&str] =
        if signer.kid.is_some() { &["sub", "exp", "iss", "aud"] } else { &["sub", "exp"] };
    tokens.extend(
        required.iter().map(|name| (format!("no {name}"), signer.token(&json!({}), &json!({ *name: null })))),
    );
    // A null that is there, and a number beyond a double.
    let head = signer.header().to_string();
    let valid = valid_claims().to_string();
    for (name, text) in [
        ("exp null", valid.replacen(r#""exp":"#, r#""exp":null,"was":"#, 1)),
        ("exp beyond a double", valid.replacen(r#""exp":"#, r#""exp":1e999,"was":"#, 1)),
        ("sub null", valid.replacen(r#""sub":"#, r#""sub":null,"was":"#, 1)),
    ] {
        tokens.push((name.to_owned(), signer.sign_text(&head, &text)));
    }
    tokens
}
