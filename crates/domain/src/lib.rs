//! The rules of tasks, and the ports through which they reach the outside.
//!
//! Nothing here does I/O or knows a framework: values are made by constructors that refuse what breaks a rule, the
//! use cases are [`TaskService`], and what they need from the outside is the trait [`TaskRepository`].

mod description;
mod error;
mod ports;
mod query;
mod service;
mod task;
#[cfg(feature = "testing")]
pub mod testing;
mod text;
mod title;
mod user;

pub use description::{Description, InvalidDescription};
pub use error::{BoxError, RepositoryError, TaskError};
pub use ports::TaskRepository;
pub use query::{StatusFilter, TaskOrder, TaskQuery};
pub use service::TaskService;
pub use task::{NewTask, NothingToChange, Task, TaskChanges, TaskId};
pub use title::{InvalidTitle, Title};
pub use user::{InvalidUserId, UserId};
