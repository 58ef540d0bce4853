mod forms;
mod pairs;
mod unusable_keys;

use jsonwebtoken::EncodingKey;
use serde_json::json;

use self::pairs::{ED25519, P256, PS256, Pair, RS256, base64url};
use super::*;

fn parse(keys: &[Value]) -> Result<(KeySet, Vec<SkippedKey>), InvalidKeySet> {
    KeySet::parse(json!({ "keys": keys }).to_string().as_bytes())
}

/// The algorithm of the only key, or why it is not used.
fn only(key: &Value) -> Result<&'static str, Unusable> {
    match parse(std::slice::from_ref(key)) {
        Ok((keys, _)) => Ok(keys.algorithms()[0]),
        Err(InvalidKeySet::NoUsableKey(mut skipped)) => Err(skipped.remove(0).reason),
        Err(InvalidKeySet::NotAKeySet(_)) => unreachable!("the body is a key set"),
    }
}

#[test]
fn an_unusable_key_does_not_affect_the_others() {
    let of = |id: &str| json!({"kid": id});
    let keys = [
        json!({"kty": "AKP", "alg": "ML-DSA-65", "pub": "AAAA", "kid": "new"}),
        ED25519.public(json!({})),
        json!({"kty": "oct", "alg": "HS256", "kid": "oct"}),
        ED25519.public(json!({"x": "AAAA", "kid": "3"})),
        P256.public(json!({"kid": 7})),
        RS256.public(json!({"use": "enc", "alg": "RSA-OAEP", "kid": "5"})),
        json!([]),
        P256.public(of("4")),
    ];
    let (keys, skipped) = parse(&keys).unwrap();
    assert_eq!(keys.algorithms(), ["EdDSA", "ES256"]);
    let skipped: Vec<_> = skipped.iter().map(|key| (key.index, key.id.as_deref())).collect();
    assert_eq!(
        skipped,
        [(0, Some("new")), (2, Some("oct")), (3, Some("3")), (4, None), (5, Some("5")), (6, None)]
    );
}

#[test]
fn at_most_a_hundred_keys_of_a_set_are_used() {
    let many: Vec<_> = (0..150).map(|number| ED25519.public(json!({"kid": number.to_string()}))).collect();
    let (keys, skipped) = parse(&many).unwrap();
    assert_eq!((keys.algorithms().len(), skipped.len()), (MAX_KEYS, 50));
    assert!(skipped.iter().all(|key| key.reason == Unusable::TooMany));
}

#[test]
fn a_byte_order_mark_before_a_key_set_is_no_part_of_it() {
    let set = json!({ "keys": [ED25519.public(json!({}))] });
    assert!(KeySet::parse(format!("\u{feff}{set}\r\n").as_bytes()).is_ok());
}

