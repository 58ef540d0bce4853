//! The HTTP contract, sentence by sentence: over a mocked port, over a real database, and of the real program.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test that cannot go on panics, in its helpers too"
)]

mod ambient;
mod bodies;
mod claims;
mod concurrency;
mod conditions;
mod connections;
mod cors;
mod crashes;
mod database_state;
mod disconnects;
mod doctor;
mod documentation;
mod env_files;
mod errors;
mod fields;
mod headers;
mod helpers;
mod hostile;
mod idempotency;
mod journeys;
mod key_sources;
mod limits;
mod logs;
mod media_types;
mod merge_patch;
mod metrics;
mod migrate;
mod model;
mod next_release;
mod openapi;
mod order_of_checks;
mod outages;
mod pages;
mod paths;
mod prefix;
mod probe;
mod queries;
mod readiness;
mod reference;
mod schemas;
mod secrets;
mod slow_clients;
mod start_and_stop;
mod tasks;
mod token_forms;
mod tokens;
mod traces;
