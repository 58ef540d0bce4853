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
