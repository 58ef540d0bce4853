//! Key sets (RFC 7517): which of the published keys are used, and for which algorithm.

use std::fmt;

use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use jsonwebtoken::{
    Algorithm, DecodingKey, crypto,
    jwk::{AlgorithmParameters, EllipticCurve, Jwk, KeyAlgorithm, KeyOperations, PublicKeyUse},
};
use serde_json::Value;
use task_support::json;

use crate::refusal::Refusal;

/// The most keys of a set that are used.
const MAX_KEYS: usize = 100;
/// The length of an RSA key in bits: the minimum of RFC 7518, section 3.3, and the maximum of the cryptography library.
const RSA_BITS: std::ops::RangeInclusive<usize> = 2048..=8192;
/// The fields of a JWK that are secret (RFC 7518, sections 6.2.2, 6.3.2 and 6.4; RFC 8037, section 2).
const SECRET_MEMBERS: [&str; 8] = ["d", "p", "q", "dp", "dq", "qi", "oth", "k"];

/// The keys of an issuer that can verify tokens.
#[derive(Debug, PartialEq)]
pub struct KeySet {
    keys: Vec<PublicKey>,
}

/// A public key. It serves one algorithm.
pub(crate) struct PublicKey {
    id: Option<String>,
    algorithm: Algorithm,
    jwk: Jwk,
    key: DecodingKey,
}

/// A key of a set that is not used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SkippedKey {
    /// Its index in the set, from 0.
    pub index: usize,
    /// Why it is not used.
    pub reason: &'static str,
}

/// What an answer is instead of a key set, as far as it shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NotAKeySet {
    /// It is empty.
    Empty,
    /// It is packed with gzip, which was not asked for.
    Compressed,
    /// It is a page for a browser.
    Page,
    /// It is the configuration of `OpenID` Connect, which says where the set is.
    OpenIdConfiguration,
    /// It is a key that is in no set.
    SingleKey,
    /// It is anything else.
    Other,
}

impl NotAKeySet {
    fn of(body: &[u8]) -> Self {
        let has = |text: &str| body.windows(text.len()).any(|window| window == text.as_bytes());
        match body.trim_ascii_start() {
            [] => Self::Empty,
            [0x1f, 0x8b, ..] => Self::Compressed,
            [b'<', ..] => Self::Page,
            _ if has("\"jwks_uri\"") => Self::OpenIdConfiguration,
            _ if has("\"kty\"") && !has("\"keys\"") => Self::SingleKey,
            _ => Self::Other,
        }
    }
}

impl fmt::Display for NotAKeySet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Empty => "nothing",
            Self::Compressed => "compressed, which was not asked for,",
            Self::Page => "an HTML page",
            Self::OpenIdConfiguration => "an OpenID configuration",
            Self::SingleKey => "a single key",
            Self::Other => "something else",
        })
    }
}

/// Why an answer is not a usable key set.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidKeySet {
    /// It is not a JSON object with an array of `keys`.
    #[error("its answer is {0} and not a key set: a JSON object with an array `keys` is needed")]
    NotAKeySet(NotAKeySet),
    /// No key of the set is usable.
    #[error("its key set has no key that can be used{}", reasons(.0))]
    NoUsableKey(Vec<SkippedKey>),
}

impl KeySet {
    /// Parses a set. Skips unusable keys (RFC 7517, section 5) and returns the reasons.
    pub fn parse(body: &[u8]) -> Result<(Self, Vec<SkippedKey>), InvalidKeySet> {
        // Some servers put a byte order mark in front of a file.
        let body = body.strip_prefix("\u{feff}".as_bytes()).unwrap_or(body);
        let not_a_set = || InvalidKeySet::NotAKeySet(NotAKeySet::of(body));
        let mut set = json::parse_object(body).map_err(|_| not_a_set())?;
        let Some(Value::Array(entries)) = set.remove("keys") else { return Err(not_a_set()) };
        let mut keys: Vec<PublicKey> = Vec::new();
        let mut skipped = Vec::new();
        for (index, entry) in entries.into_iter().enumerate() {
            match PublicKey::read(entry).and_then(|key| is_new(&keys, key)) {
                Ok(key) => keys.push(key),
                Err(reason) => skipped.push(SkippedKey { index, reason }),
            }
        }
        if keys.is_empty() { Err(InvalidKeySet::NoUsableKey(skipped)) } else { Ok((Self { keys }, skipped)) }
    }

