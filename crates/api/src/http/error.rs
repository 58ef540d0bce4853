//! Every error answer: one shape, and one table of statuses and codes (docs/api.md, "Common errors").

use actix_web::{
    HttpResponse, HttpResponseBuilder, ResponseError,
    http::{
        StatusCode,
        header::{self, HeaderName},
    },
};
use serde::Serialize;
use serde_json::value::RawValue;
use task_auth::{Refusal, VerifyError};
use task_domain::{BoxError, RepositoryError, TaskError};
use task_support::{Chain, json::InvalidJson};
use utoipa::{ToSchema, openapi::Ref};

use crate::http::media_type::Media;

/// The most faults that one answer names.
const MAX_FAULTS: usize = 100;
/// After how many seconds a client may repeat a request that the service could not carry out.
const RETRY_AFTER_SECONDS: u32 = 1;
const ACCEPT_PATCH: HeaderName = HeaderName::from_static("accept-patch");
const ACCEPTED_PATCHES: &str = "application/merge-patch+json, application/json";
/// The body that is sent if serialization fails.
const FALLBACK_BODY: &str = r#"{"error":"internal","detail":"Something went wrong on our side."}"#;

/// Why a request was not carried out.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ApiError {
    /// The body is not a JSON object.
    #[error("invalid JSON")]
    InvalidJson(String),
    /// Fields of the body are invalid.
    #[error("invalid members")]
    ValidationFailed(Vec<FieldError>),
    /// Parameters of the query are invalid.
    #[error("invalid query")]
    InvalidQuery(Vec<FieldError>),
    /// The cursor was not made by this service, or belongs to another list.
    #[error("invalid cursor")]
    InvalidCursor,
    /// A header is malformed; the text says what its form should be.
    #[error("invalid header")]
    InvalidHeader(&'static str),
    /// The task id in the path is malformed.
    #[error("invalid path")]
    InvalidPath,
    /// The update sets nothing.
    #[error("empty update")]
    EmptyUpdate,
    /// There is no valid token.
    #[error("unauthorized")]
    Unauthorized(#[from] Refusal),
    /// The token belongs to another user than the path.
    #[error("forbidden")]
    Forbidden,
    /// The user of the token has no row in `users`.
    #[error("unknown user")]
    UnknownUser,
    /// The task does not exist, or belongs to another user.
    #[error("not found")]
    NotFound,
    /// The route does not exist.
    #[error("unknown route")]
    UnknownRoute,
    /// The route does not support the method; the text lists those that it supports.
    #[error("method not allowed")]
    MethodNotAllowed(String),
    /// The body did not arrive in time.
    #[error("request timeout")]
    RequestTimeout,
    /// The body is too large.
    #[error("payload too large")]
    PayloadTooLarge,
    /// The body has the wrong type or encoding.
    #[error("unsupported media type")]
    UnsupportedMediaType(Media),
    /// The task has another version than the client expects.
    #[error("precondition failed")]
    PreconditionFailed {
        /// The task as it is now, as JSON.
        current: Box<RawValue>,
        /// Whether any version would have done: not if `If-Match` has only tags that are weak or not ours.
        could_match: bool,
    },
    /// The first request of this idempotency key is still being carried out.
    #[error("idempotency in progress")]
    IdempotencyInProgress,
    /// The idempotency key was used for another request.
    #[error("idempotency mismatch")]
    IdempotencyMismatch,
    /// The user or the address has sent too many requests, and may send the next one after that many seconds.
    #[error("rate limited")]
    RateLimited(u64),
    /// The database does not answer, or accepts no writes at the moment.
    #[error("unavailable")]
    Unavailable(#[source] BoxError),
    /// The service sheds load: the database cannot keep up with the requests.
    #[error("overloaded")]
    Overloaded,
    /// The key set has never been fetched.
    #[error("keys not fetched")]
    KeysNotFetched,
    /// An unexpected failure.
    #[error("internal")]
    Internal(#[source] BoxError),
}

/// One member or parameter at fault, and what is wrong with it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[schema(as = Fault)]
pub(crate) struct FieldError {
    /// The name of the member or parameter, as it was sent.
    #[schema(example = "title")]
    pub(crate) field: String,
    /// What is wrong with it.
    #[schema(example = "must not be empty or only white space")]
    pub(crate) message: String,
}

impl FieldError {
    pub(crate) fn new(field: impl Into<String>, message: impl Into<String>) -> Self {
        Self { field: field.into(), message: message.into() }
    }
}

/// The body of every answer that is not a success.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Error)]
pub(crate) struct ErrorBody<'a> {
    /// A stable code that programs branch on.
    #[schema(example = "not_found")]
    error: &'static str,
    /// One sentence for people.
    #[schema(example = "There is no such task.")]
    detail: &'a str,
    /// The members or parameters at fault, with `validation_failed` and `invalid_query` only.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, max_items = 100)]
    fields: Option<&'a [FieldError]>,
    /// The task as it is now, with `precondition_failed` only.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, schema_with = current_schema)]
    current: Option<&'a RawValue>,
}

/// The schema of a task, by its name: errors must not depend on the type that it is made from.
fn current_schema() -> Ref {
    Ref::builder()
        .ref_location_from_schema_name("Task")
        .description(Some("The task as it is now, with `precondition_failed` only."))
        .build()
}

impl ApiError {
    /// The stable code that programs branch on.
    pub(crate) fn code(&self) -> &'static str {
        match self {
            Self::InvalidJson(_) => "invalid_json",
            Self::ValidationFailed(_) => "validation_failed",
            Self::InvalidQuery(_) => "invalid_query",
            Self::InvalidCursor => "invalid_cursor",
            Self::InvalidHeader(_) => "invalid_header",
            Self::InvalidPath => "invalid_path",
            Self::EmptyUpdate => "empty_update",
            Self::Unauthorized(_) => "unauthorized",
            Self::Forbidden => "forbidden",
            Self::UnknownUser => "unknown_user",
            Self::NotFound | Self::UnknownRoute => "not_found",
            Self::MethodNotAllowed(_) => "method_not_allowed",
            Self::RequestTimeout => "request_timeout",
            Self::PayloadTooLarge => "payload_too_large",
            Self::UnsupportedMediaType(_) => "unsupported_media_type",
            Self::PreconditionFailed { .. } => "precondition_failed",
            Self::IdempotencyInProgress => "idempotency_in_progress",
            Self::IdempotencyMismatch => "idempotency_mismatch",
            Self::RateLimited(_) => "rate_limited",
            Self::Unavailable(_) | Self::Overloaded | Self::KeysNotFetched => "unavailable",
            Self::Internal(_) => "internal",
        }
    }

    fn detail(&self) -> &str {
        match self {
            Self::InvalidJson(detail) => detail,
            Self::ValidationFailed(_) => "Some members of the body are not valid; `fields` names them.",
            Self::InvalidQuery(_) => "Some parameters of the query are not valid; `fields` names them.",
            Self::InvalidCursor => "This cursor does not belong to this list; start again without one.",
            Self::InvalidHeader(detail) => detail,
            Self::InvalidPath => {
                "A task id is a whole number from 1 to 9223372036854775807, in plain digits."
            }
            Self::EmptyUpdate => "There is nothing to change: send `title` or `description`.",
            Self::Unauthorized(refusal) => refusal.detail(),
            Self::Forbidden => "This token belongs to another user than the one in the path.",
            Self::UnknownUser => "The user of this token has no account here.",
            Self::NotFound => "There is no such task.",
            Self::UnknownRoute => "There is no such route; in a path, a user id is percent-encoded.",
            Self::MethodNotAllowed(_) => {
                "This route does not support the method; `Allow` names those it does."
            }
            Self::RequestTimeout => "The body did not arrive in time; send the request again.",
            Self::PayloadTooLarge => "The body is larger than 131072 bytes.",
            Self::UnsupportedMediaType(Media::Json) => {
                "The body must be sent as application/json, without a Content-Encoding."
            }
            Self::UnsupportedMediaType(Media::MergePatch) => {
                "The body must be sent as application/merge-patch+json or application/json, without a Content-Encoding."
            }
            Self::PreconditionFailed { could_match: true, .. } => {
                "The task has been changed since; `current` is what it is now."
            }
            Self::PreconditionFailed { could_match: false, .. } => {
                "No entity tag of `If-Match` can match: a weak one, such as W/\"5\", never does. Send the `version` of the \
                 task in double quotes; a proxy that compresses may have weakened `ETag`."
            }
            Self::IdempotencyInProgress => "The first request with this Idempotency-Key is still running.",
            Self::IdempotencyMismatch => "This Idempotency-Key was used for another request; take a new one.",
            Self::RateLimited(_) => "Too many requests; `Retry-After` says after how many seconds to go on.",
            Self::Unavailable(_) => "The database does not answer right now; try again in a moment.",
            Self::Overloaded => "Too much is asked for right now; try again in a moment.",
            Self::KeysNotFetched => "The keys for checking tokens are not there yet; try again in a moment.",
            Self::Internal(_) => "Something went wrong on our side.",
        }
    }

    fn fields(&self) -> Option<&[FieldError]> {
        match self {
            Self::ValidationFailed(faults) | Self::InvalidQuery(faults) => {
                Some(faults.get(..MAX_FAULTS).unwrap_or(faults))
            }
            _ => None,
        }
    }

    /// The body of the answer.
    pub(crate) fn body(&self) -> ErrorBody<'_> {
        let current = match self {
            Self::PreconditionFailed { current, .. } => Some(&**current),
            _ => None,
        };
        ErrorBody { error: self.code(), detail: self.detail(), fields: self.fields(), current }
    }

    /// Logs the cause, which the client never sees.
    fn log(&self) {
        match self {
            Self::Unavailable(cause) => {
                tracing::warn!(error = %Chain(&**cause), "the database is unavailable");
            }
            Self::Internal(cause) => {
                tracing::error!(error = %Chain(&**cause), "the request failed unexpectedly");
            }
            _ => {}
        }
    }

    fn add_headers(&self, answer: &mut HttpResponseBuilder) {
        match self {
            Self::Unauthorized(refusal) => {
                answer.insert_header((header::WWW_AUTHENTICATE, refusal.challenge().as_ref()))
            }
            Self::MethodNotAllowed(allow) => answer.insert_header((header::ALLOW, allow.as_str())),
            Self::Unavailable(_) | Self::Overloaded | Self::KeysNotFetched | Self::IdempotencyInProgress => {
                answer.insert_header((header::RETRY_AFTER, RETRY_AFTER_SECONDS))
            }
            Self::RateLimited(seconds) => answer.insert_header((header::RETRY_AFTER, *seconds)),
            Self::UnsupportedMediaType(Media::MergePatch) => {
                answer.insert_header((ACCEPT_PATCH, ACCEPTED_PATCHES))
            }
            _ => answer,
        };
    }
}

