mod row;
mod sql;
pub(crate) mod statements;

use std::sync::Arc;

use async_trait::async_trait;
use diesel::QueryResult;
use diesel_async::AsyncPgConnection;
use task_domain::{
    RepositoryError, Task, TaskCommand, TaskId, TaskOutcome, TaskPage, TaskQuery, TaskRepository, UserId,
};

use crate::{PgPool, pool::Read};

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
        if query.count_all {
            // To count takes as long as there are tasks, and nobody should have to wait behind it.
            return self.pool.run(async |connection| statements::list(connection, owner, query).await).await;
        }
        self.pool.read(List { owner, query }).await
    }

    async fn find(&self, owner: &UserId, id: TaskId) -> Result<Option<Task>, RepositoryError> {
        self.pool.read(Find { owner, id }).await
    }

    async fn execute(&self, owner: &UserId, command: TaskCommand) -> Result<TaskOutcome, RepositoryError> {
        self.pool.run(async |connection| statements::execute(connection, owner, &command).await).await
    }
}

struct List<'a> {
    owner: &'a UserId,
    query: &'a TaskQuery,
}

impl Read for List<'_> {
    type Output = TaskPage;

    async fn read(&self, connection: &AsyncPgConnection) -> QueryResult<TaskPage> {
        statements::list(connection, self.owner, self.query).await
    }
}

struct Find<'a> {
    owner: &'a UserId,
    id: TaskId,
}

impl Read for Find<'_> {
    type Output = Option<Task>;

    async fn read(&self, connection: &AsyncPgConnection) -> QueryResult<Option<Task>> {
        statements::find(connection, self.owner, self.id).await
    }
}
