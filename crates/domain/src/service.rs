use std::sync::Arc;

use crate::{NewTask, Task, TaskChanges, TaskError, TaskId, TaskQuery, TaskRepository, UserId};

/// The use cases: what a user can do with their own tasks.
///
/// Each one is a single call of the repository, so that it is one statement there and races with nothing.
#[derive(Clone)]
pub struct TaskService {
    tasks: Arc<dyn TaskRepository>,
}

impl TaskService {
    /// Serves the tasks that `tasks` keeps.
    #[must_use]
    pub fn new(tasks: Arc<dyn TaskRepository>) -> Self {
        Self { tasks }
    }

    /// Lists the owner's tasks, at most [`TaskQuery::MAX_TASKS`] of them.
    pub async fn list(&self, owner: &UserId, query: TaskQuery) -> Result<Vec<Task>, TaskError> {
        Ok(self.tasks.list(owner, query).await?)
    }

    /// Creates a task for the owner.
    ///
    /// Fails with [`RepositoryError::UnknownUser`](crate::RepositoryError::UnknownUser) when there is no such user.
    pub async fn create(&self, owner: &UserId, task: NewTask) -> Result<Task, TaskError> {
        Ok(self.tasks.create(owner, task).await?)
    }

    /// Returns one of the owner's tasks, or [`TaskError::NotFound`].
    pub async fn get(&self, owner: &UserId, id: TaskId) -> Result<Task, TaskError> {
        self.tasks.find(owner, id).await?.ok_or(TaskError::NotFound)
    }

    /// Changes one of the owner's tasks and returns it, or [`TaskError::NotFound`].
    pub async fn update(&self, owner: &UserId, id: TaskId, changes: TaskChanges) -> Result<Task, TaskError> {
        self.tasks.update(owner, id, changes).await?.ok_or(TaskError::NotFound)
    }

    /// Completes one of the owner's tasks, or reopens it if it is completed, and returns it, or
    /// [`TaskError::NotFound`].
    pub async fn toggle(&self, owner: &UserId, id: TaskId) -> Result<Task, TaskError> {
        self.tasks.toggle(owner, id).await?.ok_or(TaskError::NotFound)
    }

    /// Removes one of the owner's tasks for good, or returns [`TaskError::NotFound`].
    pub async fn delete(&self, owner: &UserId, id: TaskId) -> Result<(), TaskError> {
        if self.tasks.delete(owner, id).await? { Ok(()) } else { Err(TaskError::NotFound) }
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
        RepositoryError, StatusFilter, TaskOrder, Title,
        testing::{MockTaskRepository, new_task, task, task_id, user},
    };

    fn service(prepare: impl FnOnce(&mut MockTaskRepository)) -> TaskService {
        let mut tasks = MockTaskRepository::new();
        prepare(&mut tasks);
        TaskService::new(Arc::new(tasks))
    }

    fn renaming() -> TaskChanges {
        TaskChanges::new(Title::parse("new").ok(), None).unwrap()
    }

    fn down() -> RepositoryError {
        RepositoryError::Unavailable("down".into())
    }

    #[tokio::test]
    async fn a_list_is_what_the_repository_finds_for_the_owner() {
        let query = TaskQuery { status: StatusFilter::Pending, order: TaskOrder::Title };
        let expected = vec![task(&user("alice"), 2), task(&user("alice"), 1)];
        let found = expected.clone();
        let service = service(|tasks| {
            tasks.expect_list().once().with(eq(user("alice")), eq(query)).return_once(|_, _| Ok(found));
        });
        assert_eq!(service.list(&user("alice"), query).await.unwrap(), expected);
    }

    #[tokio::test]
    async fn a_create_passes_on_what_is_new_and_returns_what_was_stored() {
        let service = service(|tasks| {
            let stored = task(&user("alice"), 1);
            tasks
                .expect_create()
                .once()
                .with(eq(user("alice")), eq(new_task("buy milk")))
                .return_once(|_, _| Ok(stored));
        });
        let created = service.create(&user("alice"), new_task("buy milk")).await.unwrap();
        assert_eq!(created, task(&user("alice"), 1));
    }

