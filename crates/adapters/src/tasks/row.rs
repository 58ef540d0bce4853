//! Rows as diesel reads and writes them. They never leave this crate.

use chrono::{DateTime, Utc};
use diesel::{pg::Pg, prelude::*};
use task_domain::{BoxError, Description, NewTask, Task, TaskId, Title, UserId};

use crate::{error::InconsistentRow, schema::tasks};

/// What is read of a task. The owner is left out: whoever asks knows it.
#[derive(Queryable, Selectable)]
#[diesel(table_name = tasks, check_for_backend(Pg))]
pub(super) struct TaskRow {
    id: i64,
    title: String,
    description: Option<String>,
    completed: bool,
    created_at: DateTime<Utc>,
    updated_at: DateTime<Utc>,
}

impl TaskRow {
    pub(super) fn into_task(self, owner: &UserId) -> Result<Task, InconsistentRow> {
        let row_id = self.id;
        let broken = |reason: BoxError| InconsistentRow { id: row_id, reason };
        Ok(Task {
            id: TaskId::new(self.id).ok_or_else(|| broken("its id is not positive".into()))?,
            owner: owner.clone(),
            title: Title::parse(&self.title).map_err(|error| broken(error.into()))?,
            description: self
                .description
                .map(Description::parse)
                .transpose()
                .map_err(|error| broken(error.into()))?,
            completed: self.completed,
            created_at: self.created_at,
            updated_at: self.updated_at,
        })
    }
}

/// What is written of a new task; all else is the database's to say.
#[derive(Insertable)]
#[diesel(table_name = tasks, treat_none_as_default_value = false)]
pub(super) struct NewTaskRow<'a> {
    user_id: &'a str,
    title: &'a str,
    description: Option<&'a str>,
}

impl<'a> NewTaskRow<'a> {
    pub(super) fn new(owner: &'a UserId, task: &'a NewTask) -> Self {
        Self {
            user_id: owner.as_str(),
            title: task.title.as_str(),
            description: task.description.as_ref().map(Description::as_str),
        }
    }
}
