//! What is seen of the database as soon as it answers, rather than at somebody's first request.

use std::time::Duration;

use task_adapters::{
    Database, PoolOptions, migrations,
    pooler::{self, Pooler},
};

use crate::{Readiness, Settings, error::Chain};

/// How long it takes until a database that does not answer is asked again.
const AGAIN: Duration = Duration::from_secs(5);
/// How long it takes until what was found is looked at once more.
const ONCE_MORE: Duration = Duration::from_millis(500);
/// How long a look may take.
const LIMIT: Duration = Duration::from_secs(30);

/// The way to the database leads through a pooler with which the service cannot work.
#[derive(Debug, thiserror::Error)]
#[error(
    "DATABASE_URL leads through a pooler in transaction mode that does not keep prepared statements, with which the \
     service cannot work: use PgBouncer 1.21 or later with max_prepared_statements above 0, or connect to PostgreSQL itself"
)]
pub struct UnusablePooler;

/// Looks at the database once it answers, and says what is missing.
pub(crate) struct DatabaseCheck {
    database: Database,
    has_direct_way: bool,
    options: PoolOptions,
}

impl DatabaseCheck {
    pub(crate) fn new(settings: &Settings) -> Self {
        Self {
            database: settings.database.clone(),
            has_direct_way: settings.direct_database.is_some(),
            options: settings.pool.clone(),
        }
    }

    /// Comes back only where the service can never work with what it has found.
    pub(crate) async fn until_unusable(&self, readiness: &Readiness) -> UnusablePooler {
        let (mut told, mut found) = (false, false);
        loop {
            let look = tokio::time::timeout(LIMIT, self.look()).await;
            match look.unwrap_or_else(|_| Err(format!("no answer within {LIMIT:?}"))) {
                // Who stops anyway is not cut off, and what would end the service has to be seen twice.
                Ok(Some(unusable)) if found && !readiness.is_stopping() => return unusable,
                Ok(Some(_)) => found = true,
                Ok(None) => return std::future::pending().await,
                Err(error) if !told => {
                    tracing::warn!(
                        error,
                        "the database does not answer yet; until it does, requests get 503"
                    );
                    told = true;
                }
                Err(_) => {}
            }
            tokio::time::sleep(if found { ONCE_MORE } else { AGAIN }).await;
        }
    }

    async fn look(&self) -> Result<Option<UnusablePooler>, String> {
        // Before anything else, since nothing can be relied on behind such a one.
        let found = pooler::find(&self.database).await.map_err(|error| error.to_string())?;
        if found == Some(Pooler::LosesStatements) {
            return Ok(Some(UnusablePooler));
        }
        if found.is_some() && !self.has_direct_way {
            tracing::warn!(
                "DATABASE_URL leads through a pooler in transaction mode; set DATABASE_DIRECT_URL to the address of \
                 PostgreSQL itself, without which migrations are refused and limits are set on sessions that others use"
            );
        }
        if self.options.session_settings_from_role {
            let unset = pooler::unset(&self.database, &self.options).await;
            let unset = unset.map_err(|error| error.to_string())?;
            if !unset.is_empty() {
                tracing::warn!(
                    run = unset.join("; "),
                    "behind a pooler the limits of statements have to be the role's, and it lacks some; where there is \
                     no pooler, take DATABASE_DIRECT_URL away"
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
