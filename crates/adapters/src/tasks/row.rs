//! From a row to a task.

use diesel::{QueryResult, result::Error};
use task_domain::{BoxError, Description, Task, TaskId, Title, UserId, Version};

use super::members::TaskRow;
use crate::postgres::error::InconsistentRow;

impl TaskRow {
    /// The task that the row is. If a row that was written past this program breaks a rule of the domain, that is an error
    /// of deserialization.
    pub(crate) fn into_task(self, owner: &UserId) -> QueryResult<Task> {
        let row_id = self.id;
        let broken = |column, reason: BoxError| Error::from(InconsistentRow { id: row_id, column, reason });
        let version = self.version.map_or(Some(Version::FIRST), Version::new);
        Ok(Task {
            id: TaskId::new(self.id).ok_or_else(|| broken("id", "is not positive".into()))?,
            owner: owner.clone(),
            title: Title::parse(self.title).map_err(|error| broken("title", error.into()))?,
            description: self
                .description
                .map(Description::parse)
                .transpose()
                .map_err(|error| broken("description", error.into()))?,
            completed_at: self.completed_at,
            version: version.ok_or_else(|| broken("version", "is not positive".into()))?,
            created_at: self.created_at,
            updated_at: self.updated_at.unwrap_or(self.created_at),
        })
    }
}

#[cfg(test)]
mod tests {
    use chrono::Duration;
    use task_domain::testing::{task, user};

    use super::*;

    /// A task as it was created.
    fn row() -> TaskRow {
        TaskRow {
            id: 7,
            title: "buy milk".to_owned(),
            description: Some("two bottles".to_owned()),
            created_at: task(&user("ada"), 7).created_at,
            updated_at: None,
            version: None,
            completed_at: None,
        }
    }

    #[test]
    fn a_row_becomes_the_task_of_the_owner_who_asked() {
        let bob = user("bob");
        let created = row().into_task(&bob).unwrap();
        assert_eq!(created, Task { updated_at: created.created_at, ..task(&bob, 7) });
    }

    #[test]
    fn what_is_not_as_it_was_created_is_as_the_row_says() {
        let later = Some(row().created_at + Duration::days(1));
        let row =
            TaskRow { description: None, updated_at: later, version: Some(9), completed_at: later, ..row() };
        let task = row.into_task(&user("ada")).unwrap();
        assert_eq!((Some(task.updated_at), task.completed_at, task.version.get()), (later, later, 9));
        assert!(task.is_completed() && task.description.is_none());
    }

    #[test]
    fn a_row_that_breaks_a_rule_becomes_no_task() {
        for (broken, reason) in [
            (
                TaskRow { version: Some(0), ..row() },
                "task 7 in the database breaks a rule: version is not positive",
            ),
            (TaskRow { id: 0, ..row() }, "task 0 in the database breaks a rule: id is not positive"),
            (
                TaskRow { title: " ".to_owned(), ..row() },
                "task 7 in the database breaks a rule: title must not be empty",
            ),
            (
                TaskRow { title: "t".repeat(201), ..row() },
                "task 7 in the database breaks a rule: title must be at most 200",
            ),
            (
                TaskRow { description: Some("d".repeat(10_001)), ..row() },
                "task 7 in the database breaks a rule: description must be at most 10000",
            ),
        ] {
            let text = broken.into_task(&user("ada")).unwrap_err().to_string();
            assert!(text.starts_with(reason), "{text}");
        }
    }
}
