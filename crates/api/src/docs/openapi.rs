//! The OpenAPI document, put together from the operations of the routes.

use actix_web::{
    HttpResponse,
    web::{self, Bytes},
};
use utoipa::openapi::{
    ComponentsBuilder, HttpMethod, InfoBuilder, License, LicenseBuilder, OpenApiBuilder, Paths,
    security::{HttpAuthScheme, HttpBuilder, SecurityScheme},
    tag::TagBuilder,
};

use crate::{
    docs::{
        answer::schemas,
        operation::{BEARER, Operation, Tag},
    },
    http::error::ErrorBody,
};

const ABOUT: &str = "Tasks of users, each behind a strict wall.\n\n\
    Every route but those below `/health` and the documentation needs `Authorization: Bearer <JWT>`. The path's `user_id` is the \
    token's `sub`, percent-encoded. Every answer that is not a success is an `Error`, whose `error` is a stable code \
    that programs branch on.";

const ABOUT_TOKENS: &str = "A JWT of your Better Auth: signed with a key that its `jwt()` plugin publishes (EdDSA, \
    ES256, RS256 or PS256), or with HS256 and the shared secret.";

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

/// The document of these operations as pretty-printed JSON.
pub(crate) fn json(
    title: &str,
    version: &str,
    operations: impl IntoIterator<Item = (&'static str, HttpMethod, Operation)>,
) -> Result<String, serde_json::Error> {
    let info =
        InfoBuilder::new().title(title).version(version).description(Some(ABOUT)).license(Some(license()));
    let mut paths = Paths::new();
    let mut tags: Vec<&Tag> = Vec::new();
    let mut components = components();
    for (path, method, operation) in operations {
        if !tags.contains(&operation.tag) {
            tags.push(operation.tag);
        }
        let (operation, schemas) = operation.finish();
        paths.add_path_operation(path, vec![method], operation);
        components = components.schemas_from_iter(schemas);
    }
    let tags = tags
        .into_iter()
        .map(|tag| TagBuilder::new().name(tag.name).description(Some(tag.description)).build());
    let document =
        OpenApiBuilder::new().info(info).paths(paths).components(Some(components.build())).tags(Some(tags));
    document.build().to_pretty_json().map(|json| json + "\n")
}

/// With an address: generators refuse a licence with neither `identifier` nor `url`, and of an `identifier` that names two
/// licences Swagger UI makes a link that leads nowhere.
fn license() -> License {
    LicenseBuilder::new().name("MIT OR Apache-2.0").url(Some("https://spdx.org/licenses/")).build()
}

/// The components that no single operation brings.
fn components() -> ComponentsBuilder {
    let scheme = HttpBuilder::new()
        .scheme(HttpAuthScheme::Bearer)
        .bearer_format("JWT")
        .description(Some(ABOUT_TOKENS))
        .build();
    ComponentsBuilder::new()
        .security_scheme(BEARER, SecurityScheme::Http(scheme))
        .schemas_from_iter(schemas::<ErrorBody<'_>>())
}
