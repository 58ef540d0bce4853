use super::{NewTask, Task, TaskId, changes::TaskChanges, version::Expectation};

/// A write that a user asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TaskCommand {
    /// Create a task.
    Create(NewTask),
    /// Change a task.
    Update {
        /// Which task.
        id: TaskId,
        /// On which version of it.
        expected: Expectation,
        /// What to set.
        changes: TaskChanges,
    },
    /// Complete a task, or reopen it if it is completed.
    Toggle {
        /// Which task.
        id: TaskId,
        /// On which version of it.
        expected: Expectation,
    },
    /// Remove a task for good.
    Delete {
        /// Which task.
        id: TaskId,
        /// On which version of it.
        expected: Expectation,
    },
}

impl TaskCommand {
    /// The task that it acts on and the version of it that is expected; `None` if it creates one.
    #[must_use]
    pub fn target(&self) -> Option<(TaskId, &Expectation)> {
        match self {
            Self::Create(_) => None,
            Self::Update { id, expected, .. }
            | Self::Toggle { id, expected }
            | Self::Delete { id, expected } => Some((*id, expected)),
        }
    }
}

/// The result of a [`TaskCommand`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TaskOutcome {
    /// The task was created.
    Created(Task),
    /// The task is as it was asked to be: changed, unless it was so already.
    Updated(Task),
    /// The task is gone.
    Deleted,
    /// The owner has no such task; nothing was changed.
    NotFound,
    /// The task is of another version than was expected; nothing was changed. This is the task as it is.
    VersionMismatch(Task),
}
