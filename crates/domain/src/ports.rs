use async_trait::async_trait;

use crate::{
    error::RepositoryError,
    idempotency::{KeyedRequest, Once, ReceiptWriter},
    task::{
        Task, TaskId,
        command::{TaskCommand, TaskOutcome},
        list::{TaskPage, TaskQuery},
    },
    user::UserId,
};

/// Where tasks are kept.
///
/// Every method takes the owner, and none ever sees or touches another user's task: for a task of somebody else it
/// behaves in every respect as for one that does not exist. An owner that no user has is a user without tasks, except
/// when something is created for them.
///
/// Each method is atomic: it happens completely or, when it returns an error other than
/// [`RepositoryError::Unavailable`], not at all. Only the count of a list may be a moment younger than its page. Changes
/// of one task happen one after the other; none is lost.
///
/// Every method returns [`RepositoryError::Unavailable`] when the store cannot be reached or does not answer in time,
/// and [`RepositoryError::Unexpected`] for whatever is not foreseen.
#[cfg_attr(feature = "testing", mockall::automock)]
#[async_trait]
pub trait TaskRepository: Send + Sync {
    /// Returns the page of the owner's tasks that `query` asks for, in its order, whether there are more behind it,
    /// and, where that is asked for, how many match in all.
    ///
    /// Whatever is written between two pages, a task that exists and keeps its place is on exactly one of them.
    async fn list(&self, owner: &UserId, query: &TaskQuery) -> Result<TaskPage, RepositoryError>;

    /// Returns the task; `None` when the owner has no such task.
    async fn find(&self, owner: &UserId, id: TaskId) -> Result<Option<Task>, RepositoryError>;

    /// Carries out a write.
    ///
    /// - A new task is not completed, its two times are equal, its version is the first, and its id is greater than
    ///   that of every task stored before and at most [`TaskId::MAX_ASSIGNED`], never one that was used before.
    ///   Returns [`RepositoryError::UnknownUser`] when there is no such user.
    /// - An update or a toggle that makes a difference gives the next version and a strictly greater `updated_at`, and
    ///   sets or clears `completed_at` where it completes or reopens the task; one that makes none changes nothing. Of
    ///   concurrent toggles each one flips.
    /// - What is expected of the version is judged together with the write: a task of another version is returned as
    ///   [`TaskOutcome::Unexpected`], as it is. A task that the owner does not have is [`TaskOutcome::NotFound`],
    ///   whatever was expected.
    async fn execute(&self, owner: &UserId, command: TaskCommand) -> Result<TaskOutcome, RepositoryError>;
}

/// Carries out writes that may be repeated, each one once.
///
/// Keys of different owners have nothing to do with each other. A key is remembered for 24 hours.
#[cfg_attr(feature = "testing", mockall::automock)]
#[async_trait]
pub trait OnceOnly: Send + Sync {
    /// Carries out `command` as [`TaskRepository::execute`] does, and stores what `receipts` makes of its outcome
    /// in the same transaction, unless a request of that key was carried out before.
    ///
    /// - Was it this request, that one's receipt is returned and nothing is done; was it another one, nothing is done.
    /// - While a request of that key is being carried out, [`Once::InProgress`] is returned at once.
    /// - When it returns an error, neither the write nor the key is stored, [`RepositoryError::Unavailable`] aside:
    ///   then both are or none is.
    async fn execute_once(
        &self,
        owner: &UserId,
        request: &KeyedRequest,
        command: TaskCommand,
        receipts: ReceiptWriter,
    ) -> Result<Once, RepositoryError>;

    /// Returns what [`execute_once`](Self::execute_once) would return without carrying anything out; `None` where it
    /// would carry out the command.
    async fn recall(&self, owner: &UserId, request: &KeyedRequest) -> Result<Option<Once>, RepositoryError>;

    /// Forgets up to `limit` expired keys and returns how many they were. Many may do so at once.
    async fn forget_expired(&self, limit: u16) -> Result<usize, RepositoryError>;
}
