//! What the arguments of a handler add to its operation: parameters, the body, and the errors that reading them can
//! end in. A route that takes an argument is thereby documented with it.

use actix_web::{HttpRequest, http::StatusCode, web};
use chrono::DateTime;
use task_domain::{NewTask, Task, TaskChanges, TaskId, TaskService, Title, UserId};
use task_settings::Environment;
use utoipa::{
    IntoParams, ToSchema,
    openapi::{
        KnownFormat, Required, SchemaFormat,
        path::{ParameterBuilder, ParameterIn},
        schema::{ObjectBuilder, Type},
    },
};

use crate::{
    docs::{answer::Answer, operation::Operation},
    guard::{Caller, Guarded},
    health::readiness::Readiness,
    http::{
        conditional::{IfMatch, IfNoneMatch, MALFORMED_IF_MATCH, MALFORMED_IF_NONE_MATCH},
        error::{ApiError, FieldError},
        extract::{JsonBody, OptionalJsonBody},
        idempotency::{Idempotency, MALFORMED as MALFORMED_KEY},
        media_type::Media,
        members::RequestBody,
        path::TaskIdInPath,
    },
    tasks::{cursor::CursorSeal, list_query::ListQuery, receipt::task_json},
};

/// `*` or entity tags, as far as a regular expression can say it.
const TAGS_PATTERN: &str = r#"^(\*|(W/)?"[!#-~]*"( *, *(W/)?"[!#-~]*")*)$"#;
/// A bare idempotency key, or one in quotes (RFC 9651, section 3.3.3).
const KEY_PATTERN: &str = r#"^([!#-~][!-~]{0,254}|"([!#-\[\]-~]|\\["\\]){1,255}")$"#;

/// An argument of a handler.
pub(crate) trait Input {
    /// Adds to the operation what the argument stands for.
    fn describe(_: &mut Operation) {}
}

impl Input for HttpRequest {}
impl Input for web::Data<CursorSeal> {}
impl Input for web::Data<Environment> {}
impl Input for web::Data<Readiness> {}

/// A handler that has the use cases needs the database.
impl Input for web::Data<TaskService> {
    fn describe(operation: &mut Operation) {
        operation.add_refusal(&ApiError::Unavailable("".into()));
    }
}

impl Input for Caller {
    fn describe(operation: &mut Operation) {
        operation.add_guard();
    }
}

/// The path of the route begins with the user.
impl<T: Input> Input for Guarded<T> {
    fn describe(operation: &mut Operation) {
        let schema = ObjectBuilder::new().schema_type(Type::String).min_length(Some(1)).max_length(Some(255));
        let user_id = ParameterBuilder::new()
            .name("user_id")
            .parameter_in(ParameterIn::Path)
            .required(Required::True)
            .description(Some("The `sub` of the token. In the path it is percent-encoded as one segment (`a/b` is `a%2Fb`): \
                 a client that does not do this by itself has to be given it like that."))
            .schema(Some(schema))
            .example(Some("demo".into()));
        operation.add_guard();
        operation.add_parameter(user_id);
        operation.add_refusal(&ApiError::Forbidden);
        T::describe(operation);
    }
}

impl Input for TaskIdInPath {
    fn describe(operation: &mut Operation) {
        let schema = ObjectBuilder::new()
            .schema_type(Type::Integer)
            .format(Some(SchemaFormat::KnownFormat(KnownFormat::Int64)))
            .minimum(Some(1))
            .maximum(Some(i64::MAX));
        let id = ParameterBuilder::new()
            .name("id")
            .parameter_in(ParameterIn::Path)
            .required(Required::True)
            .description(Some("The number of the task, in plain digits."))
            .schema(Some(schema))
            .example(Some(42.into()));
        operation.add_parameter(id);
        operation.add_refusal(&ApiError::InvalidPath);
        operation.add_refusal(&ApiError::NotFound);
    }
}

impl Input for ListQuery {
    fn describe(operation: &mut Operation) {
        for parameter in ListQuery::into_params(|| None) {
            operation.add_parameter(parameter);
        }
        let unknown = FieldError::new("stat", "is not a known parameter");
        operation.add_refusal(&ApiError::InvalidQuery(vec![unknown]));
        operation.add_refusal(&ApiError::InvalidCursor);
    }
}