    /// The algorithms of the keys by their names, in the order of the keys.
    #[must_use]
    pub fn algorithms(&self) -> Vec<&'static str> {
        self.keys.iter().map(PublicKey::algorithm).collect()
    }

    /// Each key's id and algorithm, in the order of the set. Both are public.
    pub fn ids_and_algorithms(&self) -> impl Iterator<Item = (Option<&str>, &'static str)> {
        self.keys.iter().map(|key| (key.id.as_deref(), key.algorithm()))
    }

    /// Finds the key with this id, whose algorithm must be the token's. Without an id, finds the only key of the algorithm.
    pub(crate) fn find(&self, id: Option<&str>, algorithm: &str) -> Result<&PublicKey, Refusal> {
        if let Some(id) = id {
            let key =
                self.keys.iter().find(|key| key.id.as_deref() == Some(id)).ok_or(Refusal::UnknownKey)?;
            return if key.algorithm() == algorithm { Ok(key) } else { Err(Refusal::Algorithm) };
        }
        let mut keys = self.keys.iter().filter(|key| key.algorithm() == algorithm);
        match (keys.next(), keys.next()) {
            (Some(key), None) => Ok(key),
            _ => Err(Refusal::UnknownKey),
        }
    }
}

impl PublicKey {
    /// The name of its algorithm.
    pub(crate) fn algorithm(&self) -> &'static str {
        algorithm_name(self.algorithm)
    }

    /// Verifies the signature, in strict base64url, of the text `signed`.
    pub(crate) fn verify(&self, signed: &str, signature: &str) -> Result<(), Refusal> {
        match crypto::verify(signature, signed.as_bytes(), &self.key, self.algorithm) {
            Ok(true) => Ok(()),
            Ok(false) => Err(Refusal::Signature),
            Err(_) => Err(Refusal::Malformed),
        }
    }

    fn read(entry: Value) -> Result<Self, &'static str> {
        let Value::Object(members) = &entry else { return Err("it is not an object") };
        if SECRET_MEMBERS.iter().any(|name| members.contains_key(*name)) {
            return Err("it is secret, and every reader of the set can sign with it: replace it at once");
        }
        let mut entry = entry;
        // RFC 9864 names the algorithm by the curve; the tokens say EdDSA all the same.
        if entry["alg"] == "Ed25519" {
            entry["alg"] = "EdDSA".into();
        }
        let mut jwk: Jwk = serde_json::from_value(entry).map_err(|_| "it is not a well-formed JWK")?;
        if let AlgorithmParameters::RSA(key) = &mut jwk.algorithm {
            (key.n, key.e) = (without_zeros(&key.n)?, without_zeros(&key.e)?);
        }
        let for_signatures =
            jwk.common.public_key_use.as_ref().is_none_or(|of| *of == PublicKeyUse::Signature)
                && (jwk.common.key_operations.as_ref())
                    .is_none_or(|all| all.contains(&KeyOperations::Verify));
        if !for_signatures {
            return Err("it is not for signatures");
        }
        let algorithm = algorithm(&jwk)?;
        let key = DecodingKey::from_jwk(&jwk).map_err(|_| "it is not strict base64url")?;
        Ok(Self { id: jwk.common.key_id.clone(), algorithm, jwk, key })
    }
}

impl PartialEq for PublicKey {
    fn eq(&self, other: &Self) -> bool {
        self.jwk == other.jwk
    }
}

