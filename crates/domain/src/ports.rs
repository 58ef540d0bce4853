use async_trait::async_trait;

use crate::{
    error::RepositoryError,
    idempotency::{IdempotentRequest, ReceiptWriter, Replay},
    task::{
        Task, TaskId,
        command::{TaskCommand, TaskOutcome},
        list::{TaskPage, TaskQuery},
    },
    user::UserId,
};

/// The store of tasks.
///
/// Every method takes the owner, and none ever reads or changes another user's task: a task of another user is treated in
/// every respect as one that does not exist. An owner who is not a known user counts as a user without tasks, except when
/// a task is to be created.
///
/// Each method is atomic: it happens completely or, when it returns an error other than
/// [`RepositoryError::Unavailable`], not at all. Only the count of a list may be a moment younger than its page. Changes
/// of one task happen one after the other, and none is lost.
///
/// Every method returns [`RepositoryError::Unavailable`] if the store cannot be reached or does not answer in time, and
/// [`RepositoryError::Unexpected`] for every other failure.
#[cfg_attr(feature = "testing", mockall::automock)]
#[async_trait]
pub trait TaskRepository: Send + Sync {
    /// Returns the page of the owner's tasks that `query` asks for, in its order, whether there are more behind it,
    /// and, if the query asks for it, how many match in all.
    ///
    /// Whatever is written between two pages, a task that exists and keeps its place is on exactly one of them.
    async fn list(&self, owner: &UserId, query: &TaskQuery) -> Result<TaskPage, RepositoryError>;

    /// Returns the task; `None` if the owner has no such task.
    async fn find(&self, owner: &UserId, id: TaskId) -> Result<Option<Task>, RepositoryError>;

    /// Carries out a write. The outcome, and the task that is stored afterwards, are what [`TaskCommand::decide`] says of
    /// the task that is stored at that moment, by the clock of the store.
    ///
    /// - The id of a new task is greater than that of every task stored before and at most [`TaskId::MAX_ASSIGNED`],
    ///   never one that was used before. Returns [`RepositoryError::UnknownUser`] if there is no such user.
    /// - Of concurrent toggles each one flips.
    /// - What is expected of the version is judged together with the write.
    async fn execute(&self, owner: &UserId, command: TaskCommand) -> Result<TaskOutcome, RepositoryError>;
}

/// Carries out writes that clients may repeat, each one once (`docs/api.md`, "Idempotency").
///
/// Keys of different owners are independent of each other. A key is remembered for 24 hours.
#[cfg_attr(feature = "testing", mockall::automock)]
#[async_trait]
pub trait IdempotencyStore: Send + Sync {
    /// Carries out `command` as [`TaskRepository::execute`] does, and stores what `receipts` makes of its outcome
    /// in the same transaction, unless a request with that key was carried out before.
    ///
    /// - If it was the same request, its receipt is returned; if it was another one, [`Replay::Mismatch`]. Nothing is done.
    /// - While a request with that key is being carried out, [`Replay::InProgress`] is returned at once.
    /// - If it returns an error, neither the write nor the key is stored. After [`RepositoryError::Unavailable`] either
    ///   both are or neither is.
    async fn execute_once(
        &self,
        owner: &UserId,
        request: &IdempotentRequest,
        command: TaskCommand,
        receipts: ReceiptWriter,
    ) -> Result<Replay, RepositoryError>;

    /// Returns what [`execute_once`](Self::execute_once) would return, without carrying anything out; `None` if it would
    /// carry out the command.
    async fn recall(
        &self,
        owner: &UserId,
        request: &IdempotentRequest,
    ) -> Result<Option<Replay>, RepositoryError>;

    /// Forgets up to `limit` expired keys and returns how many they were. Several replicas may do so at once.
    async fn forget_expired(&self, limit: u16) -> Result<usize, RepositoryError>;
}
