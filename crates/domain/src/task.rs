use chrono::{DateTime, Utc};

use crate::{Description, Title, UserId};

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
    /// Whether it has been done.
    pub completed: bool,
    /// When it was created, to the microsecond.
    pub created_at: DateTime<Utc>,
    /// When it last changed: equal to `created_at` at first, strictly greater after each change.
    pub updated_at: DateTime<Utc>,
}

/// What a task is created from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewTask {
    /// What is to be done.
    pub title: Title,
    /// More about it.
    pub description: Option<Description>,
}

/// New values for some of a task's members; at least one is set.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TaskChanges {
    title: Option<Title>,
    description: Option<Description>,
}

/// A change was asked for that sets nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("there is nothing to change")]
pub struct NothingToChange;

impl TaskChanges {
    /// Takes the new values; `None` leaves a member as it is.
    pub fn new(title: Option<Title>, description: Option<Description>) -> Result<Self, NothingToChange> {
        match (&title, &description) {
            (None, None) => Err(NothingToChange),
            _ => Ok(Self { title, description }),
        }
    }

    /// The new title, where there is one.
    #[must_use]
    pub fn title(&self) -> Option<&Title> {
        self.title.as_ref()
    }

    /// The new description, where there is one.
    #[must_use]
    pub fn description(&self) -> Option<&Description> {
        self.description.as_ref()
    }
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
    fn a_change_sets_at_least_one_member() {
        let title = Title::parse("t").unwrap();
        let description = Description::parse(String::new()).unwrap();
        assert_eq!(TaskChanges::new(None, None), Err(NothingToChange));
        assert_eq!(NothingToChange.to_string(), "there is nothing to change");

        let changes = TaskChanges::new(Some(title.clone()), None).unwrap();
        assert_eq!((changes.title(), changes.description()), (Some(&title), None));
        let changes = TaskChanges::new(None, Some(description.clone())).unwrap();
        assert_eq!((changes.title(), changes.description()), (None, Some(&description)));
        let changes = TaskChanges::new(Some(title.clone()), Some(description.clone())).unwrap();
        assert_eq!((changes.title(), changes.description()), (Some(&title), Some(&description)));
    }
}