impl fmt::Debug for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PublicKey")
            .field("id", &self.id)
            .field("algorithm", &self.algorithm)
            .finish_non_exhaustive()
    }
}

fn is_new(keys: &[PublicKey], key: PublicKey) -> Result<PublicKey, &'static str> {
    if keys.len() == MAX_KEYS {
        Err("there are too many")
    } else if key.id.is_some() && keys.iter().any(|other| other.id == key.id) {
        Err("another key before it has the same `kid`")
    } else {
        Ok(key)
    }
}

/// The algorithm that a key serves: the one that it names, or else the usual one of its type.
fn algorithm(jwk: &Jwk) -> Result<Algorithm, &'static str> {
    let named = jwk.common.key_algorithm;
    let serves = |usual: Algorithm, others: &[(KeyAlgorithm, Algorithm)]| match named {
        None => Ok(usual),
        Some(name) => (others.iter().find(|(other, _)| *other == name).map(|(_, algorithm)| *algorithm))
            .ok_or("its algorithm is none of EdDSA, ES256, RS256 and PS256"),
    };
    match &jwk.algorithm {
        AlgorithmParameters::OctetKeyPair(key) if key.curve == EllipticCurve::Ed25519 => {
            has_bytes(&key.x, 32)?;
            serves(Algorithm::EdDSA, &[(KeyAlgorithm::EdDSA, Algorithm::EdDSA)])
        }
        AlgorithmParameters::EllipticCurve(key) if key.curve == EllipticCurve::P256 => {
            has_bytes(&key.x, 32)?;
            has_bytes(&key.y, 32)?;
            serves(Algorithm::ES256, &[(KeyAlgorithm::ES256, Algorithm::ES256)])
        }
        AlgorithmParameters::RSA(key) => {
            if !RSA_BITS.contains(&bits(&key.n)?) {
                return Err("an RSA key must have 2048 to 8192 bits");
            }
            let both = [(KeyAlgorithm::RS256, Algorithm::RS256), (KeyAlgorithm::PS256, Algorithm::PS256)];
            serves(Algorithm::RS256, &both)
        }
        _ => Err("its kind is none of Ed25519, P-256 and RSA"),
    }
}

fn algorithm_name(algorithm: Algorithm) -> &'static str {
    match algorithm {
        Algorithm::ES256 => "ES256",
        Algorithm::RS256 => "RS256",
        Algorithm::PS256 => "PS256",
        _ => "EdDSA",
    }
}

fn decode(text: &str) -> Result<Vec<u8>, &'static str> {
    BASE64_URL_SAFE_NO_PAD.decode(text).map_err(|_| "it is not strict base64url")
}

fn has_bytes(text: &str, count: usize) -> Result<(), &'static str> {
    if decode(text)?.len() == count { Ok(()) } else { Err("it has not the length of its curve") }
}

/// The number without the zero octets that some libraries write in front of it (RFC 7518, section 6.3.1.1, forbids them).
fn without_zeros(text: &str) -> Result<String, &'static str> {
    let bytes = decode(text)?;
    let first = bytes.iter().position(|byte| *byte != 0).unwrap_or(bytes.len());
    Ok(BASE64_URL_SAFE_NO_PAD.encode(&bytes[first..]))
}

/// The length of a number in bits, without leading zeros.
fn bits(text: &str) -> Result<usize, &'static str> {
    let bytes = decode(text)?;
    let first = bytes.iter().position(|byte| *byte != 0);
    Ok(first.map_or(0, |first| (bytes.len() - first) * 8 - bytes[first].leading_zeros() as usize))
}

fn reasons(skipped: &[SkippedKey]) -> String {
    let texts: Vec<_> =
        skipped.iter().take(3).map(|key| format!("key {}: {}", key.index, key.reason)).collect();
    if texts.is_empty() { String::new() } else { format!(" ({})", texts.join("; ")) }
}

