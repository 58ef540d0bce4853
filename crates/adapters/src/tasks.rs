mod row;
mod sql;
pub(crate) mod statements;

use std::sync::Arc;

use async_trait::async_trait;
use task_domain::{
    RepositoryError, Task, TaskCommand, TaskId, TaskOutcome, TaskPage, TaskQuery, TaskRepository, UserId,
};

use crate::PgPool;

/// Tasks in PostgreSQL. Each use case is one statement in one round trip, so that it is atomic by itself; the count of a
/// list, and what is there where a version was expected in vain, take another.
#[derive(Clone, Debug)]
pub struct PgTaskRepository {
    pool: Arc<PgPool>,
}

impl PgTaskRepository {
    /// Keeps tasks in the database of `pool`.
    #[must_use]
    pub fn new(pool: Arc<PgPool>) -> Self {
        Self { pool }
    }
}

#[async_trait]
impl TaskRepository for PgTaskRepository {
    async fn list(&self, owner: &UserId, query: &TaskQuery) -> Result<TaskPage, RepositoryError> {
        self.pool.run(async |connection| statements::list(connection, owner, query).await).await
    }

    async fn find(&self, owner: &UserId, id: TaskId) -> Result<Option<Task>, RepositoryError> {
        self.pool.run(async |connection| statements::find(connection, owner, id).await).await
    }

    async fn execute(&self, owner: &UserId, command: TaskCommand) -> Result<TaskOutcome, RepositoryError> {
        self.pool.run(async |connection| statements::execute(connection, owner, &command).await).await
    }
}
