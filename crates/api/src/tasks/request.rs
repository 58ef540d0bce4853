//! The bodies of requests about tasks, and their members.

#[cfg(test)]
mod tests;

use std::{convert::Infallible, fmt::Display};

use serde_json::{Value, json};
use task_domain::{Description, NewTask, TaskChanges, Title};
use utoipa::openapi::schema::{ObjectBuilder, Type};

use crate::http::{
    error::ApiError,
    media_type::Media,
    members::{Field, Member, NotNull, Nullable, Optional, RequestBody, Required, request_body},
};

/// At least one character that is not trimmed, which `\S` does not say: it has neither U+0085 nor U+FEFF as Unicode has.
const TITLE_PATTERN: &str = r"^[^\u0000]*[^\u0000\u0009-\u000d\u0020\u0085\u00a0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000][^\u0000]*$";

impl Member for Title {
    type Json = String;
    type Value = Self;

    fn from_json(text: String) -> Result<Self, impl Display> {
        Self::parse(text)
    }

    const ABOUT: &'static str =
        "What is to be done. White space at both ends is trimmed; 1 to 200 characters must be left.";

    fn schema() -> ObjectBuilder {
        string().min_length(Some(1)).max_length(Some(Self::MAX_CHARS)).pattern(Some(TITLE_PATTERN))
    }
}

impl Member for Description {
    type Json = String;
    type Value = Self;

    fn from_json(text: String) -> Result<Self, impl Display> {
        Self::parse(text)
    }

    const ABOUT: &'static str = "More about it, kept as it was sent.";

    fn schema() -> ObjectBuilder {
        string().max_length(Some(Self::MAX_CHARS)).pattern(Some(r"^[^\u0000]*$"))
    }
}

/// Whether a task has been done.
enum Completed {}

impl Member for Completed {
    type Json = bool;
    type Value = bool;

    fn from_json(completed: bool) -> Result<bool, impl Display> {
        Ok::<_, Infallible>(completed)
    }

    const ABOUT: &'static str = "Whether it has been done.";

    fn schema() -> ObjectBuilder {
        ObjectBuilder::new().schema_type(Type::Boolean)
    }
}

fn string() -> ObjectBuilder {
    ObjectBuilder::new().schema_type(Type::String)
}

request_body! {
    /// The body of a create: the values of a new task.
    pub(crate) struct CreateTask {
        title: Field<Title, Required>,
        description: Field<Description, Optional>,
    }
}

impl RequestBody for CreateTask {
    const SCHEMA: &'static str = "TaskCreation";
    type Output = NewTask;

    fn example() -> Value {
        json!({"title": "buy milk", "description": "two bottles"})
    }

    fn output(self) -> Option<NewTask> {
        Some(NewTask { title: self.title.value()?, description: self.description.value() })
    }
}

request_body! {
    /// The body of an update: new values for at least one member. Null is the same as leaving a member out.
    pub(crate) struct UpdateTask {
        title: Field<Title, Optional>,
        description: Field<Description, Optional>,
    }
}

impl RequestBody for UpdateTask {
    const SCHEMA: &'static str = "TaskChanges";
    const NEEDS_A_VALUE: bool = true;
    type Output = TaskChanges;

    fn example() -> Value {
        json!({"title": "buy oat milk"})
    }

    fn output(self) -> Option<TaskChanges> {
        Some(TaskChanges {
            title: self.title.value(),
            description: self.description.change(),
            ..TaskChanges::default()
        })
    }
}

/// Refuses an update that sets nothing: the client meant something else.
pub(crate) fn not_empty(changes: TaskChanges) -> Result<TaskChanges, ApiError> {
    if changes.is_empty() { Err(ApiError::EmptyUpdate) } else { Ok(changes) }
}

request_body! {
    /// The body of a merge patch (RFC 7396): new values for some members. Null clears the description.
    pub(crate) struct PatchTask {
        title: Field<Title, NotNull>,
        description: Field<Description, Nullable>,
        completed: Field<Completed, NotNull>,
    }
}

impl RequestBody for PatchTask {
    const SCHEMA: &'static str = "TaskPatch";
    const MEDIA: Media = Media::MergePatch;
    type Output = TaskChanges;

    fn example() -> Value {
        json!({"description": null, "completed": true})
    }

    fn output(self) -> Option<TaskChanges> {
        Some(TaskChanges {
            title: self.title.value(),
            description: self.description.change(),
            completed: self.completed.value(),
        })
    }
}

request_body! {
    /// The body of a completion: whether the task has been done.
    pub(crate) struct SetCompleted {
        completed: Field<Completed, Required>,
    }
}

impl RequestBody for SetCompleted {
    const SCHEMA: &'static str = "Completion";
    type Output = TaskChanges;

    fn example() -> Value {
        json!({"completed": true})
    }

    fn output(self) -> Option<TaskChanges> {
        Some(TaskChanges { completed: Some(self.completed.value()?), ..TaskChanges::default() })
    }
}
