//! What the bodies of requests may say of tasks.

use garde::Validate;
use task_domain::{Change, Description, NewTask, TaskChanges, Title};
use task_support::json::Object;
use utoipa::ToSchema;

use crate::http::{
    error::{ApiError, FieldError},
    media_type::Media,
    members::{FromMembers, Patch, ObjectReader},
};

/// The body of a create: the values of a new task.
#[derive(Debug, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = NewTask, example = json!({"title": "buy milk", "description": "two bottles"}))]
pub(crate) struct CreateTask {
    /// What is to be done. White space at both ends is trimmed; 1 to 200 characters must be left.
    #[garde(custom(valid_title))]
    #[schema(value_type = String, min_length = 1, max_length = 200, pattern = "^[^\\u0000]*\\S[^\\u0000]*$")]
    title: Option<String>,
    /// More about it, kept as it was sent. Null is the same as leaving it out.
    #[garde(custom(valid_description))]
    #[schema(max_length = 10_000, pattern = "^[^\\u0000]*$", required = false)]
    description: Option<String>,
}

/// The body of an update: new values for at least one member. Null is the same as leaving a member out.
#[derive(Debug, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = TaskChanges, min_properties = 1, example = json!({"title": "buy oat milk"}))]
pub(crate) struct UpdateTask {
    /// What is to be done. White space at both ends is trimmed; 1 to 200 characters must be left.
    #[garde(custom(valid_title))]
    #[schema(min_length = 1, max_length = 200, pattern = "^[^\\u0000]*\\S[^\\u0000]*$", required = false)]
    title: Option<String>,
    /// More about it, kept as it was sent.
    #[garde(custom(valid_description))]
    #[schema(max_length = 10_000, pattern = "^[^\\u0000]*$", required = false)]
    description: Option<String>,
}

#[expect(clippy::ref_option, clippy::trivially_copy_pass_by_ref, reason = "garde passes what the member is")]
fn valid_title(value: &Option<String>, (): &()) -> garde::Result {
    value.as_deref().map_or(Ok(()), |value| Title::check(value).map_err(garde::Error::new))
}

#[expect(clippy::ref_option, clippy::trivially_copy_pass_by_ref, reason = "garde passes what the member is")]
fn valid_description(value: &Option<String>, (): &()) -> garde::Result {
    value.as_deref().map_or(Ok(()), |value| Description::check(value).map_err(garde::Error::new))
}

/// The body of a merge patch (RFC 7396): new values for some members. Null clears the description.
#[derive(Debug, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = TaskPatch, example = json!({"description": null, "completed": true}))]
pub(crate) struct PatchTask {
    /// What is to be done. White space at both ends is trimmed; 1 to 200 characters must be left.
    #[garde(custom(valid_title))]
    #[schema(value_type = String, min_length = 1, max_length = 200, pattern = "^[^\\u0000]*\\S[^\\u0000]*$", required = false)]
    title: Option<String>,
    /// More about it, kept as it was sent; null takes it away.
    #[garde(custom(valid_new_description))]
    #[schema(value_type = Option<String>, max_length = 10_000, pattern = "^[^\\u0000]*$", required = false)]
    description: Patch<String>,
    /// Whether it has been done.
    #[garde(skip)]
    #[schema(value_type = bool, required = false)]
    completed: Option<bool>,
}

/// The body of a completion: whether the task has been done.
#[derive(Debug, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = Completion, example = json!({"completed": true}))]
pub(crate) struct SetCompleted {
    /// Whether it has been done.
    #[schema(value_type = bool)]
    pub(crate) completed: bool,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "garde passes what the member is")]
fn valid_new_description(value: &Patch<String>, (): &()) -> garde::Result {
    match value {
        Patch::Value(text) => Description::check(text).map_err(garde::Error::new),
        Patch::Absent | Patch::Null => Ok(()),
    }
}

impl FromMembers for CreateTask {
    fn from_members(members: Object) -> Result<Self, ApiError> {
        let is_given = members.contains_key("title");
        let mut members = ObjectReader::new(members);
        let title = match members.text("title") {
            Patch::Null => members.fault("title", "must be a string"),
            Patch::Absent if !is_given => members.fault("title", "is required"),
            given => given,
        };
        let description = members.text("description").value();
        members.check(Self { title: title.value(), description })
    }
}

impl FromMembers for UpdateTask {
    fn from_members(members: Object) -> Result<Self, ApiError> {
        let mut members = ObjectReader::new(members);
        let title = members.text("title").value();
        let description = members.text("description").value();
        members.check(Self { title, description })
    }
}

impl FromMembers for PatchTask {
    const MEDIA: Media = Media::MergePatch;

    fn from_members(members: Object) -> Result<Self, ApiError> {
        let mut members = ObjectReader::new(members);
        let title = members.text("title");
        let title = members.not_null("title", title);
        let description = members.text("description");
        let completed = members.flag("completed");
        let completed = members.not_null("completed", completed);
        members.check(Self { title, description, completed })
    }
}

impl FromMembers for SetCompleted {
    fn from_members(members: Object) -> Result<Self, ApiError> {
        let is_given = members.contains_key("completed");
        let mut members = ObjectReader::new(members);
        let completed = match members.flag("completed") {
            Patch::Null => members.fault("completed", "must be true or false"),
            Patch::Absent if !is_given => members.fault("completed", "is required"),
            given => given,
        };
        members.finish(Self { completed: completed.value().unwrap_or_default() })
    }
}

impl TryFrom<CreateTask> for NewTask {
    type Error = ApiError;

