//! Every parser of a request, as a function of what is sent: for `tools/fuzzing`, which says what must hold for each.

use std::borrow::Cow;

use actix_web::http::header::HeaderMap;
use futures_util::FutureExt as _;
use task_domain::{
    Expectation, IdempotencyKey, NewTask, Position, StatusFilter, TaskChanges, TaskId, TaskOrder, UserId,
    Version,
};
use task_support::{
    json::{self, Object},
    path_segment,
};

use crate::{
    guard,
    http::{
        conditional,
        error::{ApiError, FieldError},
        idempotency, media_type,
        members::{self, RequestBody},
        path,
    },
    tasks::{
        cursor::{CursorSeal, testing::seal_with},
        list_query as query,
        request::{CreateTask, PatchTask, SetCompleted, UpdateTask, not_empty},
    },
};

/// Why a body or a query is refused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Refused {
    /// These fields, each with what is wrong with it.
    Fields(Vec<(String, String)>),
    /// It would change nothing.
    Empty,
}

fn fields(faults: Vec<FieldError>) -> Refused {
    Refused::Fields(faults.into_iter().map(|fault| (fault.field, fault.message)).collect())
}

fn read<B: RequestBody, U>(
    members: &Object,
    check: impl FnOnce(B::Output) -> Result<U, ApiError>,
) -> Result<U, Refused> {
    members::read::<B>(members.clone()).and_then(check).map_err(|error| match error {
        ApiError::ValidationFailed(faults) => fields(faults),
        ApiError::EmptyUpdate => Refused::Empty,
        other => unreachable!("a body is not refused for {other:?}"),
    })
}

/// The body of POST.
pub fn create(members: &Object) -> Result<NewTask, Refused> {
    read::<CreateTask, _>(members, Ok)
}

/// The body of PUT.
pub fn update(members: &Object) -> Result<TaskChanges, Refused> {
    read::<UpdateTask, _>(members, not_empty)
}

/// The body of PATCH.
pub fn patch(members: &Object) -> Result<TaskChanges, Refused> {
    read::<PatchTask, _>(members, Ok)
}

/// The body of PATCH on `/complete`.
pub fn complete(members: &Object) -> Result<TaskChanges, Refused> {
    read::<SetCompleted, _>(members, Ok)
}

/// A JSON object and nothing after it, or what is wrong with the text.
pub fn object(bytes: &[u8]) -> Result<Object, String> {
    json::parse_object(bytes).map_err(|error| error.to_string())
}

/// The query of a list.
#[derive(Clone, Debug)]
pub struct Query(query::ListQuery);

impl Query {
    /// Reads it, or names every parameter at fault.
    pub fn parse(text: &str) -> Result<Self, Refused> {
        query::parse(text).map(Self).map_err(fields)
    }

    /// Which tasks, and in what order.
    #[must_use]
    pub fn list(&self) -> (StatusFilter, TaskOrder) {
        (self.0.status, self.0.sort)
    }

    /// The query of the next page.
    #[must_use]
    pub fn next(&self, cursor: &str) -> String {
        self.0.next(cursor)
    }
}

/// Seals cursors with a key that is always there.
#[derive(Debug)]
pub struct Seal(CursorSeal);

impl Seal {
    /// Seals with that key.
    #[must_use]
    pub fn with(key: [u8; 32]) -> Self {
        Self(seal_with(key))
    }

    /// Writes a position as a cursor.
    #[must_use]
    pub fn seal(&self, user: &UserId, status: StatusFilter, position: &Position) -> String {
        match self.0.seal(user, status, position).now_or_never() {
            Some(Ok(cursor)) => cursor,
            other => unreachable!("{position:?} cannot be sealed: {other:?}"),
        }
    }

    /// Reads a cursor, unless it is an invalid one.
    #[must_use]
    pub fn open(
        &self,
        user: &UserId,
        status: StatusFilter,
        order: TaskOrder,
        cursor: &str,
    ) -> Option<Position> {
        match self.0.open(user, status, order, cursor).now_or_never() {
            Some(Ok(position)) => Some(position),
            Some(Err(ApiError::InvalidCursor)) => None,
            other => unreachable!("{cursor:?} is neither valid nor invalid: {other:?}"),
        }
    }
}

/// A segment of the path, decoded.
#[must_use]
pub fn decode(segment: &str) -> Option<Cow<'_, str>> {
    path::decode(segment)
}

/// A text as the segment of a path that `Location` writes.
#[must_use]
pub fn encode(text: &str) -> String {
    path_segment(text).to_string()
}

/// The id of a task in the path.
#[must_use]
pub fn task_id(segment: &str) -> Option<TaskId> {
    path::task_id(segment)
}

/// `If-Match`, unless it is malformed.
#[must_use]
pub fn if_match(headers: &HeaderMap) -> Option<Expectation> {
    conditional::IfMatch::of(headers).ok().map(|conditional::IfMatch(expectation)| expectation)
}

/// `If-None-Match`, unless it is malformed: whether it names a version.
#[must_use]
pub fn if_none_match(headers: &HeaderMap) -> Option<impl Fn(Version) -> bool + use<>> {
    conditional::IfNoneMatch::of(headers).ok().map(|known| move |version| known.has(version))
}

/// The entity tag of a version.
#[must_use]
pub fn etag(version: Version) -> String {
    conditional::etag(version)
}

/// The name of the header with the idempotency key.
pub const IDEMPOTENCY_KEY: actix_web::http::header::HeaderName = idempotency::IDEMPOTENCY_KEY;

/// `Idempotency-Key`; the outer `None` if it is malformed.
#[must_use]
pub fn idempotency_key(headers: &HeaderMap) -> Option<Option<IdempotencyKey>> {
    idempotency::key(headers).ok()
}

/// The token of `Authorization`.
#[must_use]
pub fn bearer_token(headers: &HeaderMap) -> Option<&str> {
    guard::bearer_token(headers).ok()
}

/// Whether a `Content-Type` is of that media type.
#[must_use]
pub fn is_media_type(content_type: &str, essence: &str) -> bool {
    media_type::is(content_type, essence)
}
