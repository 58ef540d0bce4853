//! The bodies of requests about tasks, and their members.

use std::{convert::Infallible, fmt::Display};

use serde_json::{Value, json};
use task_domain::{Description, NewTask, TaskChanges, Title};
use utoipa::openapi::schema::{ObjectBuilder, Type};

use crate::http::{
    error::ApiError,
    media_type::Media,
    members::{Field, Member, NotNull, Nullable, Optional, RequestBody, Required, request_body},
};

impl Member for Title {
    type Json = String;
    type Value = Self;

    fn from_json(text: String) -> Result<Self, impl Display> {
        Self::parse(text)
    }

    const ABOUT: &'static str =
        "What is to be done. White space at both ends is trimmed; 1 to 200 characters must be left.";

    fn schema() -> ObjectBuilder {
        let pattern = r"^[^\u0000]*\S[^\u0000]*$";
        string().min_length(Some(1)).max_length(Some(Self::MAX_CHARS)).pattern(Some(pattern))
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
    const SCHEMA: &'static str = "NewTask";
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
    const MIN_MEMBERS: Option<usize> = Some(1);
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

#[cfg(test)]
mod tests {
    use task_domain::{Change, testing};

    use super::*;
    use crate::http::members;

    fn body<B: RequestBody>(body: Value) -> Result<B::Output, ApiError> {
        let Value::Object(members) = body else { unreachable!("bodies are objects") };
        members::read::<B>(members)
    }

    fn create(body: Value) -> Result<NewTask, ApiError> {
        self::body::<CreateTask>(body)
    }

    fn update(body: Value) -> Result<TaskChanges, ApiError> {
        self::body::<UpdateTask>(body).and_then(not_empty)
    }

    fn patch(body: Value) -> Result<TaskChanges, ApiError> {
        self::body::<PatchTask>(body)
    }

    fn complete(body: Value) -> Result<TaskChanges, ApiError> {
        self::body::<SetCompleted>(body)
    }

    fn text(text: &str) -> Description {
        Description::parse(text.to_owned()).unwrap()
    }

    fn errors<T: std::fmt::Debug>(outcome: Result<T, ApiError>) -> Vec<(String, String)> {
        match outcome {
            Err(ApiError::ValidationFailed(errors)) => {
                let mut errors: Vec<_> =
                    errors.into_iter().map(|error| (error.field, error.message)).collect();
                errors.sort();
                errors
            }
            other => unreachable!("{other:?}"),
        }
    }

    fn error(field: &str, message: &str) -> (String, String) {
        (field.to_owned(), message.to_owned())
    }

    #[test]
    fn a_create_takes_a_title_and_perhaps_a_description() {
        let task = create(json!({"title": " a ", "description": " b "})).unwrap();
        assert_eq!((task.title.as_str(), task.description.unwrap().as_str()), ("a", " b "));
        for body in [json!({"title": "a"}), json!({"title": "a", "description": null})] {
            assert_eq!(create(body).unwrap(), testing::new_task("a"));
        }
        assert_eq!(
            create(json!({"title": "a", "description": ""})).unwrap().description.unwrap().as_str(),
            ""
        );
    }

    #[test]
    fn all_errors_of_a_create_are_found_at_once() {
        let body = json!({"title": 5, "description": "x".repeat(10_001), "done": true, "id": 1});
        assert_eq!(
            errors(create(body)),
            [
                error("description", "must be at most 10000 characters long; it has 10001"),
                error("done", "is not a known member"),
                error("id", "is not a known member"),
                error("title", "must be a string"),
            ]
        );
    }

    #[test]
    fn a_create_needs_a_title_that_is_one() {
        assert_eq!(errors(create(json!({}))), [error("title", "is required")]);
        for wrong in [json!(null), json!(1), json!(true), json!([]), json!({})] {
            assert_eq!(errors(create(json!({"title": wrong}))), [error("title", "must be a string")]);
        }
        let blank = errors(create(json!({"title": "\u{3000}"})));
        assert_eq!(blank, [error("title", "must not be empty or only white space")]);
        let nul = errors(create(json!({"title": "a\u{0}", "description": "\u{0}"})));
        assert_eq!(
            nul,
            [error("description", "must not contain U+0000"), error("title", "must not contain U+0000")]
        );
    }

    #[test]
    fn an_update_sets_what_is_present_and_takes_null_for_absent() {
        let changes = update(json!({"title": "a", "description": null})).unwrap();
        assert_eq!((changes.title.unwrap().as_str(), changes.description), ("a", Change::Keep));
        let changes = update(json!({"title": null, "description": ""})).unwrap();
        assert_eq!((changes.title, changes.description), (None, Change::Set(text(""))));
    }

    #[test]
    fn an_update_that_sets_nothing_is_refused_after_its_errors() {
        for body in [json!({}), json!({"title": null}), json!({"title": null, "description": null})] {
            assert!(matches!(update(body), Err(ApiError::EmptyUpdate)));
        }
        assert_eq!(errors(update(json!({"titel": "a"}))), [error("titel", "is not a known member")]);
        assert_eq!(
            errors(update(json!({"title": ""}))),
            [error("title", "must not be empty or only white space")]
        );
    }

    #[test]
    fn a_patch_tells_absent_null_and_a_value_apart() {
        assert!(patch(json!({})).unwrap().is_empty());
        let changes = patch(json!({"title": " a ", "description": null, "completed": false})).unwrap();
        assert_eq!(changes.title.unwrap().as_str(), "a");
        assert_eq!((changes.description, changes.completed), (Change::Clear, Some(false)));
        let changes = patch(json!({"description": "b"})).unwrap();
        assert_eq!(
            (changes.title, changes.description, changes.completed),
            (None, Change::Set(text("b")), None)
        );
    }

    #[test]
    fn a_patch_takes_null_for_the_description_only() {
        assert_eq!(
            errors(patch(json!({"title": null, "completed": null, "id": 1, "description": 5}))),
            [
                error("completed", "must not be null"),
                error("description", "must be a string"),
                error("id", "is not a known member"),
                error("title", "must not be null"),
            ]
        );
        let long = errors(patch(json!({"description": "x".repeat(10_001), "completed": "yes"})));
        assert_eq!(
            long,
            [
                error("completed", "must be true or false"),
                error("description", "must be at most 10000 characters long; it has 10001"),
            ]
        );
    }

    #[test]
    fn a_completion_says_true_or_false_and_nothing_else() {
        for completed in [true, false] {
            let changes = complete(json!({"completed": completed})).unwrap();
            assert_eq!(changes, TaskChanges { completed: Some(completed), ..TaskChanges::default() });
        }
        assert_eq!(errors(complete(json!({}))), [error("completed", "is required")]);
        for wrong in [json!(null), json!(1), json!("true")] {
            let refused = errors(complete(json!({"completed": wrong, "x": 1})));
            assert_eq!(
                refused,
                [error("completed", "must be true or false"), error("x", "is not a known member")]
            );
        }
    }
}
