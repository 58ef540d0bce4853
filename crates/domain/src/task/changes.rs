use super::{description::Description, title::Title};

/// What to do with a member that may be empty.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Change<T> {
    /// Leave it as it is.
    #[default]
    Keep,
    /// Take its value away.
    Clear,
    /// Give it this value.
    Set(T),
}

/// New values for some of a task's members; perhaps for none.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TaskChanges {
    /// The new title, where there is one.
    pub title: Option<Title>,
    /// What to do with the description.
    pub description: Change<Description>,
    /// Whether the task is to be completed or pending, where that is to be said.
    pub completed: Option<bool>,
}

impl TaskChanges {
    /// Whether nothing is to be set. Where a change was asked for, that is a mistake.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn changes_are_empty_until_one_member_is_set() {
        assert!(TaskChanges::default().is_empty());
        let description = Description::parse(String::new()).unwrap();
        for changes in [
            TaskChanges { title: Title::parse("t").ok(), ..TaskChanges::default() },
            TaskChanges { description: Change::Clear, ..TaskChanges::default() },
            TaskChanges { description: Change::Set(description), ..TaskChanges::default() },
            TaskChanges { completed: Some(false), ..TaskChanges::default() },
        ] {
            assert!(!changes.is_empty(), "{changes:?}");
        }
    }
}
