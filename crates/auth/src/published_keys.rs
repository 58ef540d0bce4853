//! Tokens that are signed with published keys. A background task keeps the key set fresh; requests only read it.

use std::{
    convert::Infallible,
    fmt,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use arc_swap::ArcSwapOption;
use task_support::{Chain, SingleFlight};
use tokio::time::sleep;

use crate::{
    claims::{ClaimRules, Jws},
    key_set::{KeySet, SkippedKey},
    key_source::{FETCH_LIMIT, FetchError, KeySource},
    published_algorithm,
    refusal::Refusal,
    valid_tokens::{TokenDigest, ValidTokens},
    verifier::{Identity, VerifyError},
};

/// The shortest time between two fetches because of unknown keys.
const COOL_DOWN: Duration = Duration::from_secs(30);
/// How long such a fetch is delayed. A Better Auth that rotates under load makes several keys within some milliseconds and
/// signs with the last one: an immediate fetch would miss it, and `COOL_DOWN` would put off the next one.
const FETCH_DELAY: Duration = Duration::from_millis(500);
/// How long a request waits for such a fetch.
const WAIT_LIMIT: Duration = FETCH_LIMIT.saturating_add(Duration::from_secs(1));
/// The pauses after the first failures; the last one is repeated. They are short, because requests may be waiting for a key.
const RETRIES: [Duration; 3] = [Duration::from_secs(1), Duration::from_secs(2), Duration::from_secs(5)];

/// Verifies tokens with the key set that an issuer publishes.
pub struct PublishedKeys {
    source: Box<dyn KeySource>,
    rules: ClaimRules,
    refresh: Duration,
    current: ArcSwapOption<Current>,
    demand: SingleFlight,
    succeeded: AtomicU64,
    failed: AtomicU64,
}

/// The last good set, and the tokens that it verified. A new set begins with an empty cache, so that no token outlives its
/// key.
struct Current {
    keys: KeySet,
    valid: ValidTokens,
}

impl PublishedKeys {
    /// Takes keys from `source`, and fetches them again when they are older than `refresh`. Nothing is fetched until
    /// [`Self::keep_fresh`] runs.
    #[must_use]
    pub fn new(source: Box<dyn KeySource>, rules: ClaimRules, refresh: Duration) -> Self {
        let demand = SingleFlight::new(COOL_DOWN, WAIT_LIMIT);
        Self {
            source,
            rules,
            refresh,
            current: ArcSwapOption::empty(),
            demand,
            succeeded: AtomicU64::new(0),
            failed: AtomicU64::new(0),
        }
    }

    /// Whether there are keys, however old.
    #[must_use]
    pub fn is_ready(&self) -> bool {
        self.current.load().is_some()
    }

    /// Keeps the set fresh until the future is dropped.
    pub async fn keep_fresh(&self) -> Infallible {
        let mut failures = 0;
        loop {
            self.demand.work_begins();
            let fetched = self.fetch().await;
            self.demand.work_ended();
            let counter = if fetched.is_ok() { &self.succeeded } else { &self.failed };
            counter.fetch_add(1, Ordering::Relaxed);
            failures = if fetched.is_ok() { 0 } else { failures + 1 };
            tokio::select! {
                () = sleep(self.pause(failures)) => {}
                () = self.demand.demanded() => sleep(FETCH_DELAY).await,
            }
        }
    }

    /// How many fetches succeeded, and how many failed.
    pub fn fetches(&self) -> (u64, u64) {
        (self.succeeded.load(Ordering::Relaxed), self.failed.load(Ordering::Relaxed))
    }

    /// How long to wait after `failures` failures in a row.
    fn pause(&self, failures: usize) -> Duration {
        match failures {
            0 => self.refresh,
            _ => RETRIES[(failures - 1).min(RETRIES.len() - 1)],
        }
    }

    /// Fetches the set and replaces the current one, which stays if the fetch fails.
    async fn fetch(&self) -> Result<(), FetchError> {
        let outcome = match self.source.fetch().await {
            Ok(fetched) => KeySet::parse(&fetched.body).map_err(FetchError::from),
            Err(error) => Err(error),
        };
        let (keys, skipped) = outcome.inspect_err(|error| {
            let kept = self.is_ready();
            tracing::warn!(error = %Chain(error), kept, "the key set cannot be fetched; it is tried again");
        })?;
        // An unchanged set keeps its cache, and is not logged again.
        if self.current.load().as_ref().is_none_or(|current| current.keys != keys) {
            for SkippedKey { index, reason, .. } in skipped {
                if reason.is_for_another_purpose() {
                    tracing::debug!(index, %reason, "a key of the key set is not used");
                } else {
                    tracing::warn!(index, %reason, "a key of the key set is not used");
                }
            }
            tracing::info!(algorithms = ?keys.algorithms(), "a new key set is in use");
            self.current.store(Some(Arc::new(Current { keys, valid: ValidTokens::new() })));
        }
        Ok(())
    }

    /// The identity of a token that was verified before and is still valid.
    pub(crate) fn remembered(&self, token: &TokenDigest, now: f64) -> Option<Identity> {
        self.current.load().as_ref()?.valid.get(token, &self.rules, now)
    }

    /// Verifies a parsed token.
    pub(crate) async fn verify(
        &self,
        token: TokenDigest,
        jws: &Jws<'_>,
        now: f64,
    ) -> Result<Identity, VerifyError> {
        jws.check_type()?;
        let algorithm = jws.algorithm().and_then(published_algorithm::by_name).ok_or(Refusal::Algorithm)?;
        let id = jws.key_id()?;
        let mut current = self.current.load_full().ok_or(VerifyError::KeysNotFetched)?;
        if id.is_some() && current.keys.find(id, algorithm).err() == Some(Refusal::UnknownKey) {
            self.demand.wait().await;
            current = self.current.load_full().unwrap_or(current);
        }
        let key = current.keys.find(id, algorithm)?;
        key.verify(jws.signed, jws.signature)?;
        let identity = self.rules.judge(&jws.claims()?, key.algorithm_name(), now)?;
        current.valid.insert(token, identity.clone());
        Ok(identity)
    }
}

impl fmt::Debug for PublishedKeys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PublishedKeys").field("rules", &self.rules).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
