//! The one place where failures of diesel and of the pool become failures of the port.

use deadpool::managed;
use diesel::result::{DatabaseErrorInformation, DatabaseErrorKind as Kind, Error};
use diesel_async::pooled_connection::PoolError;
use task_domain::{BoxError, RepositoryError};

/// What was seen of the connection when a statement failed.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Symptoms {
    /// The connection is gone, or in a state that nobody can use.
    pub(crate) broken: bool,
    /// The statement had taken as long as the server lets it.
    pub(crate) timed_out: bool,
}

/// The constraint that every task's owner is a user; see the migration that creates `tasks`.
const OWNER_EXISTS: &str = "tasks_user_id_fkey";

/// What PostgreSQL says when it cannot do what it otherwise would: SQLSTATE classes 40, 53, 57 and 58.
///
/// diesel keeps the text of an error and not its SQLSTATE, so that the text has to do. It is English unless the server's
/// `lc_messages` says otherwise; [`Symptoms`] covers the commonest of these in every language.
const PASSING_TROUBLE: [&str; 14] = [
    "canceling statement due to",
    "terminating connection",
    "the database system is",
    "deadlock detected",
    "could not serialize access",
    "could not extend file",
    "could not write",
    "could not read",
    "could not fsync",
    "No space left on device",
    "out of memory",
    "out of shared memory",
    "too many clients",
    "remaining connection slots",
];

pub(crate) fn classify(error: Error, seen: Symptoms) -> RepositoryError {
    let unavailable = match &error {
        Error::DatabaseError(Kind::ForeignKeyViolation, info) if info.constraint_name() == Some(OWNER_EXISTS) => {
            return RepositoryError::UnknownUser;
        }
        Error::DatabaseError(kind, info) => kind_is_passing(kind) || seen.timed_out || text_is_passing(&**info),
        Error::BrokenTransactionManager => true,
        _ => false,
    };
    if unavailable || seen.broken {
        RepositoryError::Unavailable(Box::new(Failure(error)))
    } else {
        RepositoryError::Unexpected(Box::new(Failure(error)))
    }
}

pub(crate) fn classify_pool(error: managed::PoolError<PoolError>) -> RepositoryError {
    match error {
        managed::PoolError::NoRuntimeSpecified => RepositoryError::Unexpected(error.into()),
        managed::PoolError::Timeout(_)
        | managed::PoolError::Backend(_)
        | managed::PoolError::Closed
        | managed::PoolError::PostCreateHook(_) => RepositoryError::Unavailable(error.into()),
    }
}

fn kind_is_passing(kind: &Kind) -> bool {
    matches!(
        kind,
        // tokio-postgres reports a broken connection so.
        Kind::UnableToSendCommand | Kind::ClosedConnection | Kind::ReadOnlyTransaction | Kind::SerializationFailure
    )
}

fn text_is_passing(info: &(dyn DatabaseErrorInformation + Send + Sync)) -> bool {
    PASSING_TROUBLE.iter().any(|text| info.message().contains(text))
}

/// A failed statement for the log: what diesel says, and where PostgreSQL saw it. The detail is left out, because it
/// repeats the row's values.
#[derive(Debug)]
struct Failure(Error);

impl std::fmt::Display for Failure {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}", self.0)?;
        if let Error::DatabaseError(kind, info) = &self.0 {
            write!(f, " ({kind:?}")?;
            if let Some(constraint) = info.constraint_name() {
                write!(f, ", constraint {constraint}")?;
            }
            write!(f, ")")?;
        }
        Ok(())
    }
}

impl std::error::Error for Failure {}

/// A row that breaks a rule of the domain: somebody wrote it past this program.
#[derive(Debug, thiserror::Error)]
#[error("task {id} in the database breaks a rule: {reason}")]
pub(crate) struct InconsistentRow {
    pub(crate) id: i64,
    pub(crate) reason: BoxError,
}

impl From<InconsistentRow> for RepositoryError {
    fn from(error: InconsistentRow) -> Self {
        Self::Unexpected(error.into())
    }
}
