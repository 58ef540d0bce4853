//! Tokens of those who may not sign, whatever the service is configured for.

use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use jsonwebtoken::{Algorithm, EncodingKey, crypto};
use serde_json::{Value, json};

use super::{Named, misuse::SESSION_TOKEN};
use crate::helpers::{
    issuer::{KEYS, Signer, key_set, valid_claims},
    tokens::encode,
};

/// The order of the group of Ed25519, the least significant byte first (RFC 8032, section 5.1).
const ED25519_ORDER: [u8; 32] = [
    0xed, 0xd3, 0xf5, 0x5c, 0x1a, 0x63, 0x12, 0x58, 0xd6, 0x9c, 0xf7, 0xa2, 0xde, 0xf9, 0xde, 0x14, 0, 0, 0,
    0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x10,
];

pub(super) fn tokens() -> Vec<Named> {
    let mut tokens = confusions();
    tokens.extend(strangers());
    tokens.extend(signatures());
    tokens.extend(of_better_auth());
    tokens.into_iter().map(|(name, token)| (name.to_owned(), token)).collect()
}

/// HS256 with something that everybody knows for a secret.
fn confusions() -> Vec<(&'static str, String)> {
    let key = &KEYS[0];
    let jwk = key.public();
    let x = jwk["x"].as_str().unwrap();
    let rsa = KEYS[2].public();
    let header = json!({"alg": "HS256", "kid": key.kid});
    let by = |secret: &[u8]| {
        let signed = format!("{}.{}", encode(header.to_string()), encode(valid_claims().to_string()));
        let signature = crypto::sign(signed.as_bytes(), &EncodingKey::from_secret(secret), Algorithm::HS256);
        format!("{signed}.{}", signature.unwrap())
    };
    vec![
        ("HS256 with the public key's bytes", by(&BASE64_URL_SAFE_NO_PAD.decode(x).unwrap())),
        ("HS256 with the public key's text", by(x.as_bytes())),
        ("HS256 with the JWK", by(jwk.to_string().as_bytes())),
        ("HS256 with the key set", by(key_set(std::slice::from_ref(&jwk)).as_bytes())),
        ("HS256 with the modulus", by(rsa["n"].as_str().unwrap().as_bytes())),
        ("HS256 with the kid", by(key.kid.as_deref().unwrap().as_bytes())),
        ("HS256 with nothing", by(b"")),
        ("HS256 with another secret", by(b"another secret of thirty-two bytes")),
    ]
}

/// Keys that are not the issuer's, or are for another algorithm.
fn strangers() -> Vec<(&'static str, String)> {
    let stranger = |of: &Signer| Signer::of("stranger", of.algorithm, of.kid.as_deref().unwrap());
    let mut nameless = Signer::new(Algorithm::EdDSA, "x");
    nameless.kid = None;
    let [eddsa, es256, rs256, ps256] = &*KEYS;
    vec![
        ("another issuer's EdDSA key of the same kid", stranger(eddsa).valid()),
        ("another issuer's ES256 key of the same kid", stranger(es256).valid()),
        ("another issuer's RS256 key of the same kid", stranger(rs256).valid()),
        ("a stranger's key without kid", nameless.valid()),
        ("RS256 with a key for PS256", rs256.token(&json!({"kid": ps256.kid}), &json!({}))),
        ("PS256 with a key for RS256", ps256.token(&json!({"kid": rs256.kid}), &json!({}))),
        ("PS256 that says RS256", ps256.token(&json!({"alg": "RS256"}), &json!({}))),
        ("RS256 that says PS256", rs256.token(&json!({"alg": "PS256", "kid": ps256.kid}), &json!({}))),
        ("ES256 that says EdDSA", es256.token(&json!({"alg": "EdDSA", "kid": eddsa.kid}), &json!({}))),
    ]
}

/// Signatures that a careless verifier takes.
fn signatures() -> Vec<(&'static str, String)> {
    let [eddsa, es256, ..] = &*KEYS;
    let resigned = |signer: &Signer, change: &dyn Fn(Vec<u8>) -> Vec<u8>| {
        let token = signer.valid();
        let (signed, signature) = token.rsplit_once('.').unwrap();
        format!("{signed}.{}", encode(change(BASE64_URL_SAFE_NO_PAD.decode(signature).unwrap())))
    };
    vec![
        ("ES256 with r and s zero", resigned(es256, &|_| vec![0; 64])),
        ("ES256 with s zero", resigned(es256, &|raw| [&raw[..32], &[0; 32]].concat())),
        ("ES256 as DER", resigned(es256, &|raw| der(&raw))),
        ("ES256 twice", resigned(es256, &|raw| [&raw[..], &raw[..]].concat())),
        ("EdDSA with s not reduced", resigned(eddsa, &|raw| not_reduced(&raw))),
        ("EdDSA with the identity", resigned(eddsa, &|_| [&[1][..], &[0; 63]].concat())),
    ]
}

/// What Better Auth signs besides its tokens, with the secret that is shared with us.
fn of_better_auth() -> Vec<(&'static str, String)> {
    let secret = Signer::secret();
    let only = |claims: &Value| secret.sign_text(&secret.header().to_string(), &claims.to_string());
    let session = json!({"session": {"userId": "alice", "token": "raw"}, "user": {"id": "alice"}, "exp": 4_102_444_800_u64});
    vec![
        ("a cached session", only(&session)),
        (
            "a link of a verification e-mail",
            only(&json!({"email": "a@example.com", "userId": "alice", "exp": 4_102_444_800_u64})),
        ),
        ("a session token", SESSION_TOKEN.to_owned()),
        ("a session token, percent-encoded", SESSION_TOKEN.replace('=', "%3D")),
    ]
}

/// A raw ECDSA signature as ASN.1, as X.509 has it and JWS has it not (RFC 7518, section 3.4).
fn der(raw: &[u8]) -> Vec<u8> {
    let integer = |number: &[u8]| [&[2, 33, 0][..], number].concat();
    let both = [integer(&raw[..32]), integer(&raw[32..])].concat();
    [&[0x30, u8::try_from(both.len()).unwrap()][..], &both].concat()
}

/// The same signature with the order of the group added to its second half.
fn not_reduced(raw: &[u8]) -> Vec<u8> {
    let mut carry = 0;
    let sum = raw[32..].iter().zip(ED25519_ORDER).map(|(s, order)| {
        let sum = u16::from(*s) + u16::from(order) + carry;
        carry = sum >> 8;
        u8::try_from(sum & 0xff).unwrap()
    });
    let sum: Vec<u8> = sum.collect();
    [&raw[..32], &sum].concat()
}
