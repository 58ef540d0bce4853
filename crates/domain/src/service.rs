use std::sync::Arc;

use crate::{
    error::TaskError,
    idempotency::{IdempotentRequest, ReceiptWriter, Replay},
    ports::{IdempotencyStore, TaskRepository},
    task::{
        Task, TaskId,
        command::{TaskCommand, TaskOutcome},
        list::{TaskPage, TaskQuery},
    },
    user::UserId,
};

/// The use cases: what a user can do with their own tasks.
///
/// Each one is a single call of a port, so that it is atomic there.
#[derive(Clone)]
pub struct TaskService {
    tasks: Arc<dyn TaskRepository>,
    idempotency: Arc<dyn IdempotencyStore>,
}

impl TaskService {
    /// Serves the tasks in `tasks`; `idempotency` carries out the writes on them that clients may repeat.
    #[must_use]
    pub fn new(tasks: Arc<dyn TaskRepository>, idempotency: Arc<dyn IdempotencyStore>) -> Self {
        Self { tasks, idempotency }
    }

    /// Lists a page of the owner's tasks.
    pub async fn list(&self, owner: &UserId, query: &TaskQuery) -> Result<TaskPage, TaskError> {
        Ok(self.tasks.list(owner, query).await?)
    }

    /// Returns one of the owner's tasks, or [`TaskError::NotFound`].
    pub async fn get(&self, owner: &UserId, id: TaskId) -> Result<Task, TaskError> {
        self.tasks.find(owner, id).await?.ok_or(TaskError::NotFound)
    }

    /// Carries out a write on the owner's tasks.
    ///
    /// Fails with [`RepositoryError::UnknownUser`](crate::error::RepositoryError::UnknownUser) if a task is to be created
    /// for an owner who is not a known user.
    pub async fn execute(&self, owner: &UserId, command: TaskCommand) -> Result<TaskOutcome, TaskError> {
        Ok(self.tasks.execute(owner, command).await?)
    }

    /// Carries out a write that the client may repeat, once; see [`IdempotencyStore::execute_once`].
    pub async fn execute_once(
        &self,
        owner: &UserId,
        request: &IdempotentRequest,
        command: TaskCommand,
        receipts: ReceiptWriter,
    ) -> Result<Replay, TaskError> {
        Ok(self.idempotency.execute_once(owner, request, command, receipts).await?)
    }

    /// Says what happened to a write that the client may repeat, if it was carried out before; see [`IdempotencyStore::recall`].
    pub async fn recall(
        &self,
        owner: &UserId,
        request: &IdempotentRequest,
    ) -> Result<Option<Replay>, TaskError> {
        Ok(self.idempotency.recall(owner, request).await?)
    }
}

impl std::fmt::Debug for TaskService {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("TaskService").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use mockall::predicate::eq;

    use super::*;
    use crate::{
        error::RepositoryError,
        idempotency::{Fingerprint, IdempotencyKey, Receipt},
        task::{list::TaskOrder, version::Expectation},
        testing::{MockIdempotencyStore, MockTaskRepository, new_task, task, task_id, user},
    };

    fn service(prepare: impl FnOnce(&mut MockTaskRepository, &mut MockIdempotencyStore)) -> TaskService {
        let (mut tasks, mut idempotency) = (MockTaskRepository::new(), MockIdempotencyStore::new());
        prepare(&mut tasks, &mut idempotency);
        TaskService::new(Arc::new(tasks), Arc::new(idempotency))
    }

    fn request() -> IdempotentRequest {
        IdempotentRequest { key: IdempotencyKey::parse("k").unwrap(), fingerprint: Fingerprint([7; 32]) }
    }

    fn toggle() -> TaskCommand {
        TaskCommand::Toggle { id: task_id(7), expected: Expectation::Any }
    }

    const RECEIPTS: ReceiptWriter = ReceiptWriter(|_| Receipt(Vec::new()));

    fn down() -> RepositoryError {
        RepositoryError::Unavailable("down".into())
    }

