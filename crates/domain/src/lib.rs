//! The rules of tasks, and the ports through which they reach the outside.
//!
//! Nothing here does I/O or knows a framework: values are made by constructors that refuse what breaks a rule, the
//! use cases are [`TaskService`], and what they need from the outside are the traits [`TaskRepository`] and [`OnceOnly`].

mod changes;
mod command;
mod description;
mod error;
mod idempotency;
mod ports;
mod query;
mod service;
mod task;
#[cfg(feature = "testing")]
pub mod testing;
mod text;
mod title;
mod user;
mod version;

pub use changes::{Change, TaskChanges};
pub use command::{TaskCommand, TaskOutcome};
pub use description::{Description, InvalidDescription};
pub use error::{BoxError, RepositoryError, TaskError};
pub use idempotency::{Fingerprint, IdempotencyKey, KeyedRequest, Once, Receipt, ReceiptWriter};
pub use ports::{OnceOnly, TaskRepository};
pub use query::{PageLimit, Position, StatusFilter, TaskOrder, TaskPage, TaskQuery};
pub use service::TaskService;
pub use task::{NewTask, Task, TaskId};
pub use title::{InvalidTitle, Title};
pub use user::{InvalidUserId, UserId};
pub use version::{Expectation, Version};
