//! The answers to writes, in the form in which they are stored for repeated requests.

use actix_web::{
    HttpResponse, ResponseError,
    http::{StatusCode, header},
};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use task_domain::{
    Expectation, IdempotentRequest, Receipt, ReceiptWriter, Replay, Task, TaskCommand, TaskOutcome,
    TaskService, UserId,
};
use task_support::path_segment;

use super::{
    json,
    response::{DeletedBody, TaskBody},
};
use crate::http::{conditional::etag, error::ApiError, idempotency::IDEMPOTENCY_REPLAYED, media_type::JSON};

const RECEIPTS: ReceiptWriter = ReceiptWriter(|outcome| StoredResponse::of(outcome, true).to_receipt());
/// For a request whose `If-Match` can match no version.
const RECEIPTS_WITHOUT_MATCH: ReceiptWriter =
    ReceiptWriter(|outcome| StoredResponse::of(outcome, false).to_receipt());

/// Carries out a write and answers it. A request with an idempotency key is carried out once.
///
/// A validation error is answered only if the key is new: a repeated request gets the stored answer first
/// (`docs/api.md`, "The order of checks").
pub(super) async fn respond_to_write(
    tasks: &TaskService,
    user: &UserId,
    keyed: Option<IdempotentRequest>,
    command: Result<TaskCommand, ApiError>,
) -> Result<HttpResponse, ApiError> {
    let Some(request) = keyed else {
        let command = command?;
        let could_match = could_match(&command);
        return Ok(StoredResponse::of(&tasks.execute(user, command).await?, could_match).into_response());
    };
    let once = match command {
        Ok(command) => {
            let receipts = if could_match(&command) { RECEIPTS } else { RECEIPTS_WITHOUT_MATCH };
            tasks.execute_once(user, &request, command, receipts).await?
        }
        Err(error) => tasks.recall(user, &request).await?.ok_or(error)?,
    };
    match once {
        Replay::First(receipt) => Ok(StoredResponse::from_receipt(&receipt)?.into_response()),
        Replay::Again(receipt) => {
            let mut answer = StoredResponse::from_receipt(&receipt)?.into_response();
            answer.headers_mut().insert(IDEMPOTENCY_REPLAYED, header::HeaderValue::from_static("true"));
            Ok(answer)
        }
        Replay::InProgress => Err(ApiError::IdempotencyInProgress),
        Replay::Mismatch => Err(ApiError::IdempotencyMismatch),
    }
}

/// Whether any version would do for the command: not if `If-Match` has only tags that are weak or not ours.
fn could_match(command: &TaskCommand) -> bool {
    let expected = command.target().map(|(_, expected)| expected);
    !matches!(expected, Some(Expectation::OneOf(versions)) if versions.is_empty())
}

/// An answer to a write, without the headers that each request gets of its own.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
struct StoredResponse {
    status: u16,
    location: Option<String>,
    etag: Option<String>,
    body: String,
}

impl StoredResponse {
    fn of(outcome: &TaskOutcome, could_match: bool) -> Self {
        match outcome {
            TaskOutcome::Created(task) => {
                let user = path_segment(task.owner.as_str());
                let location = format!("/api/{user}/tasks/{}", task.id.get());
                Self { status: 201, location: Some(location), ..Self::task(task) }
            }
            TaskOutcome::Updated(task) => Self::task(task),
            TaskOutcome::Deleted => {
                Self { status: 200, location: None, etag: None, body: json::to_string(&DeletedBody::new()) }
            }
            TaskOutcome::NotFound => Self::refusal(&ApiError::NotFound, None),
            TaskOutcome::VersionMismatch(task) => {
                let refusal = ApiError::PreconditionFailed { current: task_json(task), could_match };
                Self::refusal(&refusal, Some(etag(task.version)))
            }
        }
    }

    fn task(task: &Task) -> Self {
        Self {
            status: 200,
            location: None,
            etag: Some(etag(task.version)),
            body: json::to_string(&TaskBody::from(task)),
        }
    }

    fn refusal(refusal: &ApiError, etag: Option<String>) -> Self {
        Self { status: refusal.status_code().as_u16(), location: None, etag, body: to_json(&refusal.body()) }
    }

