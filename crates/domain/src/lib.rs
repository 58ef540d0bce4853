#![doc = include_str!("../README.md")]

mod error;
mod idempotency;
mod ports;
mod service;
mod task;
#[cfg(feature = "testing")]
pub mod testing;
mod user;

pub use error::{BoxError, RepositoryError, TaskError};
pub use idempotency::{Fingerprint, IdempotencyKey, IdempotentRequest, Receipt, ReceiptWriter, Replay};
pub use ports::{IdempotencyStore, TaskRepository};
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
