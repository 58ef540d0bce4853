//! Tokens that were found valid, so that the same one is not verified at each request of its user.

use aws_lc_rs::digest::{SHA256, digest};
use quick_cache::sync::Cache;

use crate::{claims::ClaimRules, verifier::Identity};

/// How many tokens are remembered at the most: a few hundred bytes each.
const CAPACITY: usize = 10_000;

/// A token's SHA-256: the token itself is not kept, and no other one can be made that is taken for it.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct TokenDigest([u8; 32]);

impl TokenDigest {
    pub(crate) fn of(token: &str) -> Self {
        let mut bytes = [0; 32];
        bytes.copy_from_slice(digest(&SHA256, token.as_bytes()).as_ref());
        Self(bytes)
    }
}

/// What tokens say that were found valid with one set of keys, to be dropped together with it.
pub(crate) struct ValidTokens(Cache<TokenDigest, Identity>);

impl ValidTokens {
    pub(crate) fn new() -> Self {
        Self(Cache::new(CAPACITY))
    }

    /// What the token says, where it was found valid before and has not expired since.
    pub(crate) fn get(&self, token: &TokenDigest, rules: &ClaimRules, now: f64) -> Option<Identity> {
        let identity = self.0.get(token)?;
        if rules.is_before_expiry(identity.expires_at, now) {
            return Some(identity);
        }
        self.0.remove(token);
        None
    }

    /// Remembers a token that is valid now.
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
    fn a_token_is_remembered_until_it_expires() {
        let (tokens, rules) = (ValidTokens::new(), ClaimRules { leeway_seconds: 5, ..ClaimRules::default() });
        let token = TokenDigest::of("a.b.c");
        assert_eq!(tokens.get(&token, &rules, 1.0), None);
        tokens.insert(token, identity(10.0));
        assert_eq!(tokens.get(&token, &rules, 14.5), Some(identity(10.0)));
        assert_eq!(tokens.get(&TokenDigest::of("a.b.d"), &rules, 1.0), None);
        assert_eq!(tokens.get(&token, &rules, 15.0), None);
        assert_eq!(tokens.get(&token, &rules, 1.0), None, "it is forgotten");
    }

    #[test]
    fn there_are_never_more_than_the_capacity() {
        let tokens = ValidTokens::new();
        for number in 0..CAPACITY * 3 {
            tokens.insert(TokenDigest::of(&number.to_string()), identity(10.0));
        }
        assert!(tokens.0.len() <= CAPACITY, "{}", tokens.0.len());
    }
}
