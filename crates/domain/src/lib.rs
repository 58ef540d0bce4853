#![doc = include_str!("../README.md")]

mod change;
mod digits;
mod due;
mod error;
mod filters;
mod folding;
mod idempotency;
mod list_limit;
mod ports;
mod priority;
mod recurrence;
mod reminders;
mod schedule;
mod search;
mod service;
mod tags;
mod task;
#[cfg(feature = "testing")]
pub mod testing;
mod user;
mod zone;

pub use change::Change;
pub use due::{
    Due,
    change::{BothDues, DueChange},
    date::{DueDate, InvalidDueDate},
    moment::{DueAt, InvalidDueAt},
    order::DueOrder,
    range::{DayRange, InvalidDayRange},
};
pub use error::{BoxError, RepositoryError, TaskError};
pub use filters::{InvalidPriorityFilter, InvalidTagFilter, PriorityFilter};
pub use folding::fold;
pub use idempotency::{Fingerprint, IdempotencyKey, IdempotentRequest, Receipt, ReceiptWriter, Replay};
pub use list_limit::TooMany;
pub use ports::{IdempotencyStore, TaskRepository};
pub use priority::{InvalidPriority, Priority};
pub use recurrence::{InvalidRecurrenceFrom, Recurrence, RecurrenceFrom, parse::InvalidRule, rule::Rule};
pub use reminders::{InvalidReminder, Reminder, Reminders};
pub use schedule::{
    Schedule, ScheduleParts,
    changes::{ScheduleChanges, ScheduleFault},
    succession::{NextTask, Reopening},
};
pub use search::{InvalidSearchWords, SearchWords};
pub use service::TaskService;
pub use tags::{InvalidTag, Tag, Tags};
pub use task::{
    NewTask, Task, TaskId,
    changes::TaskChanges,
    command::{TaskCommand, TaskOutcome},
    decision::Decision,
    description::{Description, InvalidDescription},
    list::{Direction, PageLimit, Position, StatusFilter, TaskOrder, TaskPage, TaskQuery},
    text::InvalidText,
    title::{InvalidTitle, Title},
    transition::Transition,
    version::{Expectation, Version},
};
pub use user::{InvalidUserId, UserId};
pub use zone::{InvalidZoneName, ZoneName};
