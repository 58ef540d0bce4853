use std::sync::{
    Mutex,
    atomic::{AtomicUsize, Ordering},
};

use async_trait::async_trait;
use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use futures_util::future::join_all;
use jsonwebtoken::{Algorithm, EncodingKey, Header, crypto, encode, jwk::Jwk};
use serde_json::{Value, json};

use super::*;
use crate::key_source::Fetched;

const NOW: f64 = 1_000.0;
const REFRESH: Duration = Duration::from_mins(10);
const ISSUER: &str = "https://app.example.com";

/// A key pair of the issuer.
struct Pair {
    id: String,
    key: EncodingKey,
}

impl Pair {
    fn new(id: &str) -> Self {
        let document =
            aws_lc_rs::signature::Ed25519KeyPair::generate_pkcs8v1(&aws_lc_rs::rand::SystemRandom::new());
        Self { id: id.to_owned(), key: EncodingKey::from_ed_der(document.unwrap().as_ref()) }
    }

    fn public(&self) -> Value {
        let mut jwk = Jwk::from_encoding_key(&self.key, Algorithm::EdDSA).unwrap();
        jwk.common.key_id = Some(self.id.clone());
        serde_json::to_value(jwk).unwrap()
    }

    fn token(&self) -> String {
        let header = Header { kid: Some(self.id.clone()), ..Header::new(Algorithm::EdDSA) };
        let claims = json!({"sub": "alice", "exp": NOW + 60.0, "iss": ISSUER, "aud": ISSUER});
        encode(&header, &claims, &self.key).unwrap()
    }

    /// A token whose header names the algorithm so, signed with `EdDSA`.
    fn token_with_algorithm(&self, name: &str) -> String {
        let token = self.token();
        let claims = token.split('.').nth(1).unwrap();
        let header = json!({"alg": name, "kid": self.id}).to_string();
        let signed = format!("{}.{claims}", BASE64_URL_SAFE_NO_PAD.encode(header));
        let signature = crypto::sign(signed.as_bytes(), &self.key, Algorithm::EdDSA).unwrap();
        format!("{signed}.{signature}")
    }
}

/// The answer of the source, and how often it was fetched.
#[derive(Default)]
struct Published {
    keys: Mutex<Option<Vec<Value>>>,
    fetches: AtomicUsize,
    takes: Mutex<Duration>,
}

impl Published {
    fn publish(&self, pairs: &[&Pair]) {
        *self.keys.lock().unwrap() = Some(pairs.iter().map(|pair| pair.public()).collect());
    }

    fn go_down(&self) {
        *self.keys.lock().unwrap() = None;
    }

    fn fetches(&self) -> usize {
        self.fetches.load(Ordering::Relaxed)
    }
}

struct Source(Arc<Published>);

#[async_trait]
impl KeySource for Source {
    async fn fetch(&self) -> Result<Fetched, FetchError> {
        self.0.fetches.fetch_add(1, Ordering::Relaxed);
        let takes = *self.0.takes.lock().unwrap();
        sleep(takes).await;
        match &*self.0.keys.lock().unwrap() {
            Some(keys) => Ok(Fetched { body: json!({ "keys": keys }).to_string().into(), date: None }),
            None => Err(FetchError::Status(reqwest::StatusCode::BAD_GATEWAY)),
        }
    }
}

/// A verifier whose set a background task keeps fresh.
async fn running(published: &Arc<Published>) -> Arc<PublishedKeys> {
    let rules = ClaimRules {
        issuer: Some(ISSUER.to_owned()),
        audience: Some(ISSUER.to_owned()),
        ..ClaimRules::default()
    };
    let keys = Arc::new(PublishedKeys::new(Box::new(Source(Arc::clone(published))), rules, REFRESH));
    tokio::spawn({
        let keys = Arc::clone(&keys);
        async move { keys.keep_fresh().await }
    });
    sleep(Duration::from_millis(1)).await;
    keys
}

async fn verify(keys: &PublishedKeys, token: &str) -> Result<String, VerifyError> {
    let identity = keys.verify(TokenDigest::of(token), &Jws::parse(token)?, NOW).await?;
    assert_eq!((identity.issuer.as_deref(), identity.algorithm), (Some(ISSUER), "EdDSA"));
    Ok(identity.user.as_str().to_owned())
}

fn remembered(keys: &PublishedKeys, token: &str, now: f64) -> Option<String> {
    keys.remembered(&TokenDigest::of(token), now).map(|identity| identity.user.as_str().to_owned())
}

