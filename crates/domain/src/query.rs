/// Which of a user's tasks to list.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum StatusFilter {
    /// Every task.
    #[default]
    All,
    /// Those not yet completed.
    Pending,
    /// Those completed.
    Completed,
}

/// In what order to list tasks. Both orders are total: no two tasks are equal in them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum TaskOrder {
    /// The newest first: by creation time, then by id, both descending.
    #[default]
    NewestFirst,
    /// By title, ascending by Unicode code point; by id, ascending, where two titles are equal.
    Title,
}

/// What to list, and in what order.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct TaskQuery {
    /// Which tasks.
    pub status: StatusFilter,
    /// In what order.
    pub order: TaskOrder,
}

impl TaskQuery {
    /// The most tasks that one answer holds.
    pub const MAX_TASKS: usize = 1000;
}