    #[tokio::test]
    async fn a_list_is_what_the_repository_finds_for_the_owner() {
        let query = TaskQuery::from_start(TaskOrder::Title);
        let expected = TaskPage { tasks: vec![task(&user("alice"), 2)], more: true, total: Some(9) };
        let found = expected.clone();
        let service = service(|tasks, _| {
            let (alice, query) = (user("alice"), query.clone());
            tasks.expect_list().once().with(eq(alice), eq(query)).return_once(|_, _| Ok(found));
        });
        assert_eq!(service.list(&user("alice"), &query).await.unwrap(), expected);
    }

    #[tokio::test]
    async fn a_task_is_returned_to_its_owner_or_not_found() {
        let (alice, id) = (user("alice"), task_id(7));
        let service = service(|tasks, _| {
            let found = task(&user("alice"), 7);
            tasks.expect_find().once().with(eq(user("alice")), eq(id)).return_once(|_, _| Ok(Some(found)));
            tasks.expect_find().once().with(eq(user("bob")), eq(id)).return_once(|_, _| Ok(None));
        });
        assert_eq!(service.get(&alice, id).await.unwrap(), task(&alice, 7));
        assert!(matches!(service.get(&user("bob"), id).await, Err(TaskError::NotFound)));
    }

    #[tokio::test]
    async fn a_write_is_passed_on_as_it_is_with_its_outcome() {
        let service = service(|tasks, _| {
            let created = TaskOutcome::Created(task(&user("alice"), 1));
            let create = TaskCommand::Create(new_task("t"));
            tasks.expect_execute().once().with(eq(user("alice")), eq(create)).return_once(|_, _| Ok(created));
        });
        let outcome = service.execute(&user("alice"), TaskCommand::Create(new_task("t"))).await.unwrap();
        assert_eq!(outcome, TaskOutcome::Created(task(&user("alice"), 1)));
    }

    #[tokio::test]
    async fn a_write_with_a_key_goes_to_the_port_that_carries_it_out_once() {
        let service = service(|_, idempotency| {
            idempotency
                .expect_execute_once()
                .once()
                .withf(|owner, keyed, command, _| {
                    *owner == user("alice") && *keyed == request() && *command == toggle()
                })
                .return_once(|_, _, _, receipts| Ok(Replay::First((receipts.0)(&TaskOutcome::NotFound))));
        });
        let once = service.execute_once(&user("alice"), &request(), toggle(), RECEIPTS).await.unwrap();
        assert_eq!(once, Replay::First(Receipt(Vec::new())));
    }

    #[tokio::test]
    async fn a_key_is_looked_up_in_the_port_that_remembers_it() {
        let service = service(|_, idempotency| {
            let (alice, keyed) = (user("alice"), request());
            idempotency
                .expect_recall()
                .once()
                .with(eq(alice), eq(keyed))
                .return_once(|_, _| Ok(Some(Replay::Mismatch)));
        });
        assert_eq!(service.recall(&user("alice"), &request()).await.unwrap(), Some(Replay::Mismatch));
    }

    #[tokio::test]
    async fn a_repository_that_is_down_is_never_taken_for_a_missing_task() {
        let alice = user("alice");
        let service = service(|tasks, idempotency| {
            tasks.expect_list().once().return_once(|_, _| Err(down()));
            tasks.expect_find().once().return_once(|_, _| Err(down()));
            tasks.expect_execute().once().return_once(|_, _| Err(down()));
            idempotency.expect_execute_once().once().return_once(|_, _, _, _| Err(down()));
            idempotency.expect_recall().once().return_once(|_, _| Err(down()));
        });
        let outcomes = [
            service.list(&alice, &TaskQuery::default()).await.err(),
            service.get(&alice, task_id(7)).await.err(),
            service.execute(&alice, toggle()).await.err(),
            service.execute_once(&alice, &request(), toggle(), RECEIPTS).await.err(),
            service.recall(&alice, &request()).await.err(),
        ];
        for error in outcomes {
            assert!(
                matches!(error, Some(TaskError::Repository(RepositoryError::Unavailable(_)))),
                "{error:?}"
            );
        }
    }

    #[test]
    fn errors_say_what_happened_without_their_cause() {
        assert_eq!(TaskError::from(down()).to_string(), "the task store is unavailable");
        assert_eq!(TaskError::NotFound.to_string(), "the user has no such task");
        assert_eq!(format!("{:?}", service(|_, _| {})), "TaskService { .. }");
    }
}
