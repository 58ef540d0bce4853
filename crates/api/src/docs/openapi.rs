//! The OpenAPI document, generated from the handlers.
//!
//! What every operation has in common, its path parameters, refusals and headers, is added here, from the very errors
//! that the program answers with, so that the document's examples cannot drift from the answers.

use actix_web::{HttpResponse, ResponseError, http::StatusCode, web, web::Bytes};
use chrono::DateTime;
use task_auth::Refusal;
use task_domain::{Task, TaskId, Title, UserId, Version};
use task_settings::{DEFAULT_TITLE, DEFAULT_VERSION};
use utoipa::{
    Modify, OpenApi,
    openapi::{
        self, Content, Header, HttpMethod, Object, Ref, RefOr, Required, Response, ResponseBuilder,
        example::ExampleBuilder,
        path::{Operation, ParameterBuilder, ParameterIn, PathItem},
        schema::{ObjectBuilder, Schema, Type},
        security::{HttpAuthScheme, HttpBuilder, SecurityRequirement, SecurityScheme},
    },
};

use crate::{
    health,
    http::{
        conditional::{MALFORMED_IF_MATCH, MALFORMED_IF_NONE_MATCH},
        error::{ApiError, ErrorBody, FieldError},
        idempotency::MALFORMED as MALFORMED_KEY,
        media_type::Media,
    },
    tasks::{self, receipt::task_json},
    whoami,
};

const ABOUT: &str = "Tasks of users, each behind a strict wall.\n\n\
    Every route but those below `/health` and the documentation needs `Authorization: Bearer <JWT>`. The path's `user_id` is the \
    token's `sub`, percent-encoded. Every answer that is not a success is an `Error`, whose `error` is a stable code \
    that programs branch on.";

const ABOUT_TOKENS: &str = "A JWT of your Better Auth: signed with a key that its `jwt()` plugin publishes (EdDSA, \
    ES256, RS256 or PS256), or with HS256 and the shared secret.";

/// `*` or entity tags, as far as a regular expression can say it.
const TAGS_PATTERN: &str = r#"^(\*|(W/)?"[!#-~]*"( *, *(W/)?"[!#-~]*")*)$"#;
/// A bare idempotency key.
const KEY_PATTERN: &str = "^[!#-~][!-~]{0,254}$";

const BEARER: &str = "bearer";

#[derive(OpenApi)]
#[openapi(
    paths(tasks::list, tasks::create, tasks::get, tasks::update, tasks::delete, tasks::patch, tasks::complete, whoami::whoami, health::health, health::live, health::ready),
    components(schemas(ErrorBody<'_>, FieldError)),
    tags(
        (name = "tasks", description = "A user's own tasks."),
        (name = "service", description = "The service itself."),
    ),
    modifiers(&Common),
)]
struct ApiDoc;

/// The document as it is served.
#[derive(Debug)]
pub(crate) struct Document {
    /// The JSON text.
    pub(crate) json: Bytes,
    /// The title of the API.
    pub(crate) title: String,
}

/// Serves the document.
pub(crate) async fn document(document: web::Data<Document>) -> HttpResponse {
    HttpResponse::Ok().content_type("application/json").body(document.json.clone())
}

/// The document as pretty-printed JSON, with the default title and version: what is checked in.
pub fn openapi_json() -> Result<String, serde_json::Error> {
    json(DEFAULT_TITLE, DEFAULT_VERSION)
}

pub(crate) fn json(title: &str, version: &str) -> Result<String, serde_json::Error> {
    let mut document = ApiDoc::openapi();
    title.clone_into(&mut document.info.title);
    version.clone_into(&mut document.info.version);
    document.info.description = Some(ABOUT.to_owned());
    document.info.contact = None;
    document.info.license = Some(openapi::License::new("MIT OR Apache-2.0"));
    document.to_pretty_json().map(|json| json + "\n")
}

/// What every operation has in common.
struct Common;

impl Modify for Common {
    fn modify(&self, document: &mut openapi::OpenApi) {
        let components = document.components.get_or_insert_default();
        let scheme = HttpBuilder::new()
            .scheme(HttpAuthScheme::Bearer)
            .bearer_format("JWT")
            .description(Some(ABOUT_TOKENS))
            .build();
        components.security_schemes.insert(BEARER.to_owned(), SecurityScheme::Http(scheme).into());
        for (path, item) in &mut document.paths.paths {
            for (method, operation) in operations(item) {
                complete(path, &method, operation);
            }
        }
    }
}