    fn try_from(body: CreateTask) -> Result<Self, ApiError> {
        Ok(Self {
            title: parse_title(body.title.unwrap_or_default())?,
            description: body.description.map(parse_description).transpose()?,
        })
    }
}

impl TryFrom<UpdateTask> for TaskChanges {
    type Error = ApiError;

    fn try_from(body: UpdateTask) -> Result<Self, ApiError> {
        let changes = Self {
            title: body.title.map(parse_title).transpose()?,
            description: body
                .description
                .map(parse_description)
                .transpose()?
                .map_or(Change::Keep, Change::Set),
            completed: None,
        };
        if changes.is_empty() { Err(ApiError::EmptyUpdate) } else { Ok(changes) }
    }
}

impl TryFrom<PatchTask> for TaskChanges {
    type Error = ApiError;

    fn try_from(body: PatchTask) -> Result<Self, ApiError> {
        Ok(Self {
            title: body.title.map(parse_title).transpose()?,
            description: match body.description {
                Patch::Absent => Change::Keep,
                Patch::Null => Change::Clear,
                Patch::Value(text) => Change::Set(parse_description(text)?),
            },
            completed: body.completed,
        })
    }
}

fn parse_title(text: String) -> Result<Title, ApiError> {
    Title::parse(text)
        .map_err(|error| ApiError::ValidationFailed(vec![FieldError::new("title", error.to_string())]))
}

fn parse_description(text: String) -> Result<Description, ApiError> {
    Description::parse(text)
        .map_err(|error| ApiError::ValidationFailed(vec![FieldError::new("description", error.to_string())]))
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};
    use task_domain::testing;

    use super::*;

    fn members<T: FromMembers>(body: Value) -> Result<T, ApiError> {
        let Value::Object(members) = body else { unreachable!("bodies are objects") };
        T::from_members(members)
    }

    fn create(body: Value) -> Result<NewTask, ApiError> {
        members::<CreateTask>(body)?.try_into()
    }

    fn update(body: Value) -> Result<TaskChanges, ApiError> {
        members::<UpdateTask>(body)?.try_into()
    }

    fn patch(body: Value) -> Result<TaskChanges, ApiError> {
        members::<PatchTask>(body)?.try_into()
    }

    fn text(text: &str) -> Description {
        Description::parse(text.to_owned()).unwrap()
    }

    fn faults<T: std::fmt::Debug>(outcome: Result<T, ApiError>) -> Vec<(String, String)> {
        match outcome {
            Err(ApiError::ValidationFailed(faults)) => {
                let mut faults: Vec<_> =
                    faults.into_iter().map(|fault| (fault.field, fault.message)).collect();
                faults.sort();
                faults
            }
            other => unreachable!("{other:?}"),
        }
    }

    fn fault(field: &str, message: &str) -> (String, String) {
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
    fn all_faults_of_a_create_are_found_at_once() {
        let body = json!({"title": 5, "description": "x".repeat(10_001), "done": true, "id": 1});
        assert_eq!(
            faults(create(body)),
            [
                fault("description", "must be at most 10000 characters long; it has 10001"),
                fault("done", "is not a known member"),
                fault("id", "is not a known member"),
                fault("title", "must be a string"),
            ]
        );
    }

    #[test]
    fn a_create_needs_a_title_that_is_one() {
        assert_eq!(faults(create(json!({}))), [fault("title", "is required")]);
        for wrong in [json!(null), json!(1), json!(true), json!([]), json!({})] {
            assert_eq!(faults(create(json!({"title": wrong}))), [fault("title", "must be a string")]);
        }
        let blank = faults(create(json!({"title": "\u{3000}"})));
        assert_eq!(blank, [fault("title", "must not be empty or only white space")]);
        let nul = faults(create(json!({"title": "a\u{0}", "description": "\u{0}"})));
        assert_eq!(
            nul,
            [fault("description", "must not contain U+0000"), fault("title", "must not contain U+0000")]
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
    fn an_update_that_sets_nothing_is_refused_after_its_faults() {
        for body in [json!({}), json!({"title": null}), json!({"title": null, "description": null})] {
            assert!(matches!(update(body), Err(ApiError::EmptyUpdate)));
        }
        assert_eq!(faults(update(json!({"titel": "a"}))), [fault("titel", "is not a known member")]);
        assert_eq!(
            faults(update(json!({"title": ""}))),
            [fault("title", "must not be empty or only white space")]
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
            faults(patch(json!({"title": null, "completed": null, "id": 1, "description": 5}))),
            [
                fault("completed", "must not be null"),
                fault("description", "must be a string"),
                fault("id", "is not a known member"),
                fault("title", "must not be null"),
            ]
        );
        let long = faults(patch(json!({"description": "x".repeat(10_001), "completed": "yes"})));
        assert_eq!(
            long,
            [
                fault("completed", "must be true or false"),
                fault("description", "must be at most 10000 characters long; it has 10001"),
            ]
        );
    }

    #[test]
    fn a_completion_says_true_or_false_and_nothing_else() {
        for completed in [true, false] {
            assert_eq!(
                members::<SetCompleted>(json!({"completed": completed})).unwrap().completed,
                completed
            );
        }
        assert_eq!(faults(members::<SetCompleted>(json!({}))), [fault("completed", "is required")]);
        for wrong in [json!(null), json!(1), json!("true")] {
            let refused = faults(members::<SetCompleted>(json!({"completed": wrong, "x": 1})));
            assert_eq!(
                refused,
                [fault("completed", "must be true or false"), fault("x", "is not a known member")]
            );
        }
    }
}
