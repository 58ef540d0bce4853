//! Tasks as they travel: what requests may say, and what answers look like. Domain types are never serialized.

use chrono::{DateTime, SecondsFormat, Utc};
use garde::Validate;
use serde::{Serialize, Serializer};
use serde_json::Value;
use task_domain::{Description, NewTask, NothingToChange, Task, TaskChanges, Title};
use utoipa::ToSchema;

use crate::{
    error::{ApiError, Fault},
    extract::FromMembers,
    json::Object,
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

/// Whether a member may be left out, or be null.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Presence {
    Required,
    Optional,
}

/// Takes known members out of an object and keeps what is wrong with them.
struct Members {
    members: Object,
    faults: Vec<Fault>,
}

impl Members {
    fn new(members: Object) -> Self {
        Self { members, faults: Vec::new() }
    }

    fn text(&mut self, name: &str, presence: Presence) -> Option<String> {
        let message = match self.members.shift_remove(name) {
            Some(Value::String(text)) => return Some(text),
            None if presence == Presence::Required => "is required",
            None => return None,
            Some(Value::Null) if presence == Presence::Optional => return None,
            Some(_) => "must be a string",
        };
        self.faults.push(Fault::new(name, message));
        None
    }

    /// Judges the values that were taken, and refuses together with them whatever is left.
    fn check<T: Validate<Context = ()>>(mut self, body: T) -> Result<T, ApiError> {
        if let Err(report) = body.validate() {
            let faults = report.iter().map(|(path, error)| Fault::new(path.to_string(), error.message()));
            self.faults.extend(faults);
        }
        let unknown = self.members.into_iter().map(|(name, _)| Fault::new(name, "is not a known member"));
        self.faults.extend(unknown);
        if self.faults.is_empty() { Ok(body) } else { Err(ApiError::ValidationFailed(self.faults)) }
    }
}

impl FromMembers for CreateTask {
    fn from_members(members: Object) -> Result<Self, ApiError> {
        let mut members = Members::new(members);
        let title = members.text("title", Presence::Required);
        let description = members.text("description", Presence::Optional);
        members.check(Self { title, description })
    }
}

impl FromMembers for UpdateTask {
    fn from_members(members: Object) -> Result<Self, ApiError> {
        let mut members = Members::new(members);
        let title = members.text("title", Presence::Optional);
        let description = members.text("description", Presence::Optional);
        members.check(Self { title, description })
    }
}

impl TryFrom<CreateTask> for NewTask {
    type Error = ApiError;

    fn try_from(body: CreateTask) -> Result<Self, ApiError> {
        Ok(Self {
            title: parse_title(body.title.as_deref().unwrap_or_default())?,
            description: body.description.map(parse_description).transpose()?,
        })
    }
}

impl TryFrom<UpdateTask> for TaskChanges {
    type Error = ApiError;

    fn try_from(body: UpdateTask) -> Result<Self, ApiError> {
        let title = body.title.as_deref().map(parse_title).transpose()?;
        let description = body.description.map(parse_description).transpose()?;
        Self::new(title, description).map_err(|NothingToChange| ApiError::EmptyUpdate)
    }
}

fn parse_title(text: &str) -> Result<Title, ApiError> {
    Title::parse(text)
        .map_err(|error| ApiError::ValidationFailed(vec![Fault::new("title", error.to_string())]))
}

fn parse_description(text: String) -> Result<Description, ApiError> {
    Description::parse(text)
        .map_err(|error| ApiError::ValidationFailed(vec![Fault::new("description", error.to_string())]))
}

/// A task.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Task)]
pub(crate) struct TaskBody<'a> {
    /// Its number, assigned by the server, ascending, never used again.
    #[schema(minimum = 1, maximum = 9_007_199_254_740_991_i64, example = 42)]
    id: i64,
    /// Whose it is: the `sub` of the token.
    #[schema(example = "demo")]
    user_id: &'a str,
    /// What is to be done.
    #[schema(min_length = 1, max_length = 200, example = "buy milk")]
    title: &'a str,
    /// More about it.
    #[schema(max_length = 10_000, required = true, example = "two bottles")]
    description: Option<&'a str>,
    /// Whether it has been done.
    completed: bool,
    /// When it was created: RFC 3339 in UTC with six fraction digits.
    #[serde(serialize_with = "timestamp")]
    #[schema(value_type = String, format = DateTime, example = "2026-01-02T03:04:05.000060Z")]
    created_at: DateTime<Utc>,
    /// When it last changed; equal to `created_at` at first.
    #[serde(serialize_with = "timestamp")]
    #[schema(value_type = String, format = DateTime, example = "2026-01-02T03:04:05.000060Z")]
    updated_at: DateTime<Utc>,
}

impl<'a> From<&'a Task> for TaskBody<'a> {
    fn from(task: &'a Task) -> Self {
        Self {
            id: task.id.get(),
            user_id: task.owner.as_str(),
            title: task.title.as_str(),
            description: task.description.as_ref().map(Description::as_str),
            completed: task.completed,
            created_at: task.created_at,
            updated_at: task.updated_at,
        }
    }
}

fn timestamp<S: Serializer>(moment: &DateTime<Utc>, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(&moment.to_rfc3339_opts(SecondsFormat::Micros, true))
}

/// A user's tasks.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = TaskList)]
pub(crate) struct TaskListBody<'a> {
    /// The tasks, at most 1000 of them.
    #[schema(max_items = 1000)]
    tasks: Vec<TaskBody<'a>>,
    /// How many tasks are in this answer.
    #[schema(minimum = 0, maximum = 1000, example = 1)]
    count: usize,
}

impl<'a> From<&'a [Task]> for TaskListBody<'a> {
    fn from(tasks: &'a [Task]) -> Self {
        Self { tasks: tasks.iter().map(TaskBody::from).collect(), count: tasks.len() }
    }
}

/// What is left of a deleted task.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Deleted)]
pub(crate) struct DeletedBody {
    /// `Task deleted`.
    #[schema(example = "Task deleted")]
    message: &'static str,
}

impl DeletedBody {
    pub(crate) const fn new() -> Self {
        Self { message: "Task deleted" }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;
    use task_domain::testing;

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
        assert_eq!((changes.title().unwrap().as_str(), changes.description()), ("a", None));
        let changes = update(json!({"title": null, "description": ""})).unwrap();
        assert_eq!((changes.title(), changes.description().unwrap().as_str()), (None, ""));
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
    fn a_task_is_written_with_its_members_in_order_and_six_fraction_digits() {
        let owner = testing::user("a/b");
        let mut task = testing::task(&owner, 7);
        task.description = None;
        assert_eq!(
            serde_json::to_string(&TaskBody::from(&task)).unwrap(),
            r#"{"id":7,"user_id":"a/b","title":"buy milk","description":null,"completed":false,"created_at":"2026-01-02T03:04:05.000060Z","updated_at":"2026-01-02T03:04:05.000060Z"}"#
        );
        task.created_at = "2026-01-02T03:04:05Z".parse().unwrap();
        assert!(
            serde_json::to_string(&TaskBody::from(&task)).unwrap().contains("2026-01-02T03:04:05.000000Z")
        );
    }

    #[test]
    fn a_list_says_how_many_it_holds() {
        let tasks = [testing::task(&testing::user("u"), 1), testing::task(&testing::user("u"), 2)];
        let list = serde_json::to_value(TaskListBody::from(&tasks[..])).unwrap();
        assert_eq!((list["count"].as_u64(), list["tasks"].as_array().unwrap().len()), (Some(2), 2));
    }
}
