use std::{fmt, sync::Arc};

use async_trait::async_trait;
use diesel::QueryResult;
use diesel_async::AsyncPgConnection;
use task_domain::{
    Expectation, RepositoryError, Task, TaskCommand, TaskId, TaskOutcome, TaskPage, TaskQuery,
    TaskRepository, UserId,
};

use super::{
    batches::{Create, Find, Key, Update, What},
    statements,
};
use crate::{
    batching::Gathering,
    postgres::pool::{PgPool, Read},
};

/// Tasks in PostgreSQL. Each use case is one statement in one round trip, so that it is atomic by itself; the count of a
/// list, and what is there where a version was expected in vain, take another.
///
/// What several ask for at the same time is one statement too. For one runtime, like its pool.
#[derive(Clone)]
pub struct PgTaskRepository {
    pool: Arc<PgPool>,
    finds: Gathering<Find>,
    creates: Gathering<Create>,
    updates: Gathering<Update>,
}

impl PgTaskRepository {
    /// Keeps tasks in the database of `pool`.
    #[must_use]
    pub fn new(pool: Arc<PgPool>) -> Self {
        Self {
            finds: Gathering::new(Arc::clone(&pool)),
            creates: Gathering::new(Arc::clone(&pool)),
            updates: Gathering::new(Arc::clone(&pool)),
            pool,
        }
    }

    /// The same tasks through another pool, for another runtime. What both are asked to write at the same time is
    /// written together.
    #[must_use]
    pub fn join(&self, pool: Arc<PgPool>) -> Self {
        Self {
            finds: Gathering::new(Arc::clone(&pool)),
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
        let _place = self.pool.admit().await?;
        if query.count_all {
            // To count takes as long as there are tasks, and nobody should have to wait behind it.
            return self.pool.run(async |connection| statements::list(connection, owner, query).await).await;
        }
        self.pool.read(List { owner, query }).await
    }

    async fn find(&self, owner: &UserId, id: TaskId) -> Result<Option<Task>, RepositoryError> {
        let _place = self.pool.admit().await?;
        let find = Find(Key { owner: owner.clone(), id });
        self.pool.in_time(self.finds.carry_out(find)).await
    }

    async fn execute(&self, owner: &UserId, command: TaskCommand) -> Result<TaskOutcome, RepositoryError> {
        let _place = self.pool.admit().await?;
        let owner = owner.clone();
        match command {
            TaskCommand::Create(new) => {
                self.pool.in_time(self.creates.carry_out(Create { owner, new })).await
            }
            TaskCommand::Update { id, expected: Expectation::Any, changes } => {
                let update = Update { key: Key { owner, id }, what: What::Change(changes) };
                self.pool.in_time(self.updates.carry_out(update)).await
            }
            TaskCommand::Toggle { id, expected: Expectation::Any } => {
                let update = Update { key: Key { owner, id }, what: What::Toggle };
                self.pool.in_time(self.updates.carry_out(update)).await
            }
            command => {
                self.pool
                    .run(async |connection| statements::execute(connection, &owner, &command).await)
                    .await
            }
        }
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
