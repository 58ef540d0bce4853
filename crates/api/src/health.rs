//! Whether the process is up.

use actix_web::{HttpResponse, web};
use serde::Serialize;
use utoipa::ToSchema;

use crate::settings::Environment;

/// What `/health` answers.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Health)]
pub(crate) struct HealthBody {
    /// `ok`.
    #[schema(example = "ok")]
    status: &'static str,
    /// The configured environment.
    environment: Environment,
}

/// Says that the process is up.
///
/// Needs no token and never touches the database.
#[utoipa::path(
    get, path = "/health", tag = "service", operation_id = "health", security(()),
    responses((status = 200, description = "The process is up.", body = HealthBody)),
)]
pub(crate) async fn health(environment: web::Data<Environment>) -> HttpResponse {
    HttpResponse::Ok().json(HealthBody { status: "ok", environment: **environment })
}
