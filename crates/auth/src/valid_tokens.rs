//! A cache of valid tokens, so that each one is verified once and not with each request.

use aws_lc_rs::digest::{SHA256, digest};
use quick_cache::sync::Cache;

use crate::{claims::ClaimRules, verifier::Identity};

/// The most tokens in the cache, of a few hundred bytes each.
const CAPACITY: usize = 10_000;

/// The SHA-256 of a token. The cache does not hold tokens, and no other token can be made with the same digest.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct TokenDigest([u8; 32]);

impl TokenDigest {
    pub(crate) fn of(token: &str) -> Self {
        let mut bytes = [0; 32];
        bytes.copy_from_slice(digest(&SHA256, token.as_bytes()).as_ref());
        Self(bytes)
    }
}

/// The identities of tokens that were verified with one set of keys. They are dropped together with the set.
pub(crate) struct ValidTokens(Cache<TokenDigest, Identity>);

impl ValidTokens {
    pub(crate) fn new() -> Self {
        Self(Cache::new(CAPACITY))
    }

    /// The identity of the token, if it was verified before and has not expired since.
    pub(crate) fn get(&self, token: &TokenDigest, rules: &ClaimRules, now: f64) -> Option<Identity> {
        let identity = self.0.get(token)?;
        if rules.is_before_expiry(identity.expires_at, now) {
            return Some(identity);
        }
        self.0.remove(token);
        None
    }

    /// Adds a valid token.
    pub(crate) fn insert(&self, token: TokenDigest, identity: Identity) {
        self.0.insert(token, identity);
    }
}

#[cfg(test)]
mod tests {
    use task_domain::testing::user;

    use super::*;

    fn identity(expires_at: f64) -> Identity {
        Identity { user: user("alice"), issuer: None, expires_at, algorithm: "EdDSA" }
    }

    #[test]
    fn a_token_is_cached_until_it_expires() {
        let (tokens, rules) = (ValidTokens::new(), ClaimRules { leeway_seconds: 5, ..ClaimRules::default() });
        let token = TokenDigest::of("a.b.c");
        assert_eq!(tokens.get(&token, &rules, 1.0), None);
        tokens.insert(token, identity(10.0));
        assert_eq!(tokens.get(&token, &rules, 14.5), Some(identity(10.0)));
        assert_eq!(tokens.get(&TokenDigest::of("a.b.d"), &rules, 1.0), None);
        assert_eq!(tokens.get(&token, &rules, 15.0), None);
        assert_eq!(tokens.get(&token, &rules, 1.0), None, "an expired token is removed");
    }

    #[test]
    fn the_cache_never_exceeds_its_capacity() {
        let tokens = ValidTokens::new();
        for number in 0..CAPACITY * 3 {
            tokens.insert(TokenDigest::of(&number.to_string()), identity(10.0));
        }
        assert!(tokens.0.len() <= CAPACITY, "{}", tokens.0.len());
    }
}