/// The operations of a path, with their methods.
fn operations(item: &mut PathItem) -> impl Iterator<Item = (HttpMethod, &mut Operation)> {
    [
        (HttpMethod::Get, item.get.as_mut()),
        (HttpMethod::Post, item.post.as_mut()),
        (HttpMethod::Put, item.put.as_mut()),
        (HttpMethod::Patch, item.patch.as_mut()),
        (HttpMethod::Delete, item.delete.as_mut()),
    ]
    .into_iter()
    .filter_map(|(method, operation)| operation.map(|operation| (method, operation)))
}

fn complete(path: &str, method: &HttpMethod, operation: &mut Operation) {
    let mut refusals = vec![ApiError::Internal("".into())];
    if path.starts_with("/api/") {
        operation.security = Some(vec![SecurityRequirement::new(BEARER, [] as [&str; 0])]);
        refusals.extend([
            ApiError::Unauthorized(Refusal::Expired),
            ApiError::RateLimited(2),
            ApiError::KeysNotFetched,
        ]);
    }
    if path.contains("{user_id}") {
        add_path_parameters(path, operation);
        add_header_parameters(path, method, operation);
        refusals.extend(refusals_of_tasks(path, method, operation.request_body.is_some()));
    }
    if path.ends_with("/complete")
        && let Some(RefOr::T(body)) = &mut operation.request_body
    {
        body.required = Some(Required::False);
    }
    for refusal in refusals {
        add_refusal(operation, &refusal);
    }
    for (status, response) in &mut operation.responses.responses {
        if let RefOr::T(response) = response {
            add_headers(path, method, status, response);
        }
    }
}

/// Adds the headers that say more than the body does.
fn add_headers(path: &str, method: &HttpMethod, status: &str, response: &mut Response) {
    let mut add = |name: &str, header: Header| response.headers.insert(name.to_owned(), header.into());
    let id = "The request's own id, or a new one: quote it when you report a problem.";
    add("X-Request-Id", header(Type::String, id));
    let one_task = path.contains("{id}") || matches!(method, HttpMethod::Post);
    let deleted = matches!(method, HttpMethod::Delete) && status == "200";
    if one_task && !deleted && matches!(status, "200" | "201" | "304" | "412") {
        add("ETag", header(Type::String, "The version of the task, in double quotes."));
    }
    if is_write(method) && matches!(status, "200" | "201" | "404" | "412") {
        let replayed =
            "`true` where this is the answer to the first request with the same `Idempotency-Key`.";
        add("Idempotency-Replayed", header(Type::String, replayed));
    }
}

fn is_write(method: &HttpMethod) -> bool {
    !matches!(method, HttpMethod::Get)
}

fn add_header_parameters(path: &str, method: &HttpMethod, operation: &mut Operation) {
    let mut add = |name: &str, pattern: &str, description: &str, example: &str| {
        let parameter = ParameterBuilder::new()
            .name(name)
            .parameter_in(ParameterIn::Header)
            .required(Required::False)
            .description(Some(description))
            .schema(Some(ObjectBuilder::new().schema_type(Type::String).pattern(Some(pattern))))
            .example(Some(example.into()))
            .build();
        operation.parameters.get_or_insert_default().push(RefOr::T(parameter));
    };
    if path.contains("{id}") {
        if is_write(method) {
            let text = "Act only on a task of one of these versions: `*` or a list of entity tags.";
            add("If-Match", TAGS_PATTERN, text, "\"1\"");
        } else {
            let text = "Answer 304 if the task is of one of these versions: `*` or a list of entity tags.";
            add("If-None-Match", TAGS_PATTERN, text, "\"1\"");
        }
    }
    if is_write(method) {
        let text =
            "1 to 255 visible ASCII characters: a repeated request with the same key is carried out once.";
        add("Idempotency-Key", KEY_PATTERN, text, "8e03978e-40d5-43dd-bc93-6894a57f9324");
    }
}

fn add_path_parameters(path: &str, operation: &mut Operation) {
    let user = ParameterBuilder::new()
        .name("user_id")
        .parameter_in(ParameterIn::Path)
        .required(Required::True)
        .description(Some("The `sub` of the token, percent-encoded as one path segment."))
        .schema(Some(
            ObjectBuilder::new().schema_type(Type::String).min_length(Some(1)).max_length(Some(255)),
        ))
        .example(Some("demo".into()))
        .build();
    let id = ParameterBuilder::new()
        .name("id")
        .parameter_in(ParameterIn::Path)
        .required(Required::True)
        .description(Some("The number of the task, in plain digits."))
        .schema(Some(
            ObjectBuilder::new()
                .schema_type(Type::Integer)
                .format(Some(openapi::SchemaFormat::KnownFormat(openapi::KnownFormat::Int64)))
                .minimum(Some(1))
                .maximum(Some(i64::MAX)),
        ))
        .example(Some(42.into()))
        .build();
    let parameters = operation.parameters.get_or_insert_default();
    if path.contains("{id}") {
        parameters.insert(0, RefOr::T(id));
    }
    parameters.insert(0, RefOr::T(user));
}

