#![doc = include_str!("../README.md")]

pub mod cli;
mod docs;
mod guard;
mod health;
pub mod http;
#[cfg(feature = "fuzzing")]
pub mod parsers;
mod routes;
pub mod startup;
pub mod tasks;
mod whoami;

pub use guard::verifier_data;
pub use health::readiness::{Readiness, SchemaProbe};
pub use http::{cors::Cors, limits::Limits};
pub use routes::openapi_json;
pub use startup::app::{Services, app};
pub use tasks::cursor::{CursorSeal, SealKeySource};
