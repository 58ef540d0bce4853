pub(crate) mod changes;
pub(crate) mod command;
pub(crate) mod decision;
pub(crate) mod description;
pub(crate) mod list;
mod moment;
#[cfg(test)]
mod samples;
pub(crate) mod text;
pub(crate) mod title;
pub(crate) mod transition;
pub(crate) mod version;

use chrono::{DateTime, Utc};

use self::{description::Description, moment::whole_micros, title::Title, version::Version};
use crate::user::UserId;

/// A task's number: assigned by the repository, ascending, never used again.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TaskId(i64);

impl TaskId {
    /// The greatest id that the repository assigns: the greatest integer that JSON numbers hold exactly (RFC 8259,
    /// section 6).
    pub const MAX_ASSIGNED: i64 = (1 << 53) - 1;

    /// Takes a positive number; `None` for all others.
    #[must_use]
    pub const fn new(value: i64) -> Option<Self> {
        if value > 0 { Some(Self(value)) } else { None }
    }

    /// The id as a number.
    #[must_use]
    pub const fn get(self) -> i64 {
        self.0
    }
}

/// Something that its owner wants done (`docs/api.md`, "Objects").
///
/// What a write makes of it is said by [`create`](Self::create), [`apply`](Self::apply), [`complete`](Self::complete),
/// [`reopen`](Self::reopen) and [`toggle`](Self::toggle).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Task {
    /// Its number.
    pub id: TaskId,
    /// The user to whom it belongs. It never changes.
    pub owner: UserId,
    /// What is to be done.
    pub title: Title,
    /// More about it. An empty description and none are different.
    pub description: Option<Description>,
    /// When it was completed; `None` while it is pending.
    pub completed_at: Option<DateTime<Utc>>,
    /// How often it has been written.
    pub version: Version,
    /// When it was created, to the microsecond.
    pub created_at: DateTime<Utc>,
    /// When it last changed: equal to `created_at` at first, strictly greater after each change.
    pub updated_at: DateTime<Utc>,
}

impl Task {
    /// The pending task, of the first version, that `owner` creates at that moment (`docs/api.md`, "Create").
    #[must_use]
    pub fn create(id: TaskId, owner: UserId, new: NewTask, moment: DateTime<Utc>) -> Self {
        let NewTask { title, description } = new;
        let created_at = whole_micros(moment);
        Self {
            id,
            owner,
            title,
            description,
            completed_at: None,
            version: Version::FIRST,
            created_at,
            updated_at: created_at,
        }
    }

    /// Whether it has been done.
    #[must_use]
    pub fn is_completed(&self) -> bool {
        self.completed_at.is_some()
    }
}

/// What a task is created from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewTask {
    /// What is to be done.
    pub title: Title,
    /// More about it.
    pub description: Option<Description>,
}

impl NewTask {
    /// A task of that title, without any member that may be absent.
    #[must_use]
    pub fn titled(title: Title) -> Self {
        Self { title, description: None }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{new_task, task, task_id, user};

    #[test]
    fn an_id_is_positive() {
        assert_eq!(TaskId::new(1).map(TaskId::get), Some(1));
        assert_eq!(TaskId::new(i64::MAX).map(TaskId::get), Some(i64::MAX));
        for value in [0, -1, i64::MIN] {
            assert_eq!(TaskId::new(value), None);
        }
    }

    #[test]
    fn assigned_ids_are_exact_in_every_json_parser() {
        assert_eq!(TaskId::MAX_ASSIGNED, 9_007_199_254_740_991);
    }

    #[test]
    fn a_new_task_is_pending_has_the_first_version_and_two_equal_times_to_the_microsecond() {
        let description = Description::parse("d".to_owned()).ok();
        let new = NewTask { description: description.clone(), ..new_task("t") };
        let moment = "2026-01-02T03:04:05.000060999Z".parse().unwrap();
        let created_at = "2026-01-02T03:04:05.000060Z".parse().unwrap();
        assert_eq!(
            Task::create(task_id(7), user("u"), new, moment),
            Task {
                id: task_id(7),
                owner: user("u"),
                title: Title::parse("t").unwrap(),
                description,
                completed_at: None,
                version: Version::FIRST,
                created_at,
                updated_at: created_at,
            }
        );
    }

    #[test]
    fn a_task_is_completed_while_it_has_a_time_of_completion() {
        let mut task = task(&user("u"), 1);
        assert!(!task.is_completed());
        task.completed_at = Some(task.created_at);
        assert!(task.is_completed());
    }
}