#[cfg(test)]
mod tests {
    use jsonwebtoken::EncodingKey;
    use serde_json::json;

    use super::*;

    const X: &str = "11qYAycpbwkVJlEJQwLRQyS5iTV3yHvVsDSy_5NQ0GQ";

    fn ed25519(changes: Value) -> Value {
        with(json!({"kty": "OKP", "crv": "Ed25519", "x": X, "alg": "EdDSA", "kid": "1"}), changes)
    }

    fn p256() -> Value {
        json!({"kty": "EC", "crv": "P-256", "x": X, "y": X, "kid": "2"})
    }

    fn rsa(bytes: usize, changes: Value) -> Value {
        let modulus = BASE64_URL_SAFE_NO_PAD.encode(vec![0xff; bytes]);
        with(json!({"kty": "RSA", "n": modulus, "e": "AQAB", "kid": "3"}), changes)
    }

    /// The key with `changes` applied; null removes a field.
    fn with(mut key: Value, changes: Value) -> Value {
        let (Value::Object(members), Value::Object(changes)) = (&mut key, changes) else { unreachable!() };
        for (name, value) in changes {
            members.insert(name, value);
        }
        members.retain(|_, value| !value.is_null());
        key
    }

    fn parse(keys: &[Value]) -> Result<(KeySet, Vec<SkippedKey>), InvalidKeySet> {
        KeySet::parse(json!({ "keys": keys }).to_string().as_bytes())
    }

    fn only(key: Value) -> Result<&'static str, &'static str> {
        match parse(&[key]) {
            Ok((keys, _)) => Ok(keys.algorithms()[0]),
            Err(InvalidKeySet::NoUsableKey(skipped)) => Err(skipped[0].reason),
            Err(InvalidKeySet::NotAKeySet(_)) => unreachable!("the body is a key set"),
        }
    }

    #[test]
    fn the_algorithm_is_the_one_that_the_key_names_or_else_the_usual_one_of_its_type() {
        assert_eq!(only(ed25519(json!({}))), Ok("EdDSA"));
        assert_eq!(only(ed25519(json!({"alg": null}))), Ok("EdDSA"));
        assert_eq!(only(p256()), Ok("ES256"));
        assert_eq!(only(rsa(256, json!({}))), Ok("RS256"));
        assert_eq!(only(rsa(256, json!({"alg": "RS256"}))), Ok("RS256"));
        assert_eq!(only(rsa(256, json!({"alg": "PS256"}))), Ok("PS256"));
    }

    #[test]
    fn a_key_of_another_algorithm_is_not_used() {
        for key in [
            ed25519(json!({"alg": "RS256"})),
            ed25519(json!({"alg": "HS256"})),
            ed25519(json!({"alg": "none"})),
            with(p256(), json!({"alg": "ES512"})),
            with(p256(), json!({"alg": "EdDSA"})),
            rsa(256, json!({"alg": "RS512"})),
            rsa(256, json!({"alg": "ES256"})),
            rsa(256, json!({"alg": "RSA-OAEP"})),
        ] {
            assert!(only(key.clone()).unwrap_err().contains("none of EdDSA"), "{key}");
        }
        for key in
            [with(p256(), json!({"crv": "P-521"})), ed25519(json!({"crv": "X25519"})), json!({"kty": "x"})]
        {
            assert!(only(key.clone()).is_err(), "{key}");
        }
    }

    #[test]
    fn an_rsa_key_has_at_least_2048_bits_in_any_spelling() {
        for (bytes, usable) in
            [(128, false), (255, false), (256, true), (512, true), (1024, true), (1025, false)]
        {
            assert_eq!(only(rsa(bytes, json!({}))).is_ok(), usable, "{bytes}");
        }
        let with_zeros = BASE64_URL_SAFE_NO_PAD.encode([&[0; 128][..], &[0xff; 128]].concat());
        assert!(only(rsa(256, json!({"n": with_zeros}))).unwrap_err().contains("2048"));
        let short_by_a_bit = BASE64_URL_SAFE_NO_PAD.encode([&[0x7f][..], &[0xff; 255]].concat());
        assert!(only(rsa(256, json!({"n": short_by_a_bit}))).is_err());
    }

