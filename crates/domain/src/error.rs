/// The cause of a failure that is not the domain's to understand, kept for the log.
pub type BoxError = Box<dyn std::error::Error + Send + Sync>;

/// Why a repository could not do what it was asked.
#[derive(Debug, thiserror::Error)]
pub enum RepositoryError {
    /// The owner is not among the users, so nothing can be created for them.
    #[error("the owner is not a known user")]
    UnknownUser,
    /// The store cannot be reached, does not answer in time, or takes no writes now. The same call may succeed later;
    /// whether this one had an effect is unknown.
    #[error("the task store is unavailable")]
    Unavailable(#[source] BoxError),
    /// More is asked for than the store can do. Nothing was done; the same call may succeed later.
    #[error("more is asked for than the task store can do")]
    Overloaded,
    /// Anything that should not happen: a bug, or a store that is not as it should be.
    #[error("the task store failed unexpectedly")]
    Unexpected(#[source] BoxError),
}

/// Why a use case did not come to its end.
#[derive(Debug, thiserror::Error)]
pub enum TaskError {
    /// The owner has no such task; somebody else may.
    #[error("the user has no such task")]
    NotFound,
    /// The repository failed.
    #[error(transparent)]
    Repository(#[from] RepositoryError),
}
