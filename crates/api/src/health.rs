//! Whether the process is up, and whether it can serve.

pub(crate) mod readiness;

use std::borrow::Cow;

use actix_web::{HttpResponse, http::header, web};
use serde::Serialize;
use task_settings::Environment;
use utoipa::{
    PartialSchema, ToSchema,
    openapi::{ObjectBuilder, RefOr, Schema, Type},
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
    #[schema(value_type = EnvironmentName)]
    environment: &'static str,
}

/// The name of an environment, as the OpenAPI document describes it.
struct EnvironmentName;

impl PartialSchema for EnvironmentName {
    fn schema() -> RefOr<Schema> {
        ObjectBuilder::new()
            .schema_type(Type::String)
            .description(Some("Where the program runs."))
            .enum_values(Some(Environment::ALL.map(Environment::name)))
            .into()
    }
}

impl ToSchema for EnvironmentName {
    fn name() -> Cow<'static, str> {
        Cow::Borrowed("Environment")
    }
}

/// What `/health/ready` answers.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Readiness)]
pub(crate) struct ReadinessBody {
    /// `ready`, `not ready`, or `stopping` once the program has been asked to end.
    #[schema(example = "ready")]
    status: &'static str,
    /// What was checked.
    checks: Checks,
}

pub(crate) async fn health(environment: web::Data<Environment>) -> HttpResponse {
    HttpResponse::Ok().json(HealthBody { status: "ok", environment: environment.name() })
}

pub(crate) async fn live(environment: web::Data<Environment>) -> HttpResponse {
    health(environment).await
}

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