impl ResponseError for ApiError {
    fn status_code(&self) -> StatusCode {
        match self {
            Self::InvalidJson(_)
            | Self::ValidationFailed(_)
            | Self::InvalidQuery(_)
            | Self::InvalidCursor
            | Self::InvalidHeader(_)
            | Self::InvalidPath
            | Self::EmptyUpdate => StatusCode::BAD_REQUEST,
            Self::Unauthorized(_) => StatusCode::UNAUTHORIZED,
            Self::Forbidden | Self::UnknownUser => StatusCode::FORBIDDEN,
            Self::NotFound | Self::UnknownRoute => StatusCode::NOT_FOUND,
            Self::MethodNotAllowed(_) => StatusCode::METHOD_NOT_ALLOWED,
            Self::RequestTimeout => StatusCode::REQUEST_TIMEOUT,
            Self::PayloadTooLarge => StatusCode::PAYLOAD_TOO_LARGE,
            Self::UnsupportedMediaType(_) => StatusCode::UNSUPPORTED_MEDIA_TYPE,
            Self::PreconditionFailed { .. } => StatusCode::PRECONDITION_FAILED,
            Self::IdempotencyInProgress => StatusCode::CONFLICT,
            Self::IdempotencyMismatch => StatusCode::UNPROCESSABLE_ENTITY,
            Self::RateLimited(_) => StatusCode::TOO_MANY_REQUESTS,
            Self::Unavailable(_) | Self::Overloaded | Self::KeysNotFetched => StatusCode::SERVICE_UNAVAILABLE,
            Self::Internal(_) => StatusCode::INTERNAL_SERVER_ERROR,
        }
    }