    #[test]
    fn a_key_that_is_secret_or_not_for_signatures_is_not_used() {
        for name in SECRET_MEMBERS {
            assert!(only(ed25519(json!({name: "c2VjcmV0"}))).unwrap_err().contains("it is secret"), "{name}");
        }
        assert!(only(json!({"kty": "oct", "k": "c2VjcmV0", "alg": "HS256"})).unwrap_err().contains("secret"));
        assert!(only(ed25519(json!({"use": "enc"}))).is_err());
        assert!(only(ed25519(json!({"key_ops": ["sign"]}))).is_err());
        assert!(only(ed25519(json!({"use": "sig", "key_ops": ["verify"]}))).is_ok());
    }

    #[test]
    fn a_key_with_malformed_fields_is_not_used() {
        for key in [
            json!("key"),
            ed25519(json!({"x": "AAAA"})),
            ed25519(json!({"x": 7})),
            ed25519(json!({"x": format!("{X}=")})),
            ed25519(json!({"kid": 7})),
            with(p256(), json!({"y": null})),
            with(p256(), json!({"y": "AAAA"})),
            rsa(256, json!({"e": "?"})),
            rsa(256, json!({"n": ""})),
        ] {
            assert!(only(key.clone()).is_err(), "{key}");
        }
    }

    #[test]
    fn an_unusable_key_does_not_affect_the_others() {
        let keys = [json!({"kty": "new"}), ed25519(json!({})), ed25519(json!({"x": X})), p256()];
        let (keys, skipped) = parse(&keys).unwrap();
        assert_eq!(keys.algorithms(), ["EdDSA", "ES256"]);
        assert_eq!(skipped.iter().map(|key| key.index).collect::<Vec<_>>(), [0, 2], "2 repeats a `kid`");
    }

    #[test]
    fn at_most_a_hundred_keys_of_a_set_are_used() {
        let many: Vec<_> = (0..150).map(|number| ed25519(json!({"kid": number.to_string()}))).collect();
        let (keys, skipped) = parse(&many).unwrap();
        assert_eq!((keys.algorithms().len(), skipped.len()), (MAX_KEYS, 50));
    }

    #[test]
    fn a_modulus_and_an_exponent_may_begin_with_zero_octets() {
        let padded = |bytes: &[u8]| BASE64_URL_SAFE_NO_PAD.encode([&[0], bytes].concat());
        let plain = rsa(256, json!({}));
        let with_zero = rsa(256, json!({"n": padded(&[0xff; 256]), "e": padded(&[1, 0, 1])}));
        let key = |entry: &Value| parse(std::slice::from_ref(entry)).unwrap().0;
        let parameters = |entry: &Value| key(entry).keys[0].jwk.algorithm.clone();
        assert_eq!(only(with_zero.clone()), Ok("RS256"));
        assert_eq!(
            parameters(&with_zero),
            parameters(&rsa(256, json!({"n": BASE64_URL_SAFE_NO_PAD.encode([0xff; 256])})))
        );
        assert_eq!(only(plain), Ok("RS256"));
    }

    #[test]
    fn an_ed25519_key_may_name_its_algorithm_as_rfc_9864_does() {
        assert_eq!(only(ed25519(json!({"alg": "Ed25519"}))), Ok("EdDSA"));
    }

    #[test]
    fn a_byte_order_mark_before_a_key_set_is_no_part_of_it() {
        let set = json!({ "keys": [ed25519(json!({}))] });
        assert!(KeySet::parse(format!("\u{feff}{set}").as_bytes()).is_ok());
    }

