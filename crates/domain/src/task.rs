pub(crate) mod changes;
pub(crate) mod command;
pub(crate) mod description;
pub(crate) mod list;
pub(crate) mod text;
pub(crate) mod title;
pub(crate) mod version;

use chrono::{DateTime, Utc};

use self::{description::Description, title::Title, version::Version};
use crate::user::UserId;

/// A task's number: assigned by the repository, ascending, never used again.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TaskId(i64);

impl TaskId {
    /// The greatest id that the repository assigns: what a JSON number holds exactly everywhere (RFC 8259, section 6).
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

/// Something that its owner wants done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Task {
    /// Its number.
    pub id: TaskId,
    /// Whose it is. It never changes.
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

#[cfg(test)]
mod tests {
    use super::*;

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
    fn a_task_is_completed_while_it_has_a_time_of_completion() {
        let mut task = crate::testing::task(&crate::testing::user("u"), 1);
        assert!(!task.is_completed());
        task.completed_at = Some(task.created_at);
        assert!(task.is_completed());
    }
}
