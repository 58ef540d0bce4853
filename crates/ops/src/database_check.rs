//! Checks the database as soon as it answers, so that the log names a fault before the first request meets it.

use std::{fmt, time::Duration};

use task_adapters::{
    Database, PoolOptions,
    inspection::{self, Fault, Gravity, InspectionError, Part},
    pooler::{self, Pooler, UnusablePooler},
};
use task_settings::Settings;
use task_support::Chain;

/// The pause before a database that does not answer is asked again.
const RETRY_INTERVAL: Duration = Duration::from_secs(5);
/// The pause before an unusable database is confirmed.
const CONFIRM_INTERVAL: Duration = Duration::from_millis(500);
/// How long one check may take.
const CHECK_TIMEOUT: Duration = Duration::from_secs(30);

/// After how many tries the service goes on without an answer about the state of a database that answers otherwise.
const TRIES: u32 = 3;

/// Why the service can never work with the configured database, and what to do.
#[derive(Debug, thiserror::Error)]
pub enum UnusableDatabase {
    /// The way to it leads through a pooler that loses prepared statements.
    #[error(transparent)]
    Pooler(#[from] UnusablePooler),
    /// It is not what the service rests on.
    #[error("{0}")]
    Fault(Fault),
}

/// Checks the database once, when it answers, and logs everything that is wrong.
pub struct DatabaseCheck {
    database: Database,
    has_direct_address: bool,
    options: PoolOptions,
}

impl DatabaseCheck {
    /// A check of the database that the settings name.
    #[must_use]
    pub fn new(settings: &Settings) -> Self {
        Self {
            database: settings.database.target.clone(),
            has_direct_address: settings.database.direct.is_some(),
            options: settings.database.pool.clone(),
        }
    }

    /// Returns only if the service can never work with this database, and not while it stops.
    pub async fn until_unusable(&self, is_stopping: impl Fn() -> bool) -> UnusableDatabase {
        let (mut warned, mut found, mut tries) = (false, false, 0);
        loop {
            tries += 1;
            let checked = tokio::time::timeout(CHECK_TIMEOUT, self.check(tries)).await;
            match checked.unwrap_or_else(|_| Err(format!("no answer within {CHECK_TIMEOUT:?}"))) {
                // Only two checks in a row end the service, and never while it finishes its last requests.
                Ok(Some(unusable)) if found && !is_stopping() => return unusable,
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

    async fn check(&self, tries: u32) -> Result<Option<UnusableDatabase>, String> {
        // First, because behind such a pooler no other result is reliable.
        let found = pooler::find(&self.database).await.map_err(|error| error.to_string())?;
        if found == Some(Pooler::LosesStatements) {
            return Ok(Some(UnusablePooler.into()));
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
        let faults = match inspection::inspect(&self.database, &self.options).await {
            Ok(inspection) => inspection.faults(),
            // It answers, but not this question. Not every server has all of PostgreSQL's catalog.
            Err(InspectionError::Read(error)) if tries >= TRIES => {
                tracing::warn!(error = %Chain(&*error), "the state of the database cannot be looked at");
                return Ok(None);
            }
            Err(error) => return Err(error.to_string()),
        };
        let unusable = faults.iter().find(|fault| fault.gravity == Gravity::Unusable);
        if let Some(fault) = unusable {
            return Ok(Some(UnusableDatabase::Fault(fault.clone())));
        }
        faults.iter().for_each(log);
        Ok(None)
    }
}

impl fmt::Debug for DatabaseCheck {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DatabaseCheck").finish_non_exhaustive()
    }
}

/// Writes a fault into the log.
pub(crate) fn log(fault: &Fault) {
    let Fault { gravity, part, found, advice, .. } = fault;
    let part = match part {
        Part::Database => "the database",
        Part::Migrations => "migrations",
        Part::Users => "the table of users",
        Part::Tables => "the tables",
        Part::Rights => "rights",
    };
    match gravity {
        Gravity::Warning => tracing::warn!(found, advice, "{part}: look at this"),
        Gravity::Problem | Gravity::Unusable => {
            tracing::error!(found, advice, "{part}: this has to be mended");
        }
    }
}