    fn error_response(&self) -> HttpResponse {
        self.log();
        let body = serde_json::to_vec(&self.body()).unwrap_or_else(|_| FALLBACK_BODY.into());
        let mut answer = HttpResponse::build(self.status_code());
        self.add_headers(&mut answer);
        answer.content_type("application/json").body(body)
    }
}

impl From<TaskError> for ApiError {
    fn from(error: TaskError) -> Self {
        match error {
            TaskError::NotFound => Self::NotFound,
            TaskError::Repository(RepositoryError::UnknownUser) => Self::UnknownUser,
            TaskError::Repository(RepositoryError::Unavailable(cause)) => Self::Unavailable(cause),
            TaskError::Repository(RepositoryError::Overloaded) => Self::Overloaded,
            TaskError::Repository(RepositoryError::Unexpected(cause)) => Self::Internal(cause),
        }
    }
}

impl From<VerifyError> for ApiError {
    fn from(error: VerifyError) -> Self {
        match error {
            VerifyError::Refused(refusal) => Self::Unauthorized(refusal),
            VerifyError::KeysNotFetched => Self::KeysNotFetched,
        }
    }
}

impl From<InvalidJson> for ApiError {
    fn from(error: InvalidJson) -> Self {
        Self::InvalidJson(format!("The body is not a JSON object: {error}."))
    }
}