impl Input for IfMatch {
    fn describe(operation: &mut Operation) {
        let text = "Act only on a task of one of these versions: `*` or a list of entity tags.";
        operation.add_parameter(header("If-Match", TAGS_PATTERN, text, "\"1\""));
        operation.add_refusal(&ApiError::InvalidHeader(MALFORMED_IF_MATCH));
        if let Some(task) = changed_task() {
            operation
                .add_refusal(&ApiError::PreconditionFailed { current: task_json(&task), could_match: true });
        }
    }
}

impl Input for IfNoneMatch {
    fn describe(operation: &mut Operation) {
        let text = "Answer 304 if the task is of one of these versions: `*` or a list of entity tags.";
        operation.add_parameter(header("If-None-Match", TAGS_PATTERN, text, "\"1\""));
        operation.add_refusal(&ApiError::InvalidHeader(MALFORMED_IF_NONE_MATCH));
        let description = "The task is of the version that `If-None-Match` names.";
        operation.add_answer(Answer::empty(StatusCode::NOT_MODIFIED, description).etag());
    }
}

impl Input for Idempotency {
    fn describe(operation: &mut Operation) {
        let text =
            "1 to 255 visible ASCII characters: a repeated request with the same key is carried out once.";
        let example = "8e03978e-40d5-43dd-bc93-6894a57f9324";
        operation.add_parameter(header("Idempotency-Key", KEY_PATTERN, text, example));
        operation.add_refusal(&ApiError::InvalidHeader(MALFORMED_KEY));
        operation.add_refusal(&ApiError::IdempotencyInProgress);
        operation.add_refusal(&ApiError::IdempotencyMismatch);
        operation.add_idempotency();
    }
}

impl<T: RequestBody + ToSchema> Input for JsonBody<T> {
    fn describe(operation: &mut Operation) {
        describe_body::<T>(operation, true);
    }
}

impl<T: RequestBody + ToSchema> Input for OptionalJsonBody<T> {
    fn describe(operation: &mut Operation) {
        describe_body::<T>(operation, false);
    }
}

macro_rules! several {
    ($($part:ident)*) => {
        impl<$($part: Input),*> Input for ($($part,)*) {
            fn describe(_operation: &mut Operation) {
                $($part::describe(_operation);)*
            }
        }
    };
}

several!();
several!(A);
several!(A B);
several!(A B C);
several!(A B C D);
several!(A B C D E);

fn describe_body<T: RequestBody + ToSchema>(operation: &mut Operation, required: bool) {
    let media_types: &[&str] = match T::MEDIA {
        Media::Json => &["application/json"],
        Media::MergePatch => &["application/merge-patch+json", "application/json"],
    };
    operation.add_body::<T>(media_types, required);
    let cut_off = "The body is not a JSON object: it ends too early at line 1, column 9.";
    let empty_title = FieldError::new("title", "must not be empty or only white space");
    for refusal in [
        ApiError::UnsupportedMediaType(T::MEDIA),
        ApiError::PayloadTooLarge,
        ApiError::RequestTimeout,
        ApiError::InvalidJson(cut_off.to_owned()),
        ApiError::ValidationFailed(vec![empty_title]),
    ] {
        operation.add_refusal(&refusal);
    }
}

/// A header that a request may have.
fn header(name: &str, pattern: &str, description: &str, example: &str) -> ParameterBuilder {
    ParameterBuilder::new()
        .name(name)
        .parameter_in(ParameterIn::Header)
        .required(Required::False)
        .description(Some(description))
        .schema(Some(ObjectBuilder::new().schema_type(Type::String).pattern(Some(pattern))))
        .example(Some(example.into()))
}

/// A task that another client has changed since its first version.
fn changed_task() -> Option<Task> {
    let [creation, change] =
        [1_767_323_045_000_060, 1_767_323_046_000_070].map(DateTime::from_timestamp_micros);
    let owner = UserId::parse("demo").ok()?;
    let task =
        Task::create(TaskId::new(42)?, owner, NewTask::titled(Title::parse("buy milk").ok()?), creation?);
    let changes = TaskChanges { title: Title::parse("buy oat milk").ok(), ..TaskChanges::default() };
    Some(task.apply(&changes, change?).task)
}
