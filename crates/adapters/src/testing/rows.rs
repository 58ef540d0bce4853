use std::fmt;

use diesel::{deserialize::FromSqlRow, pg::Pg};
use diesel_async::{AsyncConnectionCore, AsyncPgConnection};
use futures_util::TryStreamExt;
use task_domain::{Task, TaskQuery, UserId};

use super::sql::connect;
use crate::{
    postgres::{database::Database, statement::Prepared},
    tasks::{
        members::{TaskColumns, TaskRow},
        page::Page,
    },
};

type Row = <AsyncPgConnection as AsyncConnectionCore>::Row<'static, 'static>;

/// Rows of a list as they came over the wire, for measuring what it costs to make tasks of them.
pub struct ReceivedRows {
    owner: UserId,
    rows: Vec<Row>,
}

impl ReceivedRows {
    /// Asks once for the newest thousand tasks of a user.
    pub async fn of(database: &Database, owner: &str) -> Self {
        let query = TaskQuery::default();
        let newest = Prepared(Page::of(owner, &query));
        let mut connection = connect(database).await;
        let rows = AsyncConnectionCore::load(&mut connection, newest).await.unwrap();
        Self { owner: UserId::parse(owner).unwrap(), rows: rows.try_collect().await.unwrap() }
    }

    /// Makes tasks of them, as a repository does.
    #[must_use]
    pub fn decode(&self) -> Vec<Task> {
        let decode = |row: &Row| {
            let row: TaskRow = FromSqlRow::<TaskColumns, Pg>::build_from_row(row).unwrap();
            row.into_task(&self.owner).unwrap()
        };
        self.rows.iter().map(decode).collect()
    }
}

impl fmt::Debug for ReceivedRows {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ReceivedRows").field("owner", &self.owner).field("rows", &self.rows.len()).finish()
    }
}
