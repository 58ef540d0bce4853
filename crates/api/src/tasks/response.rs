//! The bodies of answers about tasks. Domain types are never serialized.

use chrono::{DateTime, Utc};
use task_domain::{Description, Task, TaskPage};
use utoipa::ToSchema;

use super::json::{LeftOutIfNone, json_object};

json_object! {
    /// A task.
    #[derive(Debug, ToSchema)]
    #[schema(as = Task)]
    pub(crate) struct TaskBody<'a> {
        /// Its number, assigned by the server, ascending, never used again.
        #[schema(minimum = 1, maximum = 9_007_199_254_740_991_i64, example = 42)]
        id: i64,
        /// Whose it is: the `sub` of the token.
        #[schema(example = "demo")]
        user_id: &'a str,
        /// What is to be done.
        #[schema(min_length = 1, max_length = 200, example = "buy milk")]
        title: &'a str,
        /// More about it.
        #[schema(max_length = 10_000, required = true, example = "two bottles")]
        description: Option<&'a str>,
        /// Whether it has been done.
        completed: bool,
        /// When it was created: RFC 3339 in UTC with six fraction digits.
        #[schema(value_type = String, format = DateTime, example = "2026-01-02T03:04:05.000060Z")]
        created_at: DateTime<Utc>,
        /// When it last changed; equal to `created_at` at first.
        #[schema(value_type = String, format = DateTime, example = "2026-01-02T03:04:05.000060Z")]
        updated_at: DateTime<Utc>,
        /// How often it has been written: 1 at creation, one more at every change.
        #[schema(minimum = 1, example = 1)]
        version: i64,
        /// When it was completed; null while it is not.
        #[schema(value_type = Option<String>, format = DateTime, required = true)]
        completed_at: Option<DateTime<Utc>>,
    }
}

impl<'a> From<&'a Task> for TaskBody<'a> {
    fn from(task: &'a Task) -> Self {
        Self {
            id: task.id.get(),
            user_id: task.owner.as_str(),
            title: task.title.as_str(),
            description: task.description.as_ref().map(Description::as_str),
            completed: task.is_completed(),
            created_at: task.created_at,
            updated_at: task.updated_at,
            version: task.version.get(),
            completed_at: task.completed_at,
        }
    }
}

json_object! {
    /// A user's tasks.
    #[derive(Debug, ToSchema)]
    #[schema(as = TaskList)]
    pub(crate) struct TaskListBody<'a> {
        /// The tasks, at most 1000 of them.
        #[schema(max_items = 1000)]
        tasks: Vec<TaskBody<'a>>,
        /// How many tasks are in this answer.
        #[schema(minimum = 0, maximum = 1000, example = 1)]
        count: usize,
        /// Where the next page begins; null on the last page.
        #[schema(required = true)]
        next_cursor: Option<&'a str>,
        /// How many tasks match in all, with `total=true` only.
        #[schema(value_type = u64, required = false, minimum = 0)]
        total: LeftOutIfNone<u64>,
    }
}

impl<'a> TaskListBody<'a> {
    pub(crate) fn new(page: &'a TaskPage, next_cursor: Option<&'a str>) -> Self {
        Self {
            tasks: page.tasks.iter().map(TaskBody::from).collect(),
            count: page.tasks.len(),
            next_cursor,
            total: LeftOutIfNone(page.total),
        }
    }
}

json_object! {
    /// What is left of a deleted task.
    #[derive(Debug, ToSchema)]
    #[schema(as = Deleted)]
    pub(crate) struct DeletedBody {
        /// `Task deleted`.
        #[schema(example = "Task deleted")]
        message: &'static str,
    }
}

impl DeletedBody {
    pub(crate) const fn new() -> Self {
        Self { message: "Task deleted" }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};
    use task_domain::{Version, testing};

    use super::*;
    use crate::tasks::json::{WriteJson as _, to_string};

    #[test]
    fn a_task_is_written_with_its_members_in_order_and_six_fraction_digits() {
        let owner = testing::user("a/b");
        let mut task = testing::task(&owner, 7);
        task.description = None;
        task.completed_at = Some(task.updated_at);
        assert_eq!(
            to_string(&TaskBody::from(&task)),
            r#"{"id":7,"user_id":"a/b","title":"buy milk","description":null,"completed":true,"created_at":"2026-01-02T03:04:05.000060Z","updated_at":"2026-01-02T03:04:05.000060Z","version":1,"completed_at":"2026-01-02T03:04:05.000060Z"}"#
        );
        task.created_at = "2026-01-02T03:04:05Z".parse().unwrap();
        assert!(to_string(&TaskBody::from(&task)).contains("2026-01-02T03:04:05.000000Z"));
    }

    #[test]
    fn a_list_says_how_many_it_holds() {
        let tasks = [testing::task(&testing::user("u"), 1), testing::task(&testing::user("u"), 2)];
        let list = |page: &TaskPage, cursor| -> Value {
            serde_json::from_str(&to_string(&TaskListBody::new(page, cursor))).unwrap()
        };
        let page = TaskPage { tasks: tasks.to_vec(), more: true, total: None };
        let shown = list(&page, Some("c"));
        assert_eq!((shown["count"].as_u64(), shown["tasks"].as_array().unwrap().len()), (Some(2), 2));
        assert_eq!(shown["next_cursor"], "c");
        assert_eq!(shown.get("total"), None);
        let end = list(&TaskPage { total: Some(9), ..TaskPage::default() }, None);
        assert_eq!(end, json!({"tasks": [], "count": 0, "next_cursor": null, "total": 9}));
    }

    #[test]
    fn a_body_has_the_room_that_it_takes() {
        let mut largest = testing::task(&testing::user("alice"), i64::MAX);
        largest.version = Version::new(i64::MAX).unwrap();
        largest.completed_at = Some(largest.updated_at);
        let page = TaskPage { tasks: vec![largest; 100], more: true, total: Some(u64::MAX) };
        let cursor = "c".repeat(200);
        let body = TaskListBody::new(&page, Some(&cursor));
        let text = to_string(&body);
        assert_eq!(text.capacity(), body.max_len(), "the text has grown");
        assert!(text.len() * 10 > text.capacity() * 9, "{} of {}", text.len(), text.capacity());
    }
}
