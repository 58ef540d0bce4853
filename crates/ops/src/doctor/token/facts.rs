//! What a token is examined with.

use task_auth::{Fetched, KeySet};
use task_settings::AuthSettings;

/// What a token is examined with.
pub(crate) struct Facts<'a> {
    /// The settings of the service.
    pub(crate) auth: &'a AuthSettings,
    /// The key set that was fetched, and the answer that it was in.
    pub(crate) keys: Option<&'a (Fetched, KeySet)>,
}

impl Facts<'_> {
    pub(super) fn key_set(&self) -> Option<&KeySet> {
        self.keys.map(|(_, keys)| keys)
    }
}