#[cfg(test)]
mod tests {
    use actix_web::body::MessageBody;
    use serde_json::{Value, json};

    use super::*;

    fn answer(error: &ApiError) -> (HttpResponse<()>, Value) {
        let (head, body) = error.error_response().into_parts();
        (head, serde_json::from_slice(&body.try_into_bytes().unwrap()).unwrap())
    }

    fn cause() -> BoxError {
        "host 10.0.0.1 refused password s3cret".into()
    }

    #[test]
    fn every_error_of_the_domain_has_its_status_and_code() {
        let table = [
            (TaskError::NotFound, 404, "not_found"),
            (RepositoryError::UnknownUser.into(), 403, "unknown_user"),
            (RepositoryError::Unavailable(cause()).into(), 503, "unavailable"),
            (RepositoryError::Overloaded.into(), 503, "unavailable"),
            (RepositoryError::Unexpected(cause()).into(), 500, "internal"),
        ];
        for (error, status, code) in table {
            let (head, body) = answer(&error.into());
            assert_eq!((head.status().as_u16(), body["error"].as_str()), (status, Some(code)));
        }
    }

    #[test]
    fn a_client_never_sees_the_cause() {
        for error in [ApiError::Unavailable(cause()), ApiError::Internal(cause())] {
            let (_, body) = answer(&error);
            assert!(!body.to_string().contains("s3cret") && !body.to_string().contains("10.0.0.1"), "{body}");
            assert_eq!(body.as_object().unwrap().keys().collect::<Vec<_>>(), ["error", "detail"]);
        }
    }

    #[test]
    fn an_answer_names_at_most_a_hundred_faults() {
        let faults: Vec<_> = (0..150).map(|number| FieldError::new(number.to_string(), "is wrong")).collect();
        let (head, body) = answer(&ApiError::ValidationFailed(faults));
        assert_eq!(head.status(), 400);
        assert_eq!(body["fields"].as_array().unwrap().len(), MAX_FAULTS);
        assert_eq!(body["fields"][0], json!({"field": "0", "message": "is wrong"}));
        let (_, body) = answer(&ApiError::InvalidQuery(vec![FieldError::new("x", "is wrong")]));
        assert_eq!(body["fields"].as_array().unwrap().len(), 1);
    }

    #[test]
    fn an_error_has_the_headers_of_its_status() {
        let (head, _) = answer(&ApiError::Unavailable(cause()));
        assert_eq!(head.headers().get("retry-after").unwrap(), "1");
        let (head, _) = answer(&ApiError::MethodNotAllowed("GET, HEAD".to_owned()));
        assert_eq!(head.status(), 405);
        assert_eq!(head.headers().get("allow").unwrap(), "GET, HEAD");
        let (head, _) = answer(&ApiError::Unauthorized(Refusal::Missing));
        assert_eq!(head.headers().get("www-authenticate").unwrap(), "Bearer");
    }
}
