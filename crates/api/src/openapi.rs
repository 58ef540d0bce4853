//! The OpenAPI document, generated from the handlers.
//!
//! What every operation has in common, its path parameters, refusals and headers, is added here, from the very errors
//! that the program answers with, so that the document's examples cannot drift from the answers.

use actix_web::{HttpResponse, ResponseError, http::StatusCode, web, web::Bytes};
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
    auth::Refusal,
    error::{ApiError, ErrorBody, Fault},
    health, tasks,
};

const ABOUT: &str = "Tasks of users, each behind a strict wall.\n\n\
    Every route but `/health` and the documentation needs `Authorization: Bearer <JWT>`. The path's `user_id` is the \
    token's `sub`, percent-encoded. Every answer that is not a success is an `Error`, whose `error` is a stable code \
    that programs branch on.";

const BEARER: &str = "bearer";

#[derive(OpenApi)]
#[openapi(
    paths(tasks::list, tasks::create, tasks::get, tasks::update, tasks::delete, tasks::toggle, health::health),
    components(schemas(ErrorBody<'_>, Fault)),
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
    json(crate::settings::DEFAULT_TITLE, crate::settings::DEFAULT_VERSION)
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
            .description(Some("A JWT of your Better Auth, signed with HS256 and the shared secret."))
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
    let guarded = path.starts_with("/api/");
    if guarded {
        operation.security = Some(vec![SecurityRequirement::new(BEARER, [] as [&str; 0])]);
        add_path_parameters(path, operation);
    }
    let mut refusals = vec![ApiError::Internal("".into())];
    if guarded {
        refusals.extend(guarded_refusals(path, method, operation.request_body.is_some()));
    }
    for refusal in refusals {
        add_refusal(operation, &refusal);
    }
    for response in operation.responses.responses.values_mut() {
        if let RefOr::T(response) = response {
            let id = header(
                Type::String,
                "The request's own id, or a new one: quote it when you report a problem.",
            );
            response.headers.insert("X-Request-Id".to_owned(), id.into());
        }
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

/// What an operation behind the guard may be refused with, in the contract's order of checks.
fn guarded_refusals(path: &str, method: &HttpMethod, has_body: bool) -> Vec<ApiError> {
    let fault = |field: &str, message: &str| vec![Fault::new(field, message)];
    let mut refusals = vec![ApiError::Unauthorized(Refusal::Expired), ApiError::Forbidden];
    if path.contains("{id}") {
        refusals.extend([ApiError::InvalidPath, ApiError::NotFound]);
    } else if matches!(method, HttpMethod::Get) {
        refusals.push(ApiError::InvalidQuery(fault("stat", "is not a known parameter")));
    } else {
        refusals.push(ApiError::UnknownUser);
    }
    if has_body {
        refusals.extend([
            ApiError::UnsupportedMediaType("The body must be sent with the content type application/json."),
            ApiError::PayloadTooLarge,
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

/// Adds an error as an example to the response of its status, which it makes where it is the first.
fn add_refusal(operation: &mut Operation, refusal: &ApiError) {
    let status = refusal.status_code();
    let response = operation.responses.responses.entry(status.as_u16().to_string());
    let RefOr::T(response) = response.or_insert_with(|| RefOr::T(error_response(status))) else { return };
    let Some(RefOr::T(content)) = response.content.get_mut("application/json") else { return };
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
        StatusCode::SERVICE_UNAVAILABLE => {
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
