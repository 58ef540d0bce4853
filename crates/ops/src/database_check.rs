//! Checks the database as soon as it answers, so that the log names a fault before the first request meets it.

use std::{fmt, time::Duration};

use task_adapters::{
    ConnectError, Database, PoolOptions,
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

/// After how many answers that are none the service goes on without knowing the state of the database.
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
        let (mut warned, mut found, mut pooler_is_known, mut unanswered) = (false, false, false, 0);
        loop {
            let checked = tokio::time::timeout(CHECK_TIMEOUT, self.check(&mut pooler_is_known)).await;
            let slow = |_| Err(Unchecked::Unreachable(format!("no answer within {CHECK_TIMEOUT:?}")));
            match checked.unwrap_or_else(slow) {
                // Only two checks in a row end the service, and never while it finishes its last requests.
                Ok(Some(unusable)) if found && !is_stopping() => return unusable,
                Ok(Some(_)) => found = true,
                Ok(None) => return std::future::pending().await,
                Err(Unchecked::Unanswered(error)) => {
                    unanswered += 1;
                    if unanswered == TRIES {
                        tracing::warn!(error, "the state of the database cannot be looked at");
                        return std::future::pending().await;
                    }
                }
                Err(Unchecked::Unreachable(error)) if !warned => {
                    tracing::warn!(
                        error,
                        "the database does not answer yet; until it does, requests get 503"
                    );
                    warned = true;
                }
                Err(Unchecked::Unreachable(_)) => {}
            }
            tokio::time::sleep(if found { CONFIRM_INTERVAL } else { RETRY_INTERVAL }).await;
        }
    }

    async fn check(&self, pooler_is_known: &mut bool) -> Result<Option<UnusableDatabase>, Unchecked> {
        // First, because behind such a pooler no other result is reliable.
        if !*pooler_is_known {
            if let Some(unusable) = self.check_pooler().await? {
                return Ok(Some(unusable.into()));
            }
            *pooler_is_known = true;
        }
        let inspected = inspection::inspect(&self.database, &self.options).await;
        let faults = inspected?.faults();
        if let Some(fault) = faults.iter().find(|fault| fault.gravity == Gravity::Unusable) {
            return Ok(Some(UnusableDatabase::Fault(fault.clone())));
        }
        faults.iter().for_each(log);
        Ok(None)
    }

    async fn check_pooler(&self) -> Result<Option<UnusablePooler>, ConnectError> {
        let found = pooler::find(&self.database).await?;
        if found == Some(Pooler::LosesStatements) {
            return Ok(Some(UnusablePooler));
        }
        let unset = if self.options.session_settings_from_role {
            pooler::unset(&self.database, &self.options).await?
        } else {
            Vec::new()
        };
        if found.is_some() && !self.has_direct_address {
            tracing::warn!(
                "DATABASE_URL leads through a pooler in transaction mode; set DATABASE_DIRECT_URL to the address of \
                 PostgreSQL itself. Without it, migrations are refused, and the limits are set on sessions that other \
                 clients share"
            );
        }
        if !unset.is_empty() {
            tracing::warn!(
                run = unset.join("; "),
                "behind a pooler, the role must have the limits of statements, and it lacks some; if there is no \
                 pooler, remove DATABASE_DIRECT_URL"
            );
        }
        Ok(None)
    }
}

/// Why a check came to no result.
enum Unchecked {
    /// The database does not answer.
    Unreachable(String),
    /// It answers, but not this question: not every server has all of PostgreSQL's catalog.
    Unanswered(String),
}

impl From<ConnectError> for Unchecked {
    fn from(error: ConnectError) -> Self {
        Self::Unreachable(error.to_string())
    }
}

impl From<InspectionError> for Unchecked {
    fn from(error: InspectionError) -> Self {
        match error {
            InspectionError::Read(error) => Self::Unanswered(Chain(&*error).to_string()),
            other => Self::Unreachable(other.to_string()),
        }
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
