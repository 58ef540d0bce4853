//! Whether the process is up, and whether it can serve.

pub(crate) mod readiness;

use actix_web::{HttpResponse, http::header, web};
use serde::Serialize;
use task_settings::Environment;
use utoipa::{
    ToSchema,
    openapi::{Object, ObjectBuilder, Type},
};

use crate::health::readiness::{Checks, Readiness};

/// What `/health` answers.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Health)]
pub(crate) struct HealthBody {
    /// `ok`.
    #[schema(example = "ok")]
    status: &'static str,
    /// The configured environment.
    #[schema(schema_with = environment_schema)]
    environment: &'static str,
}

/// The names of the environments, as a schema.
fn environment_schema() -> Object {
    ObjectBuilder::new()
        .schema_type(Type::String)
        .description(Some("The configured environment."))
        .enum_values(Some(Environment::ALL.map(Environment::name)))
        .build()
}

/// What `/health/ready` answers.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Readiness)]
pub(crate) struct ReadinessBody {
    /// `ready`, `not ready`, or `stopping` once the program was told to end.
    #[schema(example = "ready")]
    status: &'static str,
    /// What it was judged by.
    checks: Checks,
}

/// Says that the process is up.
///
/// Needs no token and never touches the database.
#[utoipa::path(
    get, path = "/health", tag = "service", operation_id = "health", security(()),
    responses((status = 200, description = "The process is up.", body = HealthBody)),
)]
pub(crate) async fn health(environment: web::Data<Environment>) -> HttpResponse {
    HttpResponse::Ok().json(HealthBody { status: "ok", environment: environment.name() })
}

/// Says that the process is up: `/health` by the name that orchestrators look for.
///
/// Needs no token and never touches the database.
#[utoipa::path(
    get, path = "/health/live", tag = "service", operation_id = "live", security(()),
    responses((status = 200, description = "The process is up.", body = HealthBody)),
)]
pub(crate) async fn live(environment: web::Data<Environment>) -> HttpResponse {
    health(environment).await
}

/// Says whether requests can be served now.
///
/// Needs no token. The database is looked at once in a second at the most, whoever asks.
#[utoipa::path(
    get, path = "/health/ready", tag = "service", operation_id = "ready", security(()),
    responses(
        (status = 200, description = "Requests can be served.", body = ReadinessBody),
        (status = 503, description = "Something is missing; `checks` names it.", body = ReadinessBody,
            headers(("Retry-After" = i64, description = "After how many seconds to try again.")),
            examples(("not_ready" = (value = json!({
                "status": "not ready",
                "checks": {"database": "ok", "migrations": "pending", "keys": "ok"},
            }))))),
    ),
)]
pub(crate) async fn ready(readiness: web::Data<Readiness>) -> HttpResponse {
    let checks = readiness.checks().await;
    let status = match (readiness.is_stopping(), checks.are_ok()) {
        (true, _) => "stopping",
        (false, true) => return HttpResponse::Ok().json(ReadinessBody { status: "ready", checks }),
        (false, false) => "not ready",
    };
    HttpResponse::ServiceUnavailable()
        .insert_header((header::RETRY_AFTER, 1))
        .json(ReadinessBody { status, checks })
}
