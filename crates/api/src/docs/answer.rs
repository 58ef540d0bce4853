//! The answers of an operation, as the OpenAPI document describes them.
//!
//! The examples of errors are the very errors that the program answers with, so they cannot drift from the answers.

use actix_web::{ResponseError, http::StatusCode};
use serde_json::Value;
use utoipa::{
    ToSchema,
    openapi::{
        Content, Header, HeaderBuilder, Object, Ref, RefOr, Response, ResponseBuilder, Type,
        example::ExampleBuilder, schema::Schema,
    },
};

use crate::http::{error::ApiError, media_type::Media};

const JSON: &str = "application/json";

/// A schema and its name.
pub(super) type NamedSchema = (String, RefOr<Schema>);

/// What an operation answers with one status.
pub(crate) struct Answer {
    pub(super) status: StatusCode,
    pub(super) response: Response,
    pub(super) schemas: Vec<NamedSchema>,
}

impl Answer {
    /// An answer without a body.
    pub(crate) fn empty(status: StatusCode, description: &str) -> Self {
        Self { status, response: Response::new(description), schemas: Vec::new() }
    }

    /// An answer whose body is a `T` as JSON.
    pub(crate) fn json<T: ToSchema>(status: StatusCode, description: &str) -> Self {
        let mut answer = Self::empty(status, description);
        answer.response.content.insert(JSON.to_owned(), Content::new(Some(reference::<T>())).into());
        answer.schemas = schemas::<T>();
        answer
    }

    /// Adds `ETag`.
    pub(crate) fn etag(self) -> Self {
        self.header("ETag", etag())
    }

    /// Adds the `Link` to the next page of a list.
    pub(crate) fn next_page(self) -> Self {
        self.header("Link", text("The next page, with `rel=\"next\"` (RFC 8288), if there is one."))
    }

    /// Adds the `Location` of what was created.
    pub(crate) fn location(self, description: &str) -> Self {
        self.header("Location", text(description))
    }

    /// Adds `Retry-After`.
    pub(crate) fn retry_after(self) -> Self {
        self.header("Retry-After", retry_after())
    }

    /// Adds an example of the body.
    pub(crate) fn example(mut self, name: &str, value: Value) -> Self {
        add_example(&mut self.response, name, Some(value));
        self
    }

    fn header(mut self, name: &str, header: Header) -> Self {
        add_header(&mut self.response, name, header);
        self
    }
}

/// A reference to the schema of `T`.
pub(super) fn reference<T: ToSchema>() -> Ref {
    Ref::from_schema_name(T::name())
}

/// The schema of `T` and those that it refers to.
pub(super) fn schemas<T: ToSchema>() -> Vec<NamedSchema> {
    let mut schemas = vec![(T::name().into_owned(), T::schema())];
    T::schemas(&mut schemas);
    schemas
}

/// The response with the status of `refusal`, before any example is added.
pub(super) fn error_response(refusal: &ApiError) -> Response {
    let status = refusal.status_code();
    let response = ResponseBuilder::new()
        .description(status.canonical_reason().unwrap_or_default())
        .content(JSON, Content::new(Some(Ref::from_schema_name("Error"))));
    match status {
        StatusCode::UNAUTHORIZED => {
            response.header("WWW-Authenticate", text("The challenge of RFC 6750, section 3."))
        }
        StatusCode::PRECONDITION_FAILED => response.header("ETag", etag()),
        StatusCode::SERVICE_UNAVAILABLE | StatusCode::CONFLICT | StatusCode::TOO_MANY_REQUESTS => {
            response.header("Retry-After", retry_after())
        }
        _ => response,
    }
    .build()
}

/// Adds an error to the examples of its response. Of several errors with one code the first is shown.
pub(super) fn add_error(response: &mut Response, error: &ApiError) {
    if matches!(error, ApiError::UnsupportedMediaType(Media::MergePatch)) {
        add_header(response, "Accept-Patch", text("The media types of a patch (RFC 5789, section 3.1)."));
    }
    add_example(response, error.code(), serde_json::to_value(error.body()).ok());
}

/// Adds the header that every answer has.
pub(super) fn add_request_id(response: &mut Response) {
    let description = "The request's own id, or a new one: quote it when you report a problem.";
    add_header(response, "X-Request-Id", text(description));
}

/// Adds the headers that every answer to a valid token has if the operator limits requests.
pub(super) fn add_rate_limits(response: &mut Response) {
    add_header(response, "RateLimit", text("How many requests are left, if the operator limits them."));
    add_header(response, "RateLimit-Policy", text("The limit itself, if there is one."));
}

/// Adds the header that marks a repeated answer.
pub(super) fn add_replayed(response: &mut Response) {
    let description = "`true` if this is the answer to the first request with the same `Idempotency-Key`.";
    add_header(response, "Idempotency-Replayed", text(description));
}

fn add_header(response: &mut Response, name: &str, header: Header) {
    response.headers.insert(name.to_owned(), header.into());
}

fn add_example(response: &mut Response, name: &str, value: Option<Value>) {
    if let Some(RefOr::T(content)) = response.content.get_mut(JSON) {
        let example = ExampleBuilder::new().value(value).build();
        content.examples.entry(name.to_owned()).or_insert_with(|| example.into());
    }
}

fn etag() -> Header {
    text("The version of the task, in double quotes.")
}

fn retry_after() -> Header {
    header(Type::Integer, "After how many seconds to try again.")
}

fn text(description: &str) -> Header {
    header(Type::String, description)
}

fn header(of: Type, description: &str) -> Header {
    let schema = Schema::Object(Object::with_type(of));
    HeaderBuilder::new().schema(Some(schema)).description(Some(description)).build()
}