/// What an operation on a user's tasks may be refused with once the token is good, in the contract's order of checks.
fn refusals_of_tasks(path: &str, method: &HttpMethod, has_body: bool) -> Vec<ApiError> {
    let fault = |field: &str, message: &str| vec![FieldError::new(field, message)];
    let mut refusals = vec![ApiError::Forbidden];
    if path.contains("{id}") {
        refusals.extend([ApiError::InvalidPath, ApiError::NotFound]);
        let malformed = if is_write(method) { MALFORMED_IF_MATCH } else { MALFORMED_IF_NONE_MATCH };
        refusals.push(ApiError::InvalidHeader(malformed));
    } else if matches!(method, HttpMethod::Get) {
        refusals.push(ApiError::InvalidQuery(fault("stat", "is not a known parameter")));
        refusals.push(ApiError::InvalidCursor);
    } else {
        refusals.extend([ApiError::UnknownUser, ApiError::InvalidHeader(MALFORMED_KEY)]);
    }
    if is_write(method) {
        refusals.extend([ApiError::IdempotencyInProgress, ApiError::IdempotencyMismatch]);
        if path.contains("{id}") {
            let current = example_task().map(|task| task_json(&task));
            refusals.extend(current.map(|current| ApiError::PreconditionFailed { current }));
        }
    }
    if has_body {
        let is_patch = matches!(method, HttpMethod::Patch) && path.ends_with("{id}");
        refusals.extend([
            ApiError::UnsupportedMediaType(if is_patch { Media::MergePatch } else { Media::Json }),
            ApiError::PayloadTooLarge,
            ApiError::RequestTimeout,
            ApiError::InvalidJson(
                "The body is not a JSON object: it ends too early at line 1, column 9.".to_owned(),
            ),
            ApiError::ValidationFailed(fault("title", "must not be empty or only white space")),
        ]);
    }
    if matches!(method, HttpMethod::Put) {
        refusals.push(ApiError::EmptyUpdate);
    }
    refusals.push(ApiError::Unavailable("".into()));
    refusals
}

/// A task as it may have become while somebody else looked away.
fn example_task() -> Option<Task> {
    Some(Task {
        id: TaskId::new(42)?,
        owner: UserId::parse("demo").ok()?,
        title: Title::parse("buy oat milk").ok()?,
        description: None,
        completed_at: None,
        version: Version::new(2)?,
        created_at: DateTime::from_timestamp_micros(1_767_323_045_000_060)?,
        updated_at: DateTime::from_timestamp_micros(1_767_323_046_000_070)?,
    })
}

/// Adds an error as an example to the response of its status, which it makes where it is the first.
fn add_refusal(operation: &mut Operation, refusal: &ApiError) {
    let status = refusal.status_code();
    let response = operation.responses.responses.entry(status.as_u16().to_string());
    let RefOr::T(response) = response.or_insert_with(|| RefOr::T(error_response(status))) else { return };
    let Some(RefOr::T(content)) = response.content.get_mut("application/json") else { return };
    if matches!(refusal, ApiError::UnsupportedMediaType(Media::MergePatch)) {
        let accepted = header(Type::String, "As what a patch may be sent (RFC 5789, section 3.1).");
        response.headers.insert("Accept-Patch".to_owned(), accepted.into());
    }
    let example = ExampleBuilder::new().value(serde_json::to_value(refusal.body()).ok()).build();
    content.examples.insert(refusal.code().to_owned(), example.into());
}

fn error_response(status: StatusCode) -> Response {
    let response = ResponseBuilder::new()
        .description(status.canonical_reason().unwrap_or_default())
        .content("application/json", Content::new(Some(Ref::from_schema_name("Error"))));
    match status {
        StatusCode::UNAUTHORIZED => {
            response.header("WWW-Authenticate", header(Type::String, "The challenge of RFC 6750, section 3."))
        }
        StatusCode::SERVICE_UNAVAILABLE | StatusCode::CONFLICT | StatusCode::TOO_MANY_REQUESTS => {
            response.header("Retry-After", header(Type::Integer, "After how many seconds to try again."))
        }
        _ => response,
    }
    .build()
}

fn header(of: Type, description: &str) -> Header {
    let schema = Schema::Object(Object::with_type(of));
    openapi::HeaderBuilder::new().schema(Some(schema)).description(Some(description)).build()
}