#[test]
fn an_answer_that_is_not_a_key_set_is_said_to_be_what_it_is() {
    let utf16: Vec<u8> = "\u{feff}{\"keys\":[]}".encode_utf16().flat_map(u16::to_le_bytes).collect();
    for (body, kind) in [
        (&b"\x1f\x8b\x08"[..], "compressed"),
        (b" <html>", "an HTML page"),
        (b"", "nothing"),
        (b"[]", "something else"),
        (br#"{"issuer":"x","jwks_uri":"y"}"#, "an OpenID configuration"),
        (br#"{"kty":"RSA"}"#, "a single key"),
        (&utf16, "in UTF-16"),
        (&utf16[2..], "in UTF-16"),
        (br#"{"keys":[{"kid":"1","kid":"2"}]}"#, "malformed JSON (a member is repeated at line 1"),
        (br#"{"keys":[{"kid":"s3cret"}"#, "malformed JSON (it ends too early at line 1"),
        (b"{\"keys\":[\"\xff\"]}", "malformed JSON (it is not UTF-8)"),
    ] {
        let error = KeySet::parse(body).unwrap_err().to_string();
        assert!(error.starts_with(&format!("its answer is {kind}")), "{error}");
        assert!(!error.contains("s3cret"), "{error}");
    }
}

#[test]
fn an_answer_that_is_not_a_key_set_is_refused() {
    for body in ["", "<html>", "[]", "{}", r#"{"keys":{}}"#, r#"{"keys":[],"keys":[]}"#, r#"{"keys":null}"#] {
        let error = KeySet::parse(body.as_bytes()).unwrap_err();
        assert!(matches!(error, InvalidKeySet::NotAKeySet(_)), "{body}: {error}");
    }
    assert_eq!(parse(&[]).unwrap_err(), InvalidKeySet::NoUsableKey(Vec::new()));
    let error = parse(&[ED25519.public(json!({"d": "c2VjcmV0"}))]).unwrap_err().to_string();
    assert!(error.contains("key 0: it is secret") && !error.contains("c2VjcmV0"), "{error}");
}

#[test]
fn a_key_is_found_by_its_id_and_serves_only_its_algorithm() {
    let (keys, _) = parse(&[ED25519.public(json!({})), PS256.public(json!({"kid": "3"}))]).unwrap();
    assert_eq!(keys.find(Some("1"), Algorithm::EdDSA).unwrap().algorithm_name(), "EdDSA");
    assert_eq!(keys.find(Some("3"), Algorithm::PS256).unwrap().algorithm_name(), "PS256");
    for algorithm in [Algorithm::RS256, Algorithm::HS256, Algorithm::EdDSA] {
        assert_eq!(keys.find(Some("3"), algorithm).unwrap_err(), Refusal::Algorithm, "{algorithm:?}");
    }
    for id in ["", "2", "1 ", "../1"] {
        assert_eq!(keys.find(Some(id), Algorithm::EdDSA).unwrap_err(), Refusal::UnknownKey, "{id}");
    }
}

#[test]
fn keys_of_several_algorithms_may_share_an_id_and_two_of_one_may_not() {
    let all: [&Pair; 4] = [&ED25519, &P256, &RS256, &PS256];
    let (keys, skipped) = parse(&all.map(|pair| pair.public(json!({})))).unwrap();
    assert_eq!(skipped, []);
    for pair in all {
        let key = keys.find(Some("1"), pair.algorithm).unwrap();
        assert_eq!(key.verify("a.b", &pair.sign("a.b")), Ok(()), "{:?}", pair.algorithm);
    }
    let (keys, skipped) = parse(&[P256.public(json!({})), pairs::new_p256().public(json!({}))]).unwrap();
    assert_eq!(keys.find(Some("1"), Algorithm::ES256).unwrap().verify("a.b", &P256.sign("a.b")), Ok(()));
    assert_eq!(skipped[0].reason, Unusable::Repeated);
}

#[test]
fn a_token_without_a_key_id_is_for_the_only_key_of_its_algorithm() {
    let keys =
        [ED25519.public(json!({"kid": null})), P256.public(json!({})), ED25519.public(json!({"kid": null}))];
    let (keys, _) = parse(&keys).unwrap();
    assert_eq!(keys.find(None, Algorithm::ES256).unwrap().algorithm_name(), "ES256");
    assert_eq!(keys.find(None, Algorithm::EdDSA).unwrap_err(), Refusal::UnknownKey, "two keys fit");
    assert_eq!(keys.find(None, Algorithm::RS256).unwrap_err(), Refusal::UnknownKey);
}

#[test]
fn a_public_key_never_serves_as_a_secret() {
    let (keys, _) = parse(&[ED25519.public(json!({}))]).unwrap();
    let secret = EncodingKey::from_secret(&ED25519.octets("x"));
    let forged = jsonwebtoken::crypto::sign(b"a.b", &secret, Algorithm::HS256).unwrap();
    let key = keys.find(Some("1"), Algorithm::EdDSA).unwrap();
    assert_eq!(key.verify("a.b", &forged), Err(Refusal::Signature));
    assert_eq!(key.verify("a.b", "?"), Err(Refusal::Malformed));
}

#[test]
fn sets_of_the_same_keys_are_equal() {
    let one = || parse(&[ED25519.public(json!({}))]).unwrap().0;
    assert_eq!(one(), one());
    assert_ne!(one(), parse(&[ED25519.public(json!({"kid": "2"}))]).unwrap().0);
    assert_ne!(one(), parse(&[ED25519.public(json!({})), P256.public(json!({}))]).unwrap().0);
    let shown = format!("{:?}", one());
    assert!(shown.contains("EdDSA") && !shown.contains(&base64url(&ED25519.octets("x"))), "{shown}");
}
