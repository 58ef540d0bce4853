//! Lists of a user's tasks.

use diesel::prelude::*;
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use task_domain::{TaskPage, TaskQuery, UserId};

use super::{
    members::TaskRow,
    page::{Count, Page},
};
use crate::postgres::{pool::Read, statement::Prepared};

/// A page of a user's tasks, as a read that others may share a connection with.
pub(super) struct List<'a> {
    pub(super) owner: &'a UserId,
    pub(super) query: &'a TaskQuery,
}

impl Read for List<'_> {
    type Output = TaskPage;

    async fn read(&self, mut connection: &AsyncPgConnection) -> QueryResult<TaskPage> {
        let limit = usize::from(self.query.limit.get());
        let page = Prepared(Page::of(self.owner.as_str(), self.query));
        let mut rows: Vec<TaskRow> = page.load(&mut connection).await?;
        let more = rows.len() > limit;
        rows.truncate(limit);
        let total = if self.query.count_all { Some(self.count(connection).await?) } else { None };
        let tasks = rows.into_iter().map(|row| row.into_task(self.owner)).collect::<QueryResult<_>>()?;
        Ok(TaskPage { tasks, more, total })
    }
}

impl List<'_> {
    async fn count(&self, mut connection: &AsyncPgConnection) -> QueryResult<u64> {
        let count = Prepared(Count::of(self.owner.as_str(), self.query));
        let count: i64 = count.get_result(&mut connection).await?;
        Ok(count.unsigned_abs())
    }
}