    fn to_receipt(&self) -> Receipt {
        Receipt(to_json(self).into_bytes())
    }

    /// Reads a receipt.
    fn from_receipt(receipt: &Receipt) -> Result<Self, ApiError> {
        serde_json::from_slice(&receipt.0).map_err(|error| ApiError::Internal(error.into()))
    }

    fn into_response(self) -> HttpResponse {
        let status = StatusCode::from_u16(self.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let mut answer = HttpResponse::build(status);
        if let Some(location) = self.location {
            answer.insert_header((header::LOCATION, location));
        }
        if let Some(etag) = self.etag {
            answer.insert_header((header::ETAG, etag));
        }
        answer.insert_header((header::CONTENT_TYPE, JSON)).body(self.body)
    }
}

/// A task as JSON, to be embedded in other JSON.
pub(crate) fn task_json(task: &Task) -> Box<RawValue> {
    RawValue::from_string(json::to_string(&TaskBody::from(task))).unwrap_or_default()
}

/// Serializes a type that has only texts and numbers, which cannot fail.
fn to_json(value: &impl Serialize) -> String {
    serde_json::to_string(value).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use task_domain::{
        Version,
        testing::{task, task_id, user},
    };

    use super::*;

    #[test]
    fn an_answer_comes_back_from_its_receipt_as_it_was() {
        let task = task(&user("a/b é"), 7);
        for outcome in [
            TaskOutcome::Created(task.clone()),
            TaskOutcome::Updated(task.clone()),
            TaskOutcome::Deleted,
            TaskOutcome::NotFound,
            TaskOutcome::VersionMismatch(task),
        ] {
            let stored = StoredResponse::of(&outcome, true);
            assert_eq!(StoredResponse::from_receipt(&stored.to_receipt()).unwrap(), stored);
            assert_eq!((RECEIPTS.0)(&outcome), stored.to_receipt());
        }
    }

    #[test]
    fn each_outcome_has_its_status_and_headers() {
        let task = task(&user("a/b é"), 7);
        let summary = |outcome| {
            let StoredResponse { status, location, etag, .. } = StoredResponse::of(&outcome, true);
            (status, location, etag)
        };
        let tag = || Some("\"1\"".to_owned());
        let location = Some("/api/a%2Fb%20%C3%A9/tasks/7".to_owned());
        assert_eq!(summary(TaskOutcome::Created(task.clone())), (201, location, tag()));
        assert_eq!(summary(TaskOutcome::Updated(task.clone())), (200, None, tag()));
        assert_eq!(summary(TaskOutcome::Deleted), (200, None, None));
        assert_eq!(summary(TaskOutcome::NotFound), (404, None, None));
        assert_eq!(summary(TaskOutcome::VersionMismatch(task)), (412, None, tag()));
    }

    #[test]
    fn a_failed_precondition_shows_the_task_as_it_is() {
        let body = StoredResponse::of(&TaskOutcome::VersionMismatch(task(&user("u"), 7)), true).body;
        assert!(body.starts_with(r#"{"error":"precondition_failed","detail":""#), "{body}");
        assert!(body.contains(r#""current":{"id":7,"user_id":"u","title":"buy milk""#), "{body}");
    }

    #[test]
    fn a_precondition_that_can_never_hold_says_so() {
        let delete =
            |versions| TaskCommand::Delete { id: task_id(7), expected: Expectation::OneOf(versions) };
        assert!(!could_match(&delete(Vec::new())) && could_match(&delete(vec![Version::FIRST])));
        let mismatch = TaskOutcome::VersionMismatch(task(&user("u"), 7));
        let said = (RECEIPTS_WITHOUT_MATCH.0)(&mismatch);
        assert_eq!(said, StoredResponse::of(&mismatch, false).to_receipt());
        let body = StoredResponse::from_receipt(&said).unwrap().body;
        assert!(body.starts_with(r#"{"error":"precondition_failed","detail":"No entity tag"#), "{body}");
    }

    #[test]
    fn a_receipt_that_cannot_be_read_is_an_internal_error() {
        assert!(matches!(StoredResponse::from_receipt(&Receipt(vec![0])), Err(ApiError::Internal(_))));
    }
}