#[tokio::test(start_paused = true)]
async fn a_token_signed_with_a_published_key_is_valid() {
    let (pair, published) = (Pair::new("1"), Arc::new(Published::default()));
    published.publish(&[&pair]);
    let keys = running(&published).await;
    assert!(keys.is_ready());
    assert_eq!(verify(&keys, &pair.token()).await, Ok("alice".to_owned()));
    let stranger = Pair::new("1");
    assert_eq!(verify(&keys, &stranger.token()).await, Err(Refusal::Signature.into()), "the same `kid`");
    assert_eq!(published.fetches(), 1);
}

/// RFC 9864 deprecates the name `EdDSA` for `Ed25519`, in tokens as in keys.
#[tokio::test(start_paused = true)]
async fn a_token_may_name_its_algorithm_as_rfc_9864_does() {
    let (pair, published) = (Pair::new("1"), Arc::new(Published::default()));
    for key_names in [json!("Ed25519"), json!("EdDSA"), Value::Null] {
        let mut key = pair.public();
        key["alg"] = key_names;
        *published.keys.lock().unwrap() = Some(vec![key]);
        let keys = running(&published).await;
        assert_eq!(verify(&keys, &pair.token_with_algorithm("Ed25519")).await, Ok("alice".to_owned()));
        assert_eq!(verify(&keys, &pair.token()).await, Ok("alice".to_owned()));
        for other in ["Ed448", "ed25519", "ES256", "RS256"] {
            let outcome = verify(&keys, &pair.token_with_algorithm(other)).await;
            assert_eq!(outcome, Err(Refusal::Algorithm.into()), "{other}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn without_a_set_no_token_is_refused_and_the_fetch_is_soon_repeated() {
    let (pair, published) = (Pair::new("1"), Arc::new(Published::default()));
    let keys = running(&published).await;
    assert!(!keys.is_ready());
    assert_eq!(verify(&keys, &pair.token()).await, Err(VerifyError::KeysNotFetched));
    published.publish(&[&pair]);
    sleep(Duration::from_secs(1)).await;
    assert_eq!(verify(&keys, &pair.token()).await, Ok("alice".to_owned()));
    published.go_down();
    let keys = running(&published).await;
    let before = published.fetches();
    sleep(Duration::from_secs(103)).await;
    assert_eq!(published.fetches() - before, 2 + 20, "after 1 s, 2 s, and then every 5 s");
    assert!(!keys.is_ready());
}

#[tokio::test(start_paused = true)]
async fn the_last_good_set_is_kept_while_the_source_is_down() {
    let (pair, published) = (Pair::new("1"), Arc::new(Published::default()));
    published.publish(&[&pair]);
    let keys = running(&published).await;
    published.go_down();
    sleep(Duration::from_hours(24)).await;
    assert!(published.fetches() > 10_000, "every five seconds");
    assert_eq!(verify(&keys, &pair.token()).await, Ok("alice".to_owned()));
    *published.keys.lock().unwrap() = Some(Vec::new());
    sleep(Duration::from_mins(1)).await;
    assert_eq!(
        verify(&keys, &pair.token()).await,
        Ok("alice".to_owned()),
        "an empty set does not replace it"
    );
}

#[tokio::test(start_paused = true)]
async fn the_set_is_fetched_again_before_it_grows_old() {
    let (old, new) = (Pair::new("1"), Pair::new("2"));
    let published = Arc::new(Published::default());
    published.publish(&[&old]);
    let keys = running(&published).await;
    published.publish(&[&new]);
    let token = old.token();
    assert!(verify(&keys, &token).await.is_ok());
    assert!(remembered(&keys, &token, NOW).is_some());
    sleep(REFRESH).await;
    assert_eq!(published.fetches(), 2);
    assert_eq!(remembered(&keys, &token, NOW), None, "the tokens of a removed key are dropped");
    assert_eq!(verify(&keys, &token).await, Err(Refusal::UnknownKey.into()));
    assert!(verify(&keys, &new.token()).await.is_ok());
}

#[tokio::test(start_paused = true)]
async fn an_unknown_key_is_fetched_once_for_all_waiting_requests() {
    let (old, new) = (Pair::new("1"), Pair::new("2"));
    let published = Arc::new(Published::default());
    published.publish(&[&old]);
    let keys = running(&published).await;
    published.publish(&[&old, &new]);
    *published.takes.lock().unwrap() = Duration::from_secs(2);
    let tokens = vec![new.token(); 100];
    let all = join_all(tokens.iter().map(|token| verify(&keys, token))).await;
    assert!(all.into_iter().all(|outcome| outcome == Ok("alice".to_owned())));
    assert_eq!(published.fetches(), 2);
}

#[tokio::test(start_paused = true)]
async fn a_rotation_that_makes_several_keys_is_fetched_after_it_is_complete() {
    let (old, first, last) = (Pair::new("1"), Pair::new("2"), Pair::new("3"));
    let published = Arc::new(Published::default());
    published.publish(&[&old]);
    let keys = running(&published).await;
    published.publish(&[&old, &first]);
    let token = first.token();
    let (first_outcome, ()) = tokio::join!(verify(&keys, &token), async {
        sleep(Duration::from_millis(100)).await;
        published.publish(&[&old, &first, &last]);
    });
    assert!(first_outcome.is_ok());
    assert!(verify(&keys, &last.token()).await.is_ok());
    assert_eq!(published.fetches(), 2);
}

#[tokio::test(start_paused = true)]
async fn unknown_keys_cause_one_fetch_in_30_seconds() {
    let (pair, published) = (Pair::new("1"), Arc::new(Published::default()));
    published.publish(&[&pair]);
    let keys = running(&published).await;
    let tokens: Vec<_> = (0..200).map(|number| Pair::new(&format!("unknown {number}")).token()).collect();
    for token in &tokens {
        assert_eq!(verify(&keys, token).await, Err(Refusal::UnknownKey.into()));
    }
    assert_eq!(published.fetches(), 2);
    sleep(COOL_DOWN).await;
    for token in &tokens {
        assert_eq!(verify(&keys, token).await, Err(Refusal::UnknownKey.into()));
    }
    assert_eq!(published.fetches(), 3);
}

#[tokio::test(start_paused = true)]
async fn a_slow_source_delays_only_requests_with_an_unknown_key() {
    let (pair, published) = (Pair::new("1"), Arc::new(Published::default()));
    published.publish(&[&pair]);
    let keys = running(&published).await;
    *published.takes.lock().unwrap() = Duration::from_hours(1);
    let since = tokio::time::Instant::now();
    assert_eq!(verify(&keys, &Pair::new("2").token()).await, Err(Refusal::UnknownKey.into()));
    assert_eq!(since.elapsed(), WAIT_LIMIT);
    assert!(verify(&keys, &pair.token()).await.is_ok());
    assert_eq!(since.elapsed(), WAIT_LIMIT);
}

#[tokio::test(start_paused = true)]
async fn only_a_valid_token_is_cached_and_only_until_it_expires() {
    let (pair, published) = (Pair::new("1"), Arc::new(Published::default()));
    published.publish(&[&pair]);
    let keys = running(&published).await;
    let token = pair.token();
    assert_eq!(remembered(&keys, &token, NOW), None);
    assert!(verify(&keys, &token).await.is_ok());
    assert_eq!(remembered(&keys, &token, NOW + 59.5), Some("alice".to_owned()));
    let refused = Pair::new("1").token();
    assert!(verify(&keys, &refused).await.is_err());
    assert_eq!(remembered(&keys, &refused, NOW), None);
    // Fetching an unchanged set keeps the cache.
    sleep(REFRESH).await;
    assert!(remembered(&keys, &token, NOW).is_some());
    assert_eq!(remembered(&keys, &token, NOW + 60.0), None);
}

#[tokio::test(start_paused = true)]
async fn a_token_whose_type_is_not_jwt_is_refused() {
    let (pair, published) = (Pair::new("1"), Arc::new(Published::default()));
    published.publish(&[&pair]);
    let keys = running(&published).await;
    for (kind, refused) in [(Some("jwt"), false), (None, false), (Some("at+jwt"), true), (Some(""), true)] {
        let header = Header {
            typ: kind.map(str::to_owned),
            kid: Some("1".to_owned()),
            ..Header::new(Algorithm::EdDSA)
        };
        let claims = json!({"sub": "alice", "exp": NOW + 60.0, "iss": ISSUER, "aud": ISSUER});
        let outcome = verify(&keys, &encode(&header, &claims, &pair.key).unwrap()).await;
        assert_eq!(outcome.err(), refused.then_some(Refusal::Type.into()), "{kind:?}");
    }
}
