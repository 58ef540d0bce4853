//! Mocked ports, ready-made values and a model of the store, for tests.
#![allow(clippy::missing_panics_doc, clippy::unwrap_used, reason = "test support panics on a mistaken test")]

mod model;

use chrono::{DateTime, Utc};

pub use self::model::TaskModel;
pub use crate::ports::{MockIdempotencyStore, MockTaskRepository};
use crate::{
    task::{NewTask, Task, TaskId, description::Description, title::Title},
    user::UserId,
};

/// The user of that id.
#[must_use]
pub fn user(id: &str) -> UserId {
    UserId::parse(id).unwrap()
}

/// The task id of that number.
#[must_use]
pub fn task_id(value: i64) -> TaskId {
    TaskId::new(value).unwrap()
}

/// What to create a task of that title from, without a description.
#[must_use]
pub fn new_task(title: &str) -> NewTask {
    NewTask::titled(Title::parse(title).unwrap())
}

/// A pending task "buy milk" with a description, created and last changed at the same moment of 2026.
#[must_use]
pub fn task(owner: &UserId, id: i64) -> Task {
    let created_at: DateTime<Utc> = "2026-01-02T03:04:05.000060Z".parse().unwrap();
    let description = Description::parse("two bottles".to_owned()).ok();
    let new = NewTask { description, ..new_task("buy milk") };
    Task::create(task_id(id), owner.clone(), new, created_at)
}
