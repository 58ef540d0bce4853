/// The cause of a failure that the domain does not interpret, kept for the log.
pub type BoxError = Box<dyn std::error::Error + Send + Sync>;

/// Why a repository failed.
#[derive(Debug, thiserror::Error)]
pub enum RepositoryError {
    /// The owner is not among the users, so nothing can be created for them.
    #[error("the owner is not a known user")]
    UnknownUser,
    /// The store cannot be reached, does not answer in time, or takes no writes now. The same call may succeed later.
    /// It is unknown whether this one had an effect.
    #[error("the task store is unavailable")]
    Unavailable(#[source] BoxError),
    /// The store has more requests than it takes. Nothing was done; the same call may succeed later.
    #[error("more is asked for than the task store can do")]
    Overloaded,
    /// A bug, or a store that is not as it should be.
    #[error("the task store failed unexpectedly")]
    Unexpected(#[source] BoxError),
}

/// Why a use case failed.
#[derive(Debug, thiserror::Error)]
pub enum TaskError {
    /// The owner has no such task; another user may have it.
    #[error("the user has no such task")]
    NotFound,
    /// The repository failed.
    #[error(transparent)]
    Repository(#[from] RepositoryError),
}
