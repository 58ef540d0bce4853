mod row;

use std::sync::Arc;

use async_trait::async_trait;
use diesel::{
    dsl::{IntervalDsl, case_when, not},
    prelude::*,
    sql_types::{Nullable, Text, Timestamptz},
};
use diesel_async::RunQueryDsl;
use task_domain::{
    Description, NewTask, RepositoryError, StatusFilter, Task, TaskChanges, TaskId, TaskOrder, TaskQuery,
    TaskRepository, Title, UserId,
};

use self::row::{NewTaskRow, TaskRow};
use crate::{PgPool, schema::tasks};

/// Tasks in PostgreSQL. Each method is one statement in one round trip, so that it is atomic by itself.
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

diesel::define_sql_function! {
    /// The time of day at this very moment, whenever the transaction began.
    fn clock_timestamp() -> Timestamptz;
}
diesel::define_sql_function! {
    fn greatest(a: Timestamptz, b: Timestamptz) -> Timestamptz;
}
diesel::define_sql_function! {
    /// `value`, or `otherwise` where it is null.
    #[sql_name = "coalesce"]
    fn text_or(value: Nullable<Text>, otherwise: Text) -> Text;
}
diesel::define_sql_function! {
    /// `value`, or `otherwise` where it is null.
    #[sql_name = "coalesce"]
    fn nullable_text_or(value: Nullable<Text>, otherwise: Nullable<Text>) -> Nullable<Text>;
}

/// Greater than the row's `updated_at` even when the clock stands still or was set back. PostgreSQL evaluates it on the
/// row as it is once the statement holds its lock, so that concurrent changes count too.
///
/// A macro, since the type of a diesel expression cannot be written down in a readable way.
macro_rules! next_moment {
    () => {
        greatest(clock_timestamp(), tasks::updated_at + 1.microsecond())
    };
}

#[async_trait]
impl TaskRepository for PgTaskRepository {
    async fn list(&self, owner: &UserId, query: TaskQuery) -> Result<Vec<Task>, RepositoryError> {
        let rows = self.pool.run(async |connection| list_rows(connection, owner, query).await).await?;
        rows.into_iter().map(|row| Ok(row.into_task(owner)?)).collect()
    }

    async fn create(&self, owner: &UserId, task: NewTask) -> Result<Task, RepositoryError> {
        let row = NewTaskRow::new(owner, &task);
        let insert = diesel::insert_into(tasks::table).values(row).returning(TaskRow::as_returning());
        let row = self.pool.run(async |connection| insert.get_result(connection).await).await?;
        Ok(row.into_task(owner)?)
    }

    async fn find(&self, owner: &UserId, id: TaskId) -> Result<Option<Task>, RepositoryError> {
        let select = tasks::table.find((owner.as_str(), id.get())).select(TaskRow::as_select());
        let row = self.pool.run(async |connection| select.get_result(connection).await.optional()).await?;
        Ok(row.map(|row| row.into_task(owner)).transpose()?)
    }

    async fn update(
        &self,
        owner: &UserId,
        id: TaskId,
        changes: TaskChanges,
    ) -> Result<Option<Task>, RepositoryError> {
        let title = changes.title().map(Title::as_str);
        let description = changes.description().map(Description::as_str);
        let differs = text_or(title, tasks::title).ne(tasks::title).or(nullable_text_or(
            description,
            tasks::description,
        )
        .is_distinct_from(tasks::description));
        let update = diesel::update(tasks::table.find((owner.as_str(), id.get())))
            .set((
                tasks::title.eq(text_or(title, tasks::title)),
                tasks::description.eq(nullable_text_or(description, tasks::description)),
                tasks::updated_at.eq(case_when(differs, next_moment!()).otherwise(tasks::updated_at)),
            ))
            .returning(TaskRow::as_returning());
        let row = self.pool.run(async |connection| update.get_result(connection).await.optional()).await?;
        Ok(row.map(|row| row.into_task(owner)).transpose()?)
    }

    async fn toggle(&self, owner: &UserId, id: TaskId) -> Result<Option<Task>, RepositoryError> {
        let update = diesel::update(tasks::table.find((owner.as_str(), id.get())))
            .set((tasks::completed.eq(not(tasks::completed)), tasks::updated_at.eq(next_moment!())))
            .returning(TaskRow::as_returning());
        let row = self.pool.run(async |connection| update.get_result(connection).await.optional()).await?;
        Ok(row.map(|row| row.into_task(owner)).transpose()?)
    }

    async fn delete(&self, owner: &UserId, id: TaskId) -> Result<bool, RepositoryError> {
        let delete = diesel::delete(tasks::table.find((owner.as_str(), id.get())));
        Ok(self.pool.run(async |connection| delete.execute(connection).await).await? > 0)
    }
}

/// One arm for each index of `tasks`, so that every statement is prepared once and reads one range of one index.
async fn list_rows(
    connection: &mut diesel_async::AsyncPgConnection,
    owner: &UserId,
    query: TaskQuery,
) -> QueryResult<Vec<TaskRow>> {
    #[expect(clippy::cast_possible_wrap, reason = "it is small")]
    const LIMIT: i64 = TaskQuery::MAX_TASKS as i64;
    let of_owner = tasks::table.filter(tasks::user_id.eq(owner.as_str())).select(TaskRow::as_select());
    let completed = match query.status {
        StatusFilter::All => None,
        StatusFilter::Pending => Some(false),
        StatusFilter::Completed => Some(true),
    };
    match (completed, query.order) {
        (None, TaskOrder::NewestFirst) => {
            let order = (tasks::created_at.desc(), tasks::id.desc());
            of_owner.order(order).limit(LIMIT).load(connection).await
        }
        (Some(completed), TaskOrder::NewestFirst) => {
            let order = (tasks::created_at.desc(), tasks::id.desc());
            let of_status = of_owner.filter(tasks::completed.eq(completed));
            of_status.order(order).limit(LIMIT).load(connection).await
        }
        (None, TaskOrder::Title) => {
            of_owner.order((tasks::title, tasks::id)).limit(LIMIT).load(connection).await
        }
        (Some(completed), TaskOrder::Title) => {
            let of_status = of_owner.filter(tasks::completed.eq(completed));
            of_status.order((tasks::title, tasks::id)).limit(LIMIT).load(connection).await
        }
    }
}
