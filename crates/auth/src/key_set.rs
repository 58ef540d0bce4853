//! Key sets (RFC 7517): which of the published keys are used, and for which algorithm.

mod members;
mod not_a_key_set;
mod public_key;
mod unusable;

use jsonwebtoken::Algorithm;
use serde_json::Value;
use task_support::json;

use self::public_key::PublicKey;
pub use self::{not_a_key_set::NotAKeySet, unusable::Unusable};
use crate::refusal::Refusal;

/// The most keys of a set that are used.
const MAX_KEYS: usize = 100;

/// The keys of an issuer that can verify tokens.
#[derive(Debug, PartialEq)]
pub struct KeySet {
    keys: Vec<PublicKey>,
}

/// A key of a set that is not used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SkippedKey {
    /// Its index in the set, from 0.
    pub index: usize,
    /// Its `kid`, if that is a string.
    pub id: Option<String>,
    /// Why it is not used.
    pub reason: Unusable,
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
        let not_a_set = |fault| InvalidKeySet::NotAKeySet(NotAKeySet::of(body, fault));
        let mut set = json::parse_object(body).map_err(|fault| not_a_set(Some(fault)))?;
        let Some(Value::Array(entries)) = set.remove("keys") else { return Err(not_a_set(None)) };
        let mut keys: Vec<PublicKey> = Vec::new();
        let mut skipped = Vec::new();
        for (index, entry) in entries.iter().enumerate() {
            match PublicKey::read(entry).and_then(|key| is_new(&keys, key)) {
                Ok(key) => keys.push(key),
                Err(reason) => {
                    let id = entry.get("kid").and_then(Value::as_str).map(str::to_owned);
                    skipped.push(SkippedKey { index, id, reason });
                }
            }
        }
        if keys.is_empty() { Err(InvalidKeySet::NoUsableKey(skipped)) } else { Ok((Self { keys }, skipped)) }
    }

    /// The algorithms of the keys by their names, in the order of the keys.
    #[must_use]
    pub fn algorithms(&self) -> Vec<&'static str> {
        self.keys.iter().map(PublicKey::algorithm_name).collect()
    }

    /// Each key's id and algorithm, in the order of the set. Both are public.
    pub fn ids_and_algorithms(&self) -> impl Iterator<Item = (Option<&str>, &'static str)> {
        self.keys.iter().map(|key| (key.id(), key.algorithm_name()))
    }

    /// Finds the key with this id, whose algorithm must be the token's. Without an id, finds the only key of the algorithm.
    pub(crate) fn find(&self, id: Option<&str>, algorithm: Algorithm) -> Result<&PublicKey, Refusal> {
        let Some(id) = id else {
            let mut keys = self.keys.iter().filter(|key| key.algorithm() == algorithm);
            return match (keys.next(), keys.next()) {
                (Some(key), None) => Ok(key),
                _ => Err(Refusal::UnknownKey),
            };
        };
        // Keys of several algorithms may share an id (RFC 7517, section 4.5).
        let mut named = self.keys.iter().filter(|key| key.id() == Some(id)).peekable();
        named.peek().ok_or(Refusal::UnknownKey)?;
        named.find(|key| key.algorithm() == algorithm).ok_or(Refusal::Algorithm)
    }
}

fn is_new(keys: &[PublicKey], key: PublicKey) -> Result<PublicKey, Unusable> {
    let is_same = |other: &PublicKey| (other.id(), other.algorithm()) == (key.id(), key.algorithm());
    if keys.len() == MAX_KEYS {
        Err(Unusable::TooMany)
    } else if key.id().is_some() && keys.iter().any(is_same) {
        Err(Unusable::Repeated)
    } else {
        Ok(key)
    }
}

fn reasons(skipped: &[SkippedKey]) -> String {
    let texts: Vec<_> =
        skipped.iter().take(3).map(|key| format!("key {}: {}", key.index, key.reason)).collect();
    if texts.is_empty() { String::new() } else { format!(" ({})", texts.join("; ")) }
}

#[cfg(test)]
mod tests;
