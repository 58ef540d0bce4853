//! Checks the database as soon as it answers, so that the log names a fault before the first request meets it.

use std::time::Duration;

use task_adapters::{
    Database, PoolOptions, migrations,
    pooler::{self, Pooler, UnusablePooler},
};
use task_settings::Settings;
use task_support::Chain;

use crate::health::readiness::Readiness;

/// The pause before a database that does not answer is asked again.
const RETRY_INTERVAL: Duration = Duration::from_secs(5);
/// The pause before an unusable pooler is confirmed.
const CONFIRM_INTERVAL: Duration = Duration::from_millis(500);
/// How long one check may take.
const CHECK_TIMEOUT: Duration = Duration::from_secs(30);

/// Checks the database once, when it answers, and logs what is missing.
pub(crate) struct DatabaseCheck {
    database: Database,
    has_direct_address: bool,
    options: PoolOptions,
}

impl DatabaseCheck {
    pub(crate) fn new(settings: &Settings) -> Self {
        Self {
            database: settings.database.target.clone(),
            has_direct_address: settings.database.direct.is_some(),
            options: settings.database.pool.clone(),
        }
    }

    /// Returns only if the service can never work with this database.
    pub(crate) async fn until_unusable(&self, readiness: &Readiness) -> UnusablePooler {
        let (mut warned, mut found) = (false, false);
        loop {
            let checked = tokio::time::timeout(CHECK_TIMEOUT, self.check()).await;
            match checked.unwrap_or_else(|_| Err(format!("no answer within {CHECK_TIMEOUT:?}"))) {
                // Only two checks in a row end the service, and never while it finishes its last requests.
                Ok(Some(unusable)) if found && !readiness.is_stopping() => return unusable,
                Ok(Some(_)) => found = true,
                Ok(None) => return std::future::pending().await,
                Err(error) if !warned => {
                    tracing::warn!(
                        error,
                        "the database does not answer yet; until it does, requests get 503"
                    );
                    warned = true;
                }
                Err(_) => {}
            }
            tokio::time::sleep(if found { CONFIRM_INTERVAL } else { RETRY_INTERVAL }).await;
        }
    }

    async fn check(&self) -> Result<Option<UnusablePooler>, String> {
        // First, because behind such a pooler no other result is reliable.
        let found = pooler::find(&self.database).await.map_err(|error| error.to_string())?;
        if found == Some(Pooler::LosesStatements) {
            return Ok(Some(UnusablePooler));
        }
        if found.is_some() && !self.has_direct_address {
            tracing::warn!(
                "DATABASE_URL leads through a pooler in transaction mode; set DATABASE_DIRECT_URL to the address of \
                 PostgreSQL itself. Without it, migrations are refused, and the limits are set on sessions that other \
                 clients share"
            );
        }
        if self.options.session_settings_from_role {
            let unset = pooler::unset(&self.database, &self.options).await;
            let unset = unset.map_err(|error| error.to_string())?;
            if !unset.is_empty() {
                tracing::warn!(
                    run = unset.join("; "),
                    "behind a pooler, the role must have the limits of statements, and it lacks some; if there is no \
                     pooler, remove DATABASE_DIRECT_URL"
                );
            }
        }
        let migrations =
            migrations::status(&self.database).await.map_err(|error| Chain(&error).to_string())?;
        let pending = migrations.iter().filter(|migration| !migration.applied).count();
        if pending > 0 {
            tracing::warn!(pending, "the database lacks migrations; run `task-api migrate run`");
        }
        Ok(None)
    }
}
