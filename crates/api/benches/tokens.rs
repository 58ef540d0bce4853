//! What it costs to verify a token, by algorithm: `cargo bench -p task-api --bench tokens`.
//!
//! `first` is a token that the service sees for the first time, `again` the same token a second time.
#![allow(clippy::unwrap_used, missing_docs, reason = "a benchmark that cannot go on panics")]

use std::{sync::Arc, time::Duration};

use async_trait::async_trait;
use aws_lc_rs::{
    encoding::AsDer,
    rand::SystemRandom,
    rsa::{KeyPair, KeySize},
    signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, Ed25519KeyPair},
};
use criterion::{BatchSize, BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use jsonwebtoken::{Algorithm, EncodingKey, Header, encode, jwk::Jwk};
use serde_json::{Value, json};
use task_auth::{
    ClaimRules, FetchError, Fetched, KeySource, PublishedKeys, SharedSecret, TokenVerifier, Verifiers,
};
use tokio::runtime::Runtime;

const ISSUER: &str = "https://app.example.com";
/// The length of what PKCS #8 puts before an RSA key of 2048 bits; jsonwebtoken signs with the bare key.
const PKCS8_PREFIX: usize = 26;
const SECRET: &[u8] = b"a secret of thirty-two characters";
const ALGORITHMS: [Algorithm; 4] = [Algorithm::EdDSA, Algorithm::ES256, Algorithm::RS256, Algorithm::PS256];

struct Fixed(Vec<u8>);

#[async_trait]
impl KeySource for Fixed {
    async fn fetch(&self) -> Result<Fetched, FetchError> {
        Ok(Fetched { body: self.0.clone(), date: None })
    }
}

fn signing_key(algorithm: Algorithm) -> EncodingKey {
    let random = SystemRandom::new();
    match algorithm {
        Algorithm::EdDSA => {
            EncodingKey::from_ed_der(Ed25519KeyPair::generate_pkcs8v1(&random).unwrap().as_ref())
        }
        Algorithm::ES256 => EncodingKey::from_ec_der(
            EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &random).unwrap().as_ref(),
        ),
        _ => {
            let document = KeyPair::generate(KeySize::Rsa2048).unwrap().as_der().unwrap();
            EncodingKey::from_rsa_der(&document.as_ref()[PKCS8_PREFIX..])
        }
    }
}

/// Claims as Better Auth issues them; the number makes each token another one.
fn claims(number: u64) -> Value {
    json!({
        "sub": "Yh3kQ0bGdXw1pTzR7uVnLc5sJm9eAo2f", "id": "Yh3kQ0bGdXw1pTzR7uVnLc5sJm9eAo2f",
        "name": "Ada", "email": "ada@example.com", "emailVerified": false, "image": null,
        "createdAt": "2026-01-02T03:04:05.000Z", "updatedAt": "2026-01-02T03:04:05.000Z",
        "iat": number, "exp": 4_102_444_800_u64, "iss": ISSUER, "aud": ISSUER,
    })
}

fn token(algorithm: Algorithm, key: &EncodingKey, number: u64) -> String {
    let header = Header { typ: None, kid: Some(format!("{algorithm:?}")), ..Header::new(algorithm) };
    encode(&header, &claims(number), key).unwrap()
}

fn rules() -> ClaimRules {
    ClaimRules { issuer: Some(ISSUER.to_owned()), audience: Some(ISSUER.to_owned()), ..ClaimRules::default() }
}

/// A verifier that has fetched its keys.
fn verifier(runtime: &Runtime, keys: &[(Algorithm, EncodingKey)]) -> Verifiers {
    let published: Vec<_> = keys
        .iter()
        .map(|(algorithm, key)| {
            let mut jwk = Jwk::from_encoding_key(key, *algorithm).unwrap();
            jwk.common.key_id = Some(format!("{algorithm:?}"));
            jwk
        })
        .collect();
    let source = Box::new(Fixed(json!({ "keys": published }).to_string().into()));
    let published = Arc::new(PublishedKeys::new(source, rules(), Duration::from_hours(1)));
    runtime.spawn({
        let published = Arc::clone(&published);
        async move { published.keep_fresh().await }
    });
    while !published.is_ready() {
        std::thread::yield_now();
    }
    Verifiers::new(Some(SharedSecret::new(SECRET, ClaimRules::default())), Some(published))
}

fn verification(criterion: &mut Criterion) {
    let runtime = Runtime::new().unwrap();
    let mut keys: Vec<_> =
        ALGORITHMS.into_iter().map(|algorithm| (algorithm, signing_key(algorithm))).collect();
    let verifier = verifier(&runtime, &keys);
    keys.push((Algorithm::HS256, EncodingKey::from_secret(SECRET)));
    let verify = |token: &str| runtime.block_on(verifier.verify(token)).unwrap();

    let mut group = criterion.benchmark_group("verify");
    group.throughput(Throughput::Elements(1));
    for (algorithm, key) in &keys {
        let mut number = 0;
        let mut another = || {
            number += 1;
            token(*algorithm, key, number)
        };
        group.bench_function(BenchmarkId::new(format!("{algorithm:?}"), "first"), |bencher| {
            bencher.iter_batched(&mut another, |token| verify(&token), BatchSize::SmallInput);
        });
        let known = another();
        group.bench_function(BenchmarkId::new(format!("{algorithm:?}"), "again"), |bencher| {
            bencher.iter(|| verify(&known));
        });
    }
    group.finish();
}

criterion_group!(benches, verification);
criterion_main!(benches);
