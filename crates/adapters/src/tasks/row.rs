//! Rows as diesel reads and writes them. They never leave this crate.
#![expect(clippy::ref_option_ref, reason = "diesel's derive of `Insertable` writes references so")]

use chrono::{DateTime, Utc};
use diesel::{pg::Pg, prelude::*, result::Error};
use task_domain::{BoxError, Description, NewTask, Task, TaskId, Title, UserId, Version};

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
    version: i64,
    completed_at: Option<DateTime<Utc>>,
}

impl TaskRow {
    pub(super) fn id(&self) -> i64 {
        self.id
    }

    /// Whether it has this title and description.
    pub(super) fn is(&self, title: &str, description: Option<&str>) -> bool {
        self.title == title && self.description.as_deref() == description
    }

    /// The task that the row is. A row that breaks a rule of the domain, because somebody wrote it past this program,
    /// is an error of deserialization.
    pub(super) fn into_task(self, owner: &UserId) -> QueryResult<Task> {
        let row_id = self.id;
        let broken = |reason: BoxError| Error::from(InconsistentRow { id: row_id, reason });
        // The release before this one completes and reopens tasks without a word about when.
        let completed_at = self.completed.then(|| self.completed_at.unwrap_or(self.updated_at));
        Ok(Task {
            id: TaskId::new(self.id).ok_or_else(|| broken("its id is not positive".into()))?,
            owner: owner.clone(),
            title: Title::parse(&self.title).map_err(|error| broken(error.into()))?,
            description: self
                .description
                .map(Description::parse)
                .transpose()
                .map_err(|error| broken(error.into()))?,
            completed_at,
            version: Version::new(self.version)
                .ok_or_else(|| broken("its version is not positive".into()))?,
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

#[cfg(test)]
mod tests {
    use task_domain::testing::{new_task, task, user};

    use super::*;

    fn row() -> TaskRow {
        let Task { created_at, updated_at, .. } = task(&user("ada"), 7);
        let (title, description) = ("buy milk".to_owned(), Some("two bottles".to_owned()));
        TaskRow {
            id: 7,
            title,
            description,
            completed: false,
            created_at,
            updated_at,
            version: 1,
            completed_at: None,
        }
    }

    #[test]
    fn a_row_becomes_the_task_of_whoever_asked_for_it() {
        let ada = user("ada");
        assert_eq!(row().into_task(&ada).unwrap(), task(&ada, 7));
        let completed_at = "2026-01-03T00:00:00Z".parse().ok();
        let done = TaskRow { description: None, completed: true, completed_at, version: 9, ..row() };
        let expected = Task { description: None, completed_at, ..task(&user("bob"), 7) };
        assert_eq!(
            done.into_task(&user("bob")).unwrap(),
            Task { version: Version::new(9).unwrap(), ..expected }
        );
    }

    #[test]
    fn what_the_release_before_completed_and_reopened_is_completed_and_pending() {
        let done = TaskRow { completed: true, completed_at: None, ..row() };
        let expected = Some(done.updated_at);
        assert_eq!(done.into_task(&user("ada")).unwrap().completed_at, expected);
        let reopened = TaskRow { completed: false, completed_at: expected, ..row() };
        assert_eq!(reopened.into_task(&user("ada")).unwrap().completed_at, None);
    }

    #[test]
    fn a_row_that_breaks_a_rule_becomes_no_task() {
        for (broken, reason) in [
            (
                TaskRow { version: 0, ..row() },
                "task 7 in the database breaks a rule: its version is not positive",
            ),
            (TaskRow { id: 0, ..row() }, "task 0 in the database breaks a rule: its id is not positive"),
            (
                TaskRow { title: " ".to_owned(), ..row() },
                "task 7 in the database breaks a rule: must not be empty",
            ),
            (
                TaskRow { title: "t".repeat(201), ..row() },
                "task 7 in the database breaks a rule: must be at most 200",
            ),
            (
                TaskRow { description: Some("d".repeat(10_001)), ..row() },
                "task 7 in the database breaks a rule: must be at most 10000",
            ),
        ] {
            let text = broken.into_task(&user("ada")).unwrap_err().to_string();
            assert!(text.starts_with(reason), "{text}");
        }
    }

    #[test]
    fn a_new_row_holds_what_was_asked_for_and_leaves_the_rest_to_the_database() {
        let (ada, mut task) = (user("ada"), new_task("buy milk"));
        let NewTaskRow { user_id, title, description } = NewTaskRow::new(&ada, &task);
        assert_eq!((user_id, title, description), ("ada", "buy milk", None));
        task.description = Some(Description::parse(String::new()).unwrap());
        assert_eq!(NewTaskRow::new(&ada, &task).description, Some(""));
    }
}
