use std::cmp::Ordering;

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

impl StatusFilter {
    /// Every filter.
    pub const ALL: [Self; 3] = [Self::All, Self::Pending, Self::Completed];

    /// Its name, which stays the same for good (`docs/api.md`, "List"): queries hold it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::All => "all",
            Self::Pending => "pending",
            Self::Completed => "completed",
        }
    }

    /// Whether it lets the task through.
    #[must_use]
    pub fn includes(self, task: &Task) -> bool {
        match self {
            Self::All => true,
            Self::Pending => !task.is_completed(),
            Self::Completed => task.is_completed(),
        }
    }
}

/// In what order to list tasks. Every order is total: no two tasks are equal in it, because ties are broken by the id.
///
/// An order is a key, which [`Position`] has a variant for, and a [`Direction`] that key and id share.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum TaskOrder {
    /// The newest first: by creation time, then by id, both descending.
    #[default]
    NewestFirst,
    /// By title, ascending by Unicode code point; by id, ascending, if two titles are equal.
    Title,
}

/// Which way an order goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Direction {
    /// The smallest first.
    Ascending,
    /// The greatest first.
    Descending,
}

impl TaskOrder {
    /// Every order.
    pub const ALL: [Self; 2] = [Self::NewestFirst, Self::Title];

    /// Its name, which stays the same for good (`docs/api.md`, "List"): queries hold it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::NewestFirst => "created",
            Self::Title => "title",
        }
    }

    /// Which way it goes.
    #[must_use]
    pub const fn direction(self) -> Direction {
        match self {
            Self::NewestFirst => Direction::Descending,
            Self::Title => Direction::Ascending,
        }
    }

    /// Whether `a` comes before or after `b`.
    #[must_use]
    pub fn compare(self, a: &Task, b: &Task) -> Ordering {
        let by_key = match self {
            Self::NewestFirst => a.created_at.cmp(&b.created_at),
            // UTF-8 sorts as its code points do.
            Self::Title => a.title.as_str().cmp(b.title.as_str()),
        };
        let ascending = by_key.then(a.id.cmp(&b.id));
        match self.direction() {
            Direction::Ascending => ascending,
            Direction::Descending => ascending.reverse(),
        }
    }
}

/// A task's place in an order: the end of one page, behind which the next one begins. It stays a place even if the task
/// is changed or deleted.
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
    pub const fn order(&self) -> TaskOrder {
        match self {
            Self::Created { .. } => TaskOrder::NewestFirst,
            Self::Title { .. } => TaskOrder::Title,
        }
    }

    /// The number of the task, which comes after the key in every order.
    #[must_use]
    pub const fn id(&self) -> TaskId {
        match self {
            Self::Created { id, .. } | Self::Title { id, .. } => *id,
        }
    }
}

/// How many tasks a page holds at most: 1 to [`PageLimit::MAX`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PageLimit(u16);

impl PageLimit {
    /// The most tasks that one page holds, and the limit of a list that names none.
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

/// What to list, in what order, and which page of it (`docs/api.md`, "List" and "Pages").
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TaskQuery {
    /// Which tasks.
    pub status: StatusFilter,
    /// How many at most.
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

    /// Asks for the page behind a position, in the order of that.
    #[must_use]
    pub fn after(position: Position) -> Self {
        Self { order: position.order(), after: Some(position), ..Self::default() }
    }

    /// In what order.
    #[must_use]
    pub fn order(&self) -> TaskOrder {
        self.order
    }

    /// Behind which position; from the start if it is `None`.
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
    /// How many tasks match in all, if that was asked for.
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
        for order in TaskOrder::ALL {
            let position = Position::of(&task, order);
            assert_eq!((position.order(), position.id()), (order, task.id));
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

    /// The places of the tasks in the order, by their numbers.
    fn sorted(mut tasks: Vec<Task>, order: TaskOrder) -> Vec<i64> {
        tasks.sort_by(|a, b| order.compare(a, b));
        tasks.iter().map(|task| task.id.get()).collect()
    }

    #[test]
    fn an_order_goes_by_its_key_and_then_by_id() {
        let task = |id, title, second: u32| {
            let created_at = format!("2026-01-02T03:04:{second:02}Z").parse().unwrap();
            Task { title: Title::parse(title).unwrap(), created_at, ..task(&user("u"), id) }
        };
        // Code points: U+FFFD comes before U+1F980, although UTF-16 sorts them the other way round.
        let tasks =
            vec![task(1, "🦀", 5), task(2, "a", 9), task(3, "B", 5), task(4, "a", 1), task(5, "\u{fffd}", 5)];
        assert_eq!(sorted(tasks.clone(), TaskOrder::NewestFirst), [2, 5, 3, 1, 4]);
        assert_eq!(sorted(tasks, TaskOrder::Title), [3, 2, 4, 5, 1]);
    }

    #[test]
    fn a_filter_lets_through_what_it_is_named_for() {
        let pending = task(&user("u"), 7);
        let completed = Task { completed_at: Some(pending.created_at), ..pending.clone() };
        let through =
            StatusFilter::ALL.map(|filter| (filter.includes(&pending), filter.includes(&completed)));
        assert_eq!(through, [(true, true), (true, false), (false, true)]);
    }

    #[test]
    fn names_of_orders_and_filters_never_change() {
        assert_eq!(TaskOrder::ALL.map(TaskOrder::name), ["created", "title"]);
        assert_eq!(StatusFilter::ALL.map(StatusFilter::name), ["all", "pending", "completed"]);
        assert_eq!(
            (StatusFilter::default(), TaskOrder::default()),
            (StatusFilter::All, TaskOrder::NewestFirst)
        );
    }
}
