#![doc = include_str!("../README.md")]

mod about;
mod auth;
mod database;
mod limits;
mod load;
mod logs;
mod metrics;
mod origins;
mod quoted;
mod reader;
mod server;
mod settings;
#[cfg(test)]
mod testing;
mod traces;
mod variables;

pub use about::{About, Environment};
pub use auth::{AuthSettings, JwksSettings, MIN_SECRET_BYTES};
pub use database::{BACKGROUND_CONNECTIONS, DatabaseSettings};
pub use limits::LimitSettings;
pub use load::{load_database, load_listener};
pub use logs::{LogFormat, LogSettings};
pub use reader::{InvalidSettings, SettingFault};
pub use server::{Listener, ServerSettings};
pub use settings::Settings;
pub use traces::{TraceSampler, TraceSettings};
pub use variables::{DEFAULT_TITLE, DEFAULT_VERSION, VARIABLES, Variable};
