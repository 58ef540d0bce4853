//! The task API: HTTP, the guard before it, and the wiring of everything at the start.

mod app;
pub mod auth;
pub mod cli;
mod conditional;
pub mod connections;
mod cors;
mod cursor;
mod database_check;
mod demand;
mod docs;
pub mod doctor;
mod envelope;
mod error;
mod extract;
mod health;
mod housekeeping;
mod idempotency;
mod json;
mod limits;
mod media_type;
mod metrics;
mod openapi;
#[cfg(feature = "fuzzing")]
pub mod parsers;
pub mod probe;
mod readiness;
mod routes;
pub mod settings;
pub mod startup;
mod tasks;
pub mod telemetry;
mod traces;
mod unread;
mod whoami;

pub use app::{About, Services, app};
pub use cors::Cors;
pub use cursor::{CursorSeal, SealKeySource};
pub use limits::{LimitSettings, Limits};
pub use metrics::Metrics;
pub use openapi::openapi_json;
pub use readiness::{Readiness, SchemaProbe};
pub use settings::Settings;
