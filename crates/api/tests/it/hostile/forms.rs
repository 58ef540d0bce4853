//! Tokens that are not written as a token is, but signed well.

use base64::{
    Engine,
    prelude::{BASE64_STANDARD_NO_PAD, BASE64_URL_SAFE},
};
use serde_json::json;

use super::Named;
use crate::helpers::{
    issuer::{Signer, valid_claims},
    tokens::encode,
};

/// Those of one signer.
pub(super) fn tokens(signer: &Signer) -> Vec<Named> {
    let (header, claims) = (encode(signer.header().to_string()), encode(valid_claims().to_string()));
    let good = signer.sign_parts(&header, &claims);
    let signature = good.rsplit_once('.').unwrap().1.to_owned();
    let mut tokens = parts(signer, &good, [&header, &claims, &signature]);
    tokens.extend(encodings(signer, &good, &header, &claims));
    tokens.extend(repetitions(signer));
    tokens.into_iter().map(|(name, token)| (name.to_owned(), token)).collect()
}

fn parts(signer: &Signer, good: &str, [header, claims, signature]: [&str; 3]) -> Vec<(&'static str, String)> {
    vec![
        ("one part", header.to_owned()),
        ("two parts", format!("{header}.{claims}")),
        ("no signature", format!("{header}.{claims}.")),
        ("no header", format!(".{claims}.{signature}")),
        ("no claims", format!("{header}..{signature}")),
        ("no claims, but signed", signer.sign_parts(header, "")),
        ("dots", "..".to_owned()),
        ("four parts", format!("{good}.{signature}")),
        ("five parts, as an encrypted token has", format!("{header}.{claims}.{claims}.{claims}.{signature}")),
        ("parts in another order", format!("{claims}.{header}.{signature}")),
        (
            "JSON serialization",
            json!({"protected": header, "payload": claims, "signature": signature}).to_string(),
        ),
        (
            "a token in a token",
            signer
                .sign_text(&json!({"alg": signer.name(), "kid": signer.kid, "cty": "JWT"}).to_string(), good),
        ),
        ("base64 of a token", encode(good)),
        ("a truncated signature", good[..good.len() - 4].to_owned()),
        ("a longer signature", format!("{good}AAAA")),
        ("a signature of zeros", format!("{header}.{claims}.{}", "A".repeat(signature.len()))),
        (
            "another message's signature",
            format!("{header}.{}.{signature}", encode(r#"{"sub":"bob","exp":4102444800}"#)),
        ),
        ("60 KB of garbage", "A".repeat(60_000)),
        ("100 KB of dots", ".".repeat(100_000)),
        ("100 KB in a part", format!("{header}.{}.{signature}", "A".repeat(100_000))),
        ("200 KB of garbage", "A".repeat(200_000)),
        ("200 KB of claims, signed", signer.token(&json!({}), &json!({"x": "y".repeat(150_000)}))),
        ("deep nesting", signer.sign_text(&signer.header().to_string(), &"[".repeat(30_000))),
    ]
}

fn encodings(signer: &Signer, good: &str, header: &str, claims: &str) -> Vec<(&'static str, String)> {
    let head = signer.header().to_string();
    let with_padding = BASE64_URL_SAFE.encode(r#"{"sub":"alice","exp":4102444800}"#);
    let standard = BASE64_STANDARD_NO_PAD
        .encode("{\"sub\":\"alice\",\"exp\":4102444800,\"x\":\"\u{3ff}\u{3ff}???>>>~~~\"}");
    assert!(with_padding.ends_with('=') && standard.contains(['+', '/']));
    vec![
        ("padding", format!("{good}=")),
        ("padding of the claims, signed", signer.sign_parts(header, &with_padding)),
        ("padding of the header, signed", signer.sign_parts(&format!("{header}="), claims)),
        ("the other alphabet, signed", signer.sign_parts(header, &standard)),
        ("white space, signed", signer.sign_parts(header, &format!("{claims} "))),
        ("percent-encoding", good.replace('.', "%2E")),
        ("no JSON", signer.sign_text(&head, "sub=alice")),
        ("JSON and more", signer.sign_text(&head, &format!("{}x", valid_claims()))),
        ("a byte order mark", signer.sign_text(&head, &format!("\u{feff}{}", valid_claims()))),
        ("claims in an array", signer.sign_text(&head, &format!("[{}]", valid_claims()))),
        ("claims in a string", signer.sign_text(&head, &json!(valid_claims().to_string()).to_string())),
        ("null for claims", signer.sign_text(&head, "null")),
        ("a header in an array", signer.sign_text(&format!("[{head}]"), &valid_claims().to_string())),
        ("a lone surrogate", signer.sign_text(&head, r#"{"sub":"\ud800","exp":4102444800}"#)),
        ("not UTF-8", signer.sign_parts(header, &encode(b"{\"sub\":\"\xff\",\"exp\":4102444800}"))),
    ]
}

/// Members that two parsers may read differently.
fn repetitions(signer: &Signer) -> Vec<(&'static str, String)> {
    let head = signer.header().to_string();
    let inside = |text: &str| text.trim_matches(['{', '}']).to_owned();
    let claims = inside(&valid_claims().to_string());
    let header = inside(&head);
    let alg = signer.name();
    vec![
        ("alg twice", signer.sign_text(&format!(r#"{{{header},"alg":"{alg}"}}"#), &format!("{{{claims}}}"))),
        (
            "alg twice, none first",
            signer.sign_text(&format!(r#"{{"alg":"none",{header}}}"#), &format!("{{{claims}}}")),
        ),
        (
            "alg twice, escaped",
            signer.sign_text(&format!(r#"{{{header},"\u0061lg":"none"}}"#), &format!("{{{claims}}}")),
        ),
        ("sub twice", signer.sign_text(&head, &format!(r#"{{{claims},"sub":"bob"}}"#))),
        ("sub twice, escaped", signer.sign_text(&head, &format!(r#"{{"s\u0075b":"bob",{claims}}}"#))),
        ("exp twice", signer.sign_text(&head, &format!(r#"{{"exp":1,{claims}}}"#))),
        ("a nested member twice", signer.sign_text(&head, &format!(r#"{{{claims},"x":{{"y":1,"y":2}}}}"#))),
    ]
}
