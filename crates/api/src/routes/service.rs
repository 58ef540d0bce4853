//! The routes of the service itself: who calls, whether it is up, and its documentation.

use actix_web::http::StatusCode;
use serde_json::json;
use utoipa::openapi::HttpMethod::Get;

use crate::{
    docs::{
        self,
        answer::Answer,
        openapi,
        operation::{Operation, Tag},
    },
    health::{self, HealthBody, ReadinessBody},
    routes::endpoint::Endpoint,
    whoami::{self, WhoAmIBody},
};

static SERVICE: Tag = Tag { name: "service", description: "The service itself." };

pub(super) fn endpoints() -> Vec<Endpoint> {
    vec![
        Endpoint::guarded("/api/whoami").on(Get, whoami::whoami, who_am_i()),
        Endpoint::public("/health").on(Get, health::health, health()),
        Endpoint::public("/health/live").on(Get, health::live, live()),
        Endpoint::public("/health/ready").on(Get, health::ready, ready()),
        Endpoint::public("/openapi.json").page(openapi::document),
        Endpoint::public("/docs").page(docs::swagger),
        Endpoint::public("/docs/").page(docs::swagger),
        Endpoint::public(docs::SWAGGER_FILES).page(docs::swagger_file),
        Endpoint::public("/docs/{unknown:.*}"),
        Endpoint::public("/redoc").page(docs::redoc),
        Endpoint::public("/redoc/").page(docs::redoc),
        Endpoint::public(docs::REDOC_FILES).page(docs::redoc_file),
        Endpoint::public("/redoc/{unknown:.*}"),
    ]
}

fn who_am_i() -> Operation {
    Operation::new(&SERVICE, "who_am_i", "Says who the caller is.")
        .description("Every other route judges the token in the same way. Never touches the database.")
        .answers(Answer::json::<WhoAmIBody>(StatusCode::OK, "The token is valid."))
}

fn health() -> Operation {
    Operation::new(&SERVICE, "health", "Says that the process is up.")
        .description("Needs no token and never touches the database.")
        .answers(up())
}

fn live() -> Operation {
    let summary = "Says that the process is up: `/health` by the name that orchestrators look for.";
    Operation::new(&SERVICE, "live", summary)
        .description("Needs no token and never touches the database.")
        .answers(up())
}

fn up() -> Answer {
    Answer::json::<HealthBody>(StatusCode::OK, "The process is up.")
}

fn ready() -> Operation {
    let missing = "Something is missing; `checks` names it.";
    let pending = json!({
        "status": "not ready",
        "checks": {"database": "ok", "migrations": "pending", "keys": "ok"},
    });
    Operation::new(&SERVICE, "ready", "Says whether requests can be served now.")
        .description("Needs no token. The service looks at the database at most once a second, however many clients ask.")
        .answers(Answer::json::<ReadinessBody>(StatusCode::OK, "Requests can be served."))
        .answers(
            Answer::json::<ReadinessBody>(StatusCode::SERVICE_UNAVAILABLE, missing)
                .retry_after()
                .example("not_ready", pending),
        )
}
