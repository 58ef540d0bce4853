use std::{fmt, sync::Arc};

use async_trait::async_trait;
use task_domain::{
    RepositoryError, Task, TaskCommand, TaskId, TaskOutcome, TaskPage, TaskQuery, TaskRepository, UserId,
};

use super::{
    batches::{FindRequest, WriteKind, WriteRequest},
    list::List,
};
use crate::{
    batching::{Batchable, Batcher},
    postgres::pool::{PgPool, Read},
};

/// Tasks in PostgreSQL. Each use case is one statement in one round trip, so that it is atomic by itself. The count of a
/// list takes another, and so does the task that is there if its version is not an expected one.
///
/// Requests that come at the same time share a statement. For one runtime, like its pool.
#[derive(Clone)]
pub struct PgTaskRepository {
    pool: Arc<PgPool>,
    finds: Batcher<FindRequest>,
    creates: Batcher<WriteRequest>,
    updates: Batcher<WriteRequest>,
}

impl PgTaskRepository {
    /// Keeps tasks in the database of `pool`.
    #[must_use]
    pub fn new(pool: Arc<PgPool>) -> Self {
        Self {
            finds: Batcher::new(Arc::clone(&pool)),
            creates: Batcher::new(Arc::clone(&pool)),
            updates: Batcher::new(Arc::clone(&pool)),
            pool,
        }
    }

    /// The same tasks through another pool, for another runtime. Writes that come to both at the same time share a
    /// statement.
    #[must_use]
    pub fn join(&self, pool: Arc<PgPool>) -> Self {
        Self {
            finds: Batcher::new(Arc::clone(&pool)),
            creates: self.creates.join(Arc::clone(&pool)),
            updates: self.updates.join(Arc::clone(&pool)),
            pool,
        }
    }
}

impl fmt::Debug for PgTaskRepository {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PgTaskRepository").field("pool", &self.pool).finish_non_exhaustive()
    }
}

#[async_trait]
impl TaskRepository for PgTaskRepository {
    async fn list(&self, owner: &UserId, query: &TaskQuery) -> Result<TaskPage, RepositoryError> {
        let _permit = self.pool.admit().await?;
        let list = List { owner, query };
        if query.count_all {
            // To count takes as long as there are tasks, and no other read should wait behind it.
            return self.pool.run(async |connection| list.read(connection).await).await;
        }
        self.pool.read(list).await
    }

    async fn find(&self, owner: &UserId, id: TaskId) -> Result<Option<Task>, RepositoryError> {
        let _permit = self.pool.admit().await?;
        let find = FindRequest { owner: owner.clone(), id };
        self.pool.in_time(self.finds.execute(find)).await
    }

    async fn execute(&self, owner: &UserId, command: TaskCommand) -> Result<TaskOutcome, RepositoryError> {
        let _permit = self.pool.admit().await?;
        let write = WriteRequest { owner: owner.clone(), command };
        let batcher = match write.kind() {
            WriteKind::Create => &self.creates,
            WriteKind::Update(_) => &self.updates,
            WriteKind::Single => return write.execute_single(&self.pool).await,
        };
        self.pool.in_time(batcher.execute(write)).await
    }
}
