#![doc = include_str!("../README.md")]

mod claims;
mod key_set;
mod key_source;
mod numeric_date;
mod published_algorithm;
mod published_keys;
mod refusal;
mod shared_secret;
mod valid_tokens;
mod verifier;
mod verifiers;

pub use claims::{ClaimRules, Jws};
pub use key_set::{InvalidKeySet, KeySet, NotAKeySet, SkippedKey, Unusable};
pub use key_source::{FetchError, Fetched, HttpKeySource, KeySource};
pub use numeric_date::{moment, now};
pub use published_keys::PublishedKeys;
pub use refusal::Refusal;
pub use shared_secret::SharedSecret;
pub use verifier::{Identity, TokenVerifier, VerifyError};
pub use verifiers::Verifiers;