    #[tokio::test]
    async fn a_create_for_nobody_says_so() {
        let service = service(|tasks| {
            tasks.expect_create().once().return_once(|_, _| Err(RepositoryError::UnknownUser));
        });
        let error = service.create(&user("nobody"), new_task("t")).await.unwrap_err();
        assert!(matches!(error, TaskError::Repository(RepositoryError::UnknownUser)), "{error:?}");
    }

    #[tokio::test]
    async fn a_task_of_the_owner_is_found_changed_toggled_and_deleted() {
        let (alice, id) = (user("alice"), task_id(7));
        let service = service(|tasks| {
            let owned = || Some(task(&user("alice"), 7));
            let (owner, changes) = (user("alice"), renaming());
            tasks.expect_find().once().with(eq(owner.clone()), eq(id)).return_once(move |_, _| Ok(owned()));
            tasks
                .expect_update()
                .once()
                .with(eq(owner.clone()), eq(id), eq(changes))
                .return_once(move |_, _, _| Ok(owned()));
            tasks.expect_toggle().once().with(eq(owner.clone()), eq(id)).return_once(move |_, _| Ok(owned()));
            tasks.expect_delete().once().with(eq(owner), eq(id)).return_once(|_, _| Ok(true));
        });
        let expected = task(&alice, 7);
        assert_eq!(service.get(&alice, id).await.unwrap(), expected);
        assert_eq!(service.update(&alice, id, renaming()).await.unwrap(), expected);
        assert_eq!(service.toggle(&alice, id).await.unwrap(), expected);
        service.delete(&alice, id).await.unwrap();
    }

    #[tokio::test]
    async fn a_task_that_the_owner_does_not_have_is_not_found() {
        let (alice, id) = (user("alice"), task_id(7));
        let service = service(|tasks| {
            tasks.expect_find().once().return_once(|_, _| Ok(None));
            tasks.expect_update().once().return_once(|_, _, _| Ok(None));
            tasks.expect_toggle().once().return_once(|_, _| Ok(None));
            tasks.expect_delete().once().return_once(|_, _| Ok(false));
        });
        assert!(matches!(service.get(&alice, id).await, Err(TaskError::NotFound)));
        assert!(matches!(service.update(&alice, id, renaming()).await, Err(TaskError::NotFound)));
        assert!(matches!(service.toggle(&alice, id).await, Err(TaskError::NotFound)));
        assert!(matches!(service.delete(&alice, id).await, Err(TaskError::NotFound)));
    }

    #[tokio::test]
    async fn a_repository_that_is_down_is_never_taken_for_a_missing_task() {
        let (alice, id) = (user("alice"), task_id(7));
        let service = service(|tasks| {
            tasks.expect_list().once().return_once(|_, _| Err(down()));
            tasks.expect_create().once().return_once(|_, _| Err(down()));
            tasks.expect_find().once().return_once(|_, _| Err(down()));
            tasks.expect_update().once().return_once(|_, _, _| Err(down()));
            tasks.expect_toggle().once().return_once(|_, _| Err(down()));
            tasks.expect_delete().once().return_once(|_, _| Err(down()));
        });
        let outcomes = [
            service.list(&alice, TaskQuery::default()).await.err(),
            service.create(&alice, new_task("t")).await.err(),
            service.get(&alice, id).await.err(),
            service.update(&alice, id, renaming()).await.err(),
            service.toggle(&alice, id).await.err(),
            service.delete(&alice, id).await.err(),
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
        let error = TaskError::from(down());
        assert_eq!(error.to_string(), "the task store is unavailable");
        assert_eq!(TaskError::NotFound.to_string(), "the user has no such task");
        assert_eq!(format!("{:?}", service(|_| {})), "TaskService { .. }");
    }
}
