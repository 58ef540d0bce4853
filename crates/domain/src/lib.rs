//! The rules of tasks, and the ports through which they reach the outside.
//!
//! Nothing here does I/O or knows a framework: values are made by constructors that refuse what breaks a rule, the
//! use cases are [`TaskService`], and what they need from the outside are the traits [`TaskRepository`] and [`OnceOnly`].

mod error;
mod idempotency;
mod ports;
mod service;
mod task;
#[cfg(feature = "testing")]
pub mod testing;
mod user;

pub use error::{BoxError, RepositoryError, TaskError};
pub use idempotency::{Fingerprint, IdempotencyKey, KeyedRequest, Once, Receipt, ReceiptWriter};
pub use ports::{OnceOnly, TaskRepository};
pub use service::TaskService;
pub use task::{
    NewTask, Task, TaskId,
    changes::{Change, TaskChanges},
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
