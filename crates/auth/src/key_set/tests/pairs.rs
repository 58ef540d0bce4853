//! Key pairs of an issuer, one of each kind, and what is published of them.

use std::sync::LazyLock;

use aws_lc_rs::{
    encoding::AsDer,
    rand::SystemRandom,
    rsa,
    signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, Ed25519KeyPair},
};
use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use jsonwebtoken::{Algorithm, EncodingKey, crypto, jwk::Jwk};
use serde_json::{Value, json};

/// What stands before a key of RSA with 2048 bits in PKCS #8.
const PKCS8_PREFIX: usize = 26;

pub(super) static ED25519: LazyLock<Pair> = LazyLock::new(|| {
    let document = Ed25519KeyPair::generate_pkcs8v1(&SystemRandom::new()).unwrap();
    Pair { algorithm: Algorithm::EdDSA, key: EncodingKey::from_ed_der(document.as_ref()) }
});
pub(super) static P256: LazyLock<Pair> = LazyLock::new(new_p256);
static RSA: LazyLock<EncodingKey> = LazyLock::new(|| {
    let document: aws_lc_rs::encoding::Pkcs8V1Der<'static> =
        rsa::KeyPair::generate(rsa::KeySize::Rsa2048).unwrap().as_der().unwrap();
    EncodingKey::from_rsa_der(&document.as_ref()[PKCS8_PREFIX..])
});
pub(super) static RS256: LazyLock<Pair> =
    LazyLock::new(|| Pair { algorithm: Algorithm::RS256, key: RSA.clone() });
pub(super) static PS256: LazyLock<Pair> =
    LazyLock::new(|| Pair { algorithm: Algorithm::PS256, key: RSA.clone() });

pub(super) struct Pair {
    pub(super) algorithm: Algorithm,
    key: EncodingKey,
}

pub(super) fn new_p256() -> Pair {
    let document =
        EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &SystemRandom::new()).unwrap();
    Pair { algorithm: Algorithm::ES256, key: EncodingKey::from_ec_der(document.as_ref()) }
}

impl Pair {
    /// The public key with the `kid` 1, with `changes` applied; null removes a member.
    pub(super) fn public(&self, changes: Value) -> Value {
        let key = serde_json::to_value(Jwk::from_encoding_key(&self.key, self.algorithm).unwrap()).unwrap();
        with(with(key, json!({"kid": "1"})), changes)
    }

    /// The octets of a member.
    pub(super) fn octets(&self, name: &str) -> Vec<u8> {
        BASE64_URL_SAFE_NO_PAD.decode(self.public(json!({}))[name].as_str().unwrap()).unwrap()
    }

    /// The signature of `text`, in base64url.
    pub(super) fn sign(&self, text: &str) -> String {
        crypto::sign(text.as_bytes(), &self.key, self.algorithm).unwrap()
    }
}

pub(super) fn with(mut key: Value, changes: Value) -> Value {
    let (Value::Object(members), Value::Object(changes)) = (&mut key, changes) else { unreachable!() };
    members.extend(changes);
    members.retain(|_, value| !value.is_null());
    key
}

pub(super) fn base64url(octets: &[u8]) -> String {
    BASE64_URL_SAFE_NO_PAD.encode(octets)
}