    #[test]
    fn an_answer_that_is_not_a_key_set_is_said_to_be_what_it_is() {
        for (body, kind) in [
            (&b"\x1f\x8b\x08"[..], "compressed"),
            (b" <html>", "an HTML page"),
            (b"", "nothing"),
            (b"[]", "something else"),
            (br#"{"issuer":"x","jwks_uri":"y"}"#, "an OpenID configuration"),
            (br#"{"kty":"RSA"}"#, "a single key"),
        ] {
            let error = KeySet::parse(body).unwrap_err().to_string();
            assert!(error.starts_with(&format!("its answer is {kind}")), "{error}");
        }
    }

    #[test]
    fn an_answer_that_is_not_a_key_set_is_refused() {
        for body in
            ["", "<html>", "[]", "{}", r#"{"keys":{}}"#, r#"{"keys":[],"keys":[]}"#, r#"{"keys":null}"#]
        {
            let error = KeySet::parse(body.as_bytes()).unwrap_err();
            assert!(matches!(error, InvalidKeySet::NotAKeySet(_)), "{body}: {error}");
        }
        assert_eq!(parse(&[]).unwrap_err(), InvalidKeySet::NoUsableKey(Vec::new()));
        let error = parse(&[ed25519(json!({"d": "c2VjcmV0"}))]).unwrap_err().to_string();
        assert!(error.contains("key 0: it is secret") && !error.contains("c2VjcmV0"), "{error}");
    }

    #[test]
    fn a_key_is_found_by_its_id_and_serves_only_its_algorithm() {
        let (keys, _) = parse(&[ed25519(json!({})), rsa(256, json!({"alg": "PS256"}))]).unwrap();
        assert_eq!(keys.find(Some("1"), "EdDSA").unwrap().algorithm(), "EdDSA");
        assert_eq!(keys.find(Some("3"), "PS256").unwrap().algorithm(), "PS256");
        for algorithm in ["RS256", "HS256", "none", "eddsa"] {
            assert_eq!(keys.find(Some("3"), algorithm).unwrap_err(), Refusal::Algorithm, "{algorithm}");
        }
        for id in ["", "2", "1 ", "../1"] {
            assert_eq!(keys.find(Some(id), "EdDSA").unwrap_err(), Refusal::UnknownKey, "{id}");
        }
    }

    #[test]
    fn a_token_without_a_key_id_is_for_the_only_key_of_its_algorithm() {
        let (keys, _) = parse(&[ed25519(json!({})), p256(), ed25519(json!({"kid": "4"}))]).unwrap();
        assert_eq!(keys.find(None, "ES256").unwrap().algorithm(), "ES256");
        assert_eq!(keys.find(None, "EdDSA").unwrap_err(), Refusal::UnknownKey, "two keys fit");
        assert_eq!(keys.find(None, "RS256").unwrap_err(), Refusal::UnknownKey);
    }

    #[test]
    fn a_public_key_never_serves_as_a_secret() {
        let (keys, _) = parse(&[ed25519(json!({}))]).unwrap();
        let public = BASE64_URL_SAFE_NO_PAD.decode(X).unwrap();
        let forged = crypto::sign(b"a.b", &EncodingKey::from_secret(&public), Algorithm::HS256).unwrap();
        let key = keys.find(Some("1"), "EdDSA").unwrap();
        assert_eq!(key.verify("a.b", &forged), Err(Refusal::Signature));
        assert_eq!(key.verify("a.b", "?"), Err(Refusal::Malformed));
    }

    #[test]
    fn sets_of_the_same_keys_are_equal() {
        let one = || parse(&[ed25519(json!({}))]).unwrap().0;
        assert_eq!(one(), one());
        assert_ne!(one(), parse(&[ed25519(json!({"kid": "2"}))]).unwrap().0);
        assert_ne!(one(), parse(&[ed25519(json!({})), p256()]).unwrap().0);
    }
}
