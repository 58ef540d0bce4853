use async_trait::async_trait;

use crate::{NewTask, RepositoryError, Task, TaskChanges, TaskId, TaskQuery, UserId};

/// Where tasks are kept.
///
/// Every method takes the owner, and none ever sees or touches another user's task: for a task of somebody else it
/// behaves in every respect as for one that does not exist. An owner that no user has is a user without tasks, except
/// in [`create`](Self::create).
///
/// Each method is atomic: it happens completely or, when it returns an error other than
/// [`RepositoryError::Unavailable`], not at all. Changes of one task happen one after the other; none is lost.
///
/// Every method returns [`RepositoryError::Unavailable`] when the store cannot be reached or does not answer in time,
/// and [`RepositoryError::Unexpected`] for whatever is not foreseen.
#[cfg_attr(feature = "testing", mockall::automock)]
#[async_trait]
pub trait TaskRepository: Send + Sync {
    /// Returns the owner's first [`TaskQuery::MAX_TASKS`] tasks that `query` selects, in its order.
    async fn list(&self, owner: &UserId, query: TaskQuery) -> Result<Vec<Task>, RepositoryError>;

    /// Stores a new task that is not completed, whose two times are equal, and whose id is greater than that of every
    /// task stored before it began and at most [`TaskId::MAX_ASSIGNED`].
    ///
    /// Returns [`RepositoryError::UnknownUser`] when there is no such user.
    async fn create(&self, owner: &UserId, task: NewTask) -> Result<Task, RepositoryError>;

    /// Returns the task; `None` when the owner has no such task.
    async fn find(&self, owner: &UserId, id: TaskId) -> Result<Option<Task>, RepositoryError>;

    /// Sets what `changes` sets and returns the task as it is then; `None` when the owner has no such task.
    ///
    /// When a value really differs, `updated_at` becomes strictly greater; when all are what they were, it stays.
    async fn update(
        &self,
        owner: &UserId,
        id: TaskId,
        changes: TaskChanges,
    ) -> Result<Option<Task>, RepositoryError>;

    /// Flips `completed`, with a strictly greater `updated_at`, and returns the task as it is then; `None` when the
    /// owner has no such task. Of concurrent calls each one flips.
    async fn toggle(&self, owner: &UserId, id: TaskId) -> Result<Option<Task>, RepositoryError>;

    /// Removes the task for good and says whether the owner had it. Its id is never assigned again.
    async fn delete(&self, owner: &UserId, id: TaskId) -> Result<bool, RepositoryError>;
}
