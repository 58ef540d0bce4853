use super::{Task, description::Description, title::Title};
use crate::change::Change;

/// New values for some of a task's members, or for none (`docs/api.md`, "Merge patch").
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TaskChanges {
    /// The new title; `None` keeps it.
    pub title: Option<Title>,
    /// What to do with the description.
    pub description: Change<Description>,
    /// Whether the task is to be completed or pending; `None` keeps it.
    pub completed: Option<bool>,
}

impl TaskChanges {
    /// Completes or reopens, and nothing else.
    #[must_use]
    pub fn completion(completed: bool) -> Self {
        Self { completed: Some(completed), ..Self::default() }
    }

    /// Whether nothing is to be set.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// Writes the new values, all but the completion, which has rules of its own.
    pub(super) fn write_to(&self, task: &mut Task) {
        // Whether it is completed is for the transition to say. A further member does not compile until it is written here.
        let Self { title, description, completed: _ } = self;
        if let Some(title) = title {
            task.title.clone_from(title);
        }
        description.write_to(&mut task.description);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{task, user};

    #[test]
    fn changes_are_empty_until_one_member_is_set() {
        assert!(TaskChanges::default().is_empty());
        let description = Description::parse(String::new()).unwrap();
        for changes in [
            TaskChanges { title: Title::parse("t").ok(), ..TaskChanges::default() },
            TaskChanges { description: Change::Clear, ..TaskChanges::default() },
            TaskChanges { description: Change::Set(description), ..TaskChanges::default() },
            TaskChanges::completion(false),
        ] {
            assert!(!changes.is_empty(), "{changes:?}");
        }
    }

    #[test]
    fn each_member_is_kept_cleared_or_set_by_itself() {
        let before = task(&user("u"), 1);
        let (title, description) = (Title::parse("t").unwrap(), Description::parse(String::new()).unwrap());
        for (changes, after) in [
            (TaskChanges::default(), before.clone()),
            (
                TaskChanges { title: Some(title.clone()), ..TaskChanges::default() },
                Task { title, ..before.clone() },
            ),
            (
                TaskChanges { description: Change::Clear, ..TaskChanges::default() },
                Task { description: None, ..before.clone() },
            ),
            (
                TaskChanges { description: Change::Set(description.clone()), ..TaskChanges::default() },
                Task { description: Some(description), ..before.clone() },
            ),
        ] {
            let mut task = before.clone();
            changes.write_to(&mut task);
            assert_eq!(task, after, "{changes:?}");
        }
    }
}
