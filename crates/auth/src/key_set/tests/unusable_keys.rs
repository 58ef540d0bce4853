//! Keys that verify nothing, and the reason that is given for each.

use serde_json::{Value, json};

use super::{
    only,
    pairs::{ED25519, P256, RS256, base64url},
};
use crate::key_set::public_key::SECRET_MEMBERS;

/// The key is not used, and the sentence has these words.
fn refused(key: &Value, words: &str) {
    let reason = only(key).expect_err(&format!("{key} is used")).to_string();
    assert!(reason.contains(words), "{key}: {reason}");
}

#[test]
fn a_key_of_another_kind_is_named_and_not_used() {
    for (kind, curve, name) in [
        ("EC", "P-521", "P-521"),
        ("EC", "P-384", "P-384"),
        ("EC", "secp256k1", "secp256k1"),
        ("OKP", "X25519", "X25519"),
        ("OKP", "Ed448", "Ed448"),
        ("AKP", "", "AKP"),
        ("oct", "", "oct"),
        ("\u{1b}[31m", "", "unknown"),
        ("EC", "\n", "unknown"),
    ] {
        let key = ED25519.public(json!({"kty": kind, "crv": curve, "alg": "EdDSA", "y": "AAAA"}));
        refused(&key, &format!("its kind is {name}, and none of Ed25519, P-256 and RSA"));
    }
    refused(&json!({}), "its kind is unknown");
    refused(&ED25519.public(json!({"crv": null})), "its kind is unknown");
}

#[test]
fn a_key_of_another_algorithm_is_not_used() {
    for (key, name) in [
        (ED25519.public(json!({"alg": "RS256"})), "RS256"),
        (ED25519.public(json!({"alg": "HS256"})), "HS256"),
        (ED25519.public(json!({"alg": "none"})), "none"),
        (ED25519.public(json!({"alg": "Ed448"})), "Ed448"),
        (ED25519.public(json!({"alg": "eddsa"})), "eddsa"),
        (P256.public(json!({"alg": "ES512"})), "ES512"),
        (P256.public(json!({"alg": "EdDSA"})), "EdDSA"),
        (RS256.public(json!({"alg": "RS512"})), "RS512"),
        (RS256.public(json!({"alg": "Ed25519"})), "Ed25519"),
        (RS256.public(json!({"alg": "RSA-OAEP"})), "RSA-OAEP"),
        (RS256.public(json!({"alg": 7})), "unknown"),
    ] {
        refused(&key, &format!("its algorithm is {name}, which is none of EdDSA, ES256, RS256 and PS256"));
    }
}

#[test]
fn a_key_that_is_for_another_purpose_is_told_from_one_that_is_wrong() {
    for changes in [
        json!({"use": "enc"}),
        json!({"use": "enc", "alg": "RSA-OAEP-256"}),
        json!({"alg": "RSA-OAEP"}),
        json!({"use": 7}),
        json!({"use": "SIG"}),
        json!({"key_ops": ["sign"]}),
        json!({"key_ops": []}),
        json!({"key_ops": "verify"}),
        json!({"use": "sig", "key_ops": ["wrapKey"]}),
    ] {
        let reason = only(&RS256.public(changes.clone())).unwrap_err();
        assert!(reason.is_for_another_purpose() && !reason.is_secret(), "{changes}: {reason}");
    }
    for changes in [json!({"alg": "RS512"}), json!({"n": "AAAA"}), json!({"kty": "AKP"})] {
        assert!(!only(&RS256.public(changes)).unwrap_err().is_for_another_purpose());
    }
}

#[test]
fn a_secret_key_is_never_used() {
    for name in SECRET_MEMBERS {
        let reason = only(&ED25519.public(json!({name: "c2VjcmV0"}))).unwrap_err();
        assert!(reason.is_secret(), "{name}: {reason}");
    }
    assert!(only(&json!({"kty": "oct", "k": "c2VjcmV0", "alg": "HS256"})).unwrap_err().is_secret());
    refused(&json!({"kty": "oct", "alg": "HS256"}), "its kind is oct");
}

#[test]
fn an_rsa_key_has_at_least_2048_bits_in_any_spelling() {
    let of = |octets: &[u8]| RS256.public(json!({"n": base64url(octets)}));
    for (octets, bits) in [(128, 1024), (255, 2040), (1025, 8200)] {
        refused(&of(&vec![0xff; octets]), &format!("must have 2048 to 8192 bits, and it has {bits}"));
    }
    for octets in [256, 512, 1024] {
        assert_eq!(only(&of(&vec![0xff; octets])), Ok("RS256"), "{octets}");
    }
    refused(&of(&[vec![0; 128], vec![0xff; 128]].concat()), "it has 1024");
    refused(&of(&[vec![0x7f], vec![0xff; 255]].concat()), "it has 2047");
    refused(&of(&[]), "it has 0");
}

#[test]
fn numbers_that_make_no_rsa_key_are_not_used() {
    for exponent in [&[][..], &[0], &[1], &[0, 1], &[2], &[1, 0, 2], &[2, 0, 0, 0, 1], &[0xff; 16]] {
        refused(
            &RS256.public(json!({"e": base64url(exponent)})),
            "it is no RSA key: `n` and `e` must be odd",
        );
    }
    let mut even = RS256.octets("n");
    *even.last_mut().unwrap() &= 0xfe;
    refused(&RS256.public(json!({"n": base64url(&even)})), "it is no RSA key");
}

#[test]
fn a_point_that_is_not_on_its_curve_is_not_used() {
    let y = P256.octets("y");
    refused(&P256.public(json!({"x": base64url(&y), "y": base64url(&y)})), "no point of its curve");
    refused(&P256.public(json!({"x": "", "y": ""})), "no point of its curve");
    refused(&P256.public(json!({"y": "AAAA"})), "no point of its curve");
    refused(&P256.public(json!({"x": base64url(&[1; 33])})), "its `x` must have 32 octets, and has 33");
    for x in [&[2; 32], &[0; 32]] {
        refused(&ED25519.public(json!({"x": base64url(x)})), "no point of its curve");
    }
    for count in [0, 31, 33] {
        let words = format!("its `x` must have 32 octets, and has {count}");
        refused(&ED25519.public(json!({"x": base64url(&vec![1; count])})), &words);
    }
}

#[test]
fn a_member_that_is_missing_or_not_encoded_is_named() {
    refused(&json!("key"), "it is not an object");
    refused(&ED25519.public(json!({"kid": 7})), "its `kid` is not a string");
    refused(&P256.public(json!({"y": null})), "it lacks `y`");
    for text in [json!(7), json!("?"), json!("AA AA"), json!("AA\nAA"), json!("A"), json!("AAAA=AAAA")] {
        refused(&ED25519.public(json!({"x": text})), "its `x` is not base64url");
        refused(&RS256.public(json!({"e": text})), "its `e` is not base64url");
    }
    let certified = RS256.public(json!({"n": null, "e": null, "x5c": ["MIIB"]}));
    refused(&certified, "it lacks `n`, and a certificate (`x5c`) does not take its place");
}
