use chrono::{DateTime, Utc};

use super::{Task, TaskId, title::Title};

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

/// A task's place in an order: where a page ended and the next one goes on, whatever has become of the task.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Position {
    /// In [`TaskOrder::NewestFirst`].
    Created {
        /// When the task was created.
        at: DateTime<Utc>,
        /// Its number.
        id: TaskId,
    },
    /// In [`TaskOrder::Title`].
    Title {
        /// The task's title.
        title: Title,
        /// Its number.
        id: TaskId,
    },
}

impl Position {
    /// The place of `task` in `order`.
    #[must_use]
    pub fn of(task: &Task, order: TaskOrder) -> Self {
        match order {
            TaskOrder::NewestFirst => Self::Created { at: task.created_at, id: task.id },
            TaskOrder::Title => Self::Title { title: task.title.clone(), id: task.id },
        }
    }

    /// The order in which it is a place.
    #[must_use]
    pub fn order(&self) -> TaskOrder {
        match self {
            Self::Created { .. } => TaskOrder::NewestFirst,
            Self::Title { .. } => TaskOrder::Title,
        }
    }
}

/// How many tasks a page holds at the most: 1 to [`PageLimit::MAX`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PageLimit(u16);

impl PageLimit {
    /// The most tasks that one page holds, and how many it holds unless fewer are asked for.
    pub const MAX: u16 = 1000;

    /// Takes a number from 1 to [`Self::MAX`]; `None` for all others.
    #[must_use]
    pub const fn new(value: u16) -> Option<Self> {
        if value >= 1 && value <= Self::MAX { Some(Self(value)) } else { None }
    }

    /// The limit as a number.
    #[must_use]
    pub const fn get(self) -> u16 {
        self.0
    }
}

impl Default for PageLimit {
    fn default() -> Self {
        Self(Self::MAX)
    }
}

/// What to list, in what order, and which page of it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TaskQuery {
    /// Which tasks.
    pub status: StatusFilter,
    /// How many at the most.
    pub limit: PageLimit,
    /// Whether to count all that match as well.
    pub count_all: bool,
    order: TaskOrder,
    after: Option<Position>,
}

impl TaskQuery {
    /// Asks for the first page of an order.
    #[must_use]
    pub fn from_start(order: TaskOrder) -> Self {
        Self { order, ..Self::default() }
    }

    /// Asks for the page behind a position, in the order in which that is one.
    #[must_use]
    pub fn after(position: Position) -> Self {
        Self { order: position.order(), after: Some(position), ..Self::default() }
    }

    /// In what order.
    #[must_use]
    pub fn order(&self) -> TaskOrder {
        self.order
    }

    /// Behind which position; from the start where it is `None`.
    #[must_use]
    pub fn position(&self) -> Option<&Position> {
        self.after.as_ref()
    }
}

/// Some of a user's tasks, in order.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TaskPage {
    /// The tasks.
    pub tasks: Vec<Task>,
    /// Whether there are more behind them.
    pub more: bool,
    /// How many tasks match in all, where that was asked for.
    pub total: Option<u64>,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{task, user};

    #[test]
    fn a_page_holds_one_to_a_thousand_tasks() {
        assert_eq!(PageLimit::default().get(), 1000);
        assert_eq!(PageLimit::new(1).map(PageLimit::get), Some(1));
        assert_eq!(PageLimit::new(1000).map(PageLimit::get), Some(1000));
        assert_eq!((PageLimit::new(0), PageLimit::new(1001)), (None, None));
    }

    #[test]
    fn a_position_belongs_to_the_order_that_it_was_taken_in() {
        let task = task(&user("u"), 7);
        for order in [TaskOrder::NewestFirst, TaskOrder::Title] {
            let position = Position::of(&task, order);
            assert_eq!(position.order(), order);
            let query = TaskQuery::after(position.clone());
            assert_eq!((query.order(), query.position()), (order, Some(&position)));
            let start = TaskQuery::from_start(order);
            assert_eq!((start.order(), start.position()), (order, None));
        }
    }

    #[test]
    fn a_position_has_what_its_order_compares() {
        let task = task(&user("u"), 7);
        let created = Position::Created { at: task.created_at, id: task.id };
        assert_eq!(Position::of(&task, TaskOrder::NewestFirst), created);
        let title = Position::Title { title: task.title.clone(), id: task.id };
        assert_eq!(Position::of(&task, TaskOrder::Title), title);
    }
}
