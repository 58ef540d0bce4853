//! An issuer of tokens that publishes its keys, with tokens that are wrong wherever a test wants them to be.

use std::{fs, path::Path, sync::LazyLock};

use aws_lc_rs::{
    encoding::AsDer,
    rand::SystemRandom,
    rsa::{KeyPair, KeySize},
    signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, Ed25519KeyPair},
};
use jsonwebtoken::{Algorithm, EncodingKey, crypto, jwk::Jwk};
use serde_json::{Value, json};

use super::{
    SECRET,
    tokens::{encode, now},
};

/// What stands in the tokens as issuer and audience.
pub(crate) const ISSUER: &str = "https://app.example.com";
/// The length of what PKCS #8 puts before an RSA key of 2048 bits.
const PKCS8_PREFIX: usize = 26;

/// A key of an issuer's, by which it signs with one algorithm.
pub(crate) struct Signer {
    pub(crate) algorithm: Algorithm,
    pub(crate) kid: Option<String>,
    key: EncodingKey,
}

/// The usual keys of the issuer, one of each algorithm.
pub(crate) static KEYS: LazyLock<[Signer; 4]> = LazyLock::new(|| {
    [Algorithm::EdDSA, Algorithm::ES256, Algorithm::RS256, Algorithm::PS256]
        .map(|algorithm| Signer::of("issuer", algorithm, &format!("key-{algorithm:?}")))
});

impl Signer {
    /// A new key.
    pub(crate) fn new(algorithm: Algorithm, kid: &str) -> Self {
        Self::with_rsa_key(algorithm, kid, new_rsa_key)
    }

    /// A new key, or for RSA the one of that holder, which the first test to need it makes for all others: it takes long.
    pub(crate) fn of(holder: &str, algorithm: Algorithm, kid: &str) -> Self {
        Self::with_rsa_key(algorithm, kid, || kept_rsa_key(&format!("{holder}-{algorithm:?}")))
    }

    fn with_rsa_key(algorithm: Algorithm, kid: &str, rsa_key: impl FnOnce() -> Vec<u8>) -> Self {
        let random = SystemRandom::new();
        let key = match algorithm {
            Algorithm::EdDSA => {
                EncodingKey::from_ed_der(Ed25519KeyPair::generate_pkcs8v1(&random).unwrap().as_ref())
            }
            Algorithm::ES256 => EncodingKey::from_ec_der(
                EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &random).unwrap().as_ref(),
            ),
            _ => EncodingKey::from_rsa_der(&rsa_key()[PKCS8_PREFIX..]),
        };
        Self { algorithm, kid: Some(kid.to_owned()), key }
    }

    /// The shared secret, by which its holders sign.
    pub(crate) fn secret() -> Self {
        Self { algorithm: Algorithm::HS256, kid: None, key: EncodingKey::from_secret(SECRET.as_bytes()) }
    }

    /// The name of its algorithm.
    pub(crate) fn name(&self) -> String {
        format!("{:?}", self.algorithm)
    }

    /// The public key, as it is published.
    pub(crate) fn public(&self) -> Value {
        let mut jwk = Jwk::from_encoding_key(&self.key, self.algorithm).unwrap();
        jwk.common.key_id.clone_from(&self.kid);
        serde_json::to_value(jwk).unwrap()
    }

    /// The usual header.
    pub(crate) fn header(&self) -> Value {
        match &self.kid {
            Some(kid) => json!({ "alg": self.name(), "kid": kid }),
            None => json!({ "alg": self.name() }),
        }
    }

    /// The encoded signature of a text.
    pub(crate) fn sign(&self, text: &str) -> String {
        crypto::sign(text.as_bytes(), &self.key, self.algorithm).unwrap()
    }

    /// A token of parts that are encoded already.
    pub(crate) fn sign_parts(&self, header: &str, claims: &str) -> String {
        let signed = format!("{header}.{claims}");
        format!("{signed}.{}", self.sign(&signed))
    }

    /// A token of that header and those claims, both as text.
    pub(crate) fn sign_text(&self, header: &str, claims: &str) -> String {
        self.sign_parts(&encode(header), &encode(claims))
    }

    /// A token that is valid but for the members that are given; null takes a member away.
    pub(crate) fn token(&self, header: &Value, claims: &Value) -> String {
        let header = with(self.header(), header);
        self.sign_text(&header.to_string(), &with(valid_claims(), claims).to_string())
    }

    /// A token that is valid.
    pub(crate) fn valid(&self) -> String {
        self.token(&json!({}), &json!({}))
    }
}

fn new_rsa_key() -> Vec<u8> {
    KeyPair::generate(KeySize::Rsa2048).unwrap().as_der().unwrap().as_ref().to_vec()
}

/// The RSA key of that name, in the folder for what tests of this build keep.
fn kept_rsa_key(name: &str) -> Vec<u8> {
    let file = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("{name}.der"));
    fs::read(&file).unwrap_or_else(|_| {
        // Under another name first, so that no other test reads half of it.
        let unfinished = file.with_extension(std::process::id().to_string());
        fs::write(&unfinished, new_rsa_key()).unwrap();
        fs::rename(&unfinished, &file).unwrap();
        fs::read(&file).unwrap()
    })
}

/// Claims as Better Auth makes them.
pub(crate) fn valid_claims() -> Value {
    let now = now().floor();
    json!({
        "sub": "alice", "id": "alice", "email": "alice@example.com", "iat": now, "exp": now + 900.0,
        "iss": ISSUER, "aud": ISSUER,
    })
}

/// An object with other members; null takes one away.
pub(crate) fn with(mut object: Value, changes: &Value) -> Value {
    let members = object.as_object_mut().unwrap();
    for (name, value) in changes.as_object().unwrap() {
        members.insert(name.clone(), value.clone());
    }
    members.retain(|_, value| !value.is_null());
    object
}

/// A key set of those keys, as JSON.
pub(crate) fn key_set(keys: &[Value]) -> String {
    json!({ "keys": keys }).to_string()
}

/// The key set of the usual keys.
pub(crate) fn usual_key_set() -> String {
    key_set(&KEYS.each_ref().map(Signer::public))
}
