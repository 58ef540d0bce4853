//! A key of a set that can verify tokens.

use std::fmt;

use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_FIXED, ParsedPublicKey, RSA_PKCS1_2048_8192_SHA256, RsaPublicKeyComponents,
};
use curve25519_dalek::edwards::CompressedEdwardsY;
use jsonwebtoken::{Algorithm, DecodingKey, crypto};
use serde_json::Value;
use task_support::json::Object;

use super::{
    members::{bits, coordinate, number, octets},
    unusable::Unusable,
};
use crate::{published_algorithm, refusal::Refusal};

/// The length of an RSA key in bits: the minimum of RFC 7518, section 3.3, and the maximum of the cryptography library.
const RSA_BITS: std::ops::RangeInclusive<usize> = 2048..=8192;
/// The longest exponent of the cryptography library, in bits.
const MAX_EXPONENT_BITS: usize = 33;
/// The members of a key that are secret (RFC 7518, sections 6.2.2, 6.3.2 and 6.4; RFC 8037, section 2; `priv` is that of ML-DSA).
pub(super) const SECRET_MEMBERS: [&str; 9] = ["d", "p", "q", "dp", "dq", "qi", "oth", "k", "priv"];

/// A public key. It serves one algorithm.
pub(crate) struct PublicKey {
    id: Option<String>,
    algorithm: Algorithm,
    material: Material,
    key: DecodingKey,
}

/// What a key is made of.
#[derive(Debug, PartialEq)]
enum Material {
    Ed25519(Vec<u8>),
    /// As RFC 5480, section 2.2, writes it without compression.
    P256(Vec<u8>),
    Rsa {
        n: Vec<u8>,
        e: Vec<u8>,
    },
}

impl PublicKey {
    /// Its `kid`.
    pub(crate) fn id(&self) -> Option<&str> {
        self.id.as_deref()
    }

    pub(crate) fn algorithm(&self) -> Algorithm {
        self.algorithm
    }

    /// The name of its algorithm.
    pub(crate) fn algorithm_name(&self) -> &'static str {
        published_algorithm::name(self.algorithm)
    }

    /// Verifies the signature, in strict base64url, of the text `signed`.
    pub(crate) fn verify(&self, signed: &str, signature: &str) -> Result<(), Refusal> {
        match crypto::verify(signature, signed.as_bytes(), &self.key, self.algorithm) {
            Ok(true) => Ok(()),
            Ok(false) => Err(Refusal::Signature),
            Err(_) => Err(Refusal::Malformed),
        }
    }

    /// Reads an entry of a set. What it says beside the key, certificates included, is ignored.
    pub(super) fn read(entry: &Value) -> Result<Self, Unusable> {
        let key = entry.as_object().ok_or(Unusable::NotAnObject)?;
        if SECRET_MEMBERS.iter().any(|name| key.contains_key(*name)) {
            return Err(Unusable::Secret);
        }
        check_purpose(key)?;
        let id = match key.get("kid") {
            None | Some(Value::Null) => None,
            Some(Value::String(id)) => Some(id.clone()),
            Some(_) => return Err(Unusable::KeyId),
        };
        let (algorithm, material) = read_material(key)?;
        let key = material.check()?;
        Ok(Self { id, algorithm, material, key })
    }
}

impl PartialEq for PublicKey {
    fn eq(&self, other: &Self) -> bool {
        (&self.id, self.algorithm, &self.material) == (&other.id, other.algorithm, &other.material)
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

/// RFC 7517, sections 4.2 and 4.3.
fn check_purpose(key: &Object) -> Result<(), Unusable> {
    if !matches!(key.get("use"), None | Some(Value::Null)) && key["use"] != "sig" {
        return Err(Unusable::Use);
    }
    match key.get("key_ops") {
        None | Some(Value::Null) => Ok(()),
        Some(Value::Array(operations)) if operations.iter().any(|one| one == "verify") => Ok(()),
        Some(_) => Err(Unusable::Operations),
    }
}

/// The kind of the key decides which algorithms it can serve. The algorithm is the one that the key names, or else the usual
/// one of its kind.
fn read_material(key: &Object) -> Result<(Algorithm, Material), Unusable> {
    let text = |name: &str| key.get(name).and_then(Value::as_str);
    match (text("kty"), text("crv")) {
        (Some("OKP"), Some("Ed25519")) => {
            let algorithm = algorithm(key, &[Algorithm::EdDSA])?;
            Ok((algorithm, Material::Ed25519(octets(key, "x")?)))
        }
        (Some("EC"), Some("P-256")) => {
            let algorithm = algorithm(key, &[Algorithm::ES256])?;
            let point = [vec![4], coordinate(key, "x", 32)?, coordinate(key, "y", 32)?].concat();
            Ok((algorithm, Material::P256(point)))
        }
        (Some("RSA"), _) => {
            let algorithm = algorithm(key, &[Algorithm::RS256, Algorithm::PS256])?;
            Ok((algorithm, Material::Rsa { n: number(key, "n")?, e: number(key, "e")? }))
        }
        (Some("OKP" | "EC"), curve) => Err(Unusable::kind(curve)),
        (kind, _) => Err(Unusable::kind(kind)),
    }
}

fn algorithm(key: &Object, served: &[Algorithm]) -> Result<Algorithm, Unusable> {
    let named = match key.get("alg") {
        None | Some(Value::Null) => return Ok(served[0]),
        Some(named) => named.as_str(),
    };
    let algorithm = named.and_then(published_algorithm::by_name);
    algorithm.filter(|algorithm| served.contains(algorithm)).ok_or_else(|| Unusable::algorithm(named))
}

impl Material {
    /// Makes the key that verifies. Fails if no signature could be verified with it.
    fn check(&self) -> Result<DecodingKey, Unusable> {
        match self {
            Self::Ed25519(x) => {
                let length = Unusable::Length { member: "x", expected: 32, found: x.len() };
                let point = CompressedEdwardsY::from_slice(x).map_err(|_| length)?.decompress();
                // Of a small order: a signature can be made for it without a private key.
                if point.is_none_or(|point| point.is_small_order()) {
                    return Err(Unusable::Point);
                }
                Ok(DecodingKey::from_ed_der(x))
            }
            Self::P256(point) => {
                ParsedPublicKey::new(&ECDSA_P256_SHA256_FIXED, point).map_err(|_| Unusable::Point)?;
                Ok(DecodingKey::from_ec_der(point))
            }
            Self::Rsa { n, e } => {
                if !RSA_BITS.contains(&bits(n)) {
                    return Err(Unusable::Bits(bits(n)));
                }
                let is_odd = |number: &[u8]| number.last().is_some_and(|last| last % 2 == 1);
                let has_exponent = (2..=MAX_EXPONENT_BITS).contains(&bits(e)) && is_odd(e);
                let numbers = RsaPublicKeyComponents { n, e };
                let is_taken = || numbers.to_parsed_public_key(&RSA_PKCS1_2048_8192_SHA256).is_ok();
                if !has_exponent || !is_odd(n) || !is_taken() {
                    return Err(Unusable::Numbers);
                }
                Ok(DecodingKey::from_rsa_raw_components(n, e))
            }
        }
    }
}
