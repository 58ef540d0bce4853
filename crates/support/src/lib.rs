#![doc = include_str!("../README.md")]

mod chain;
mod env_file;
pub mod json;
mod single_flight;
mod visible;

pub use chain::Chain;
pub use env_file::{EnvFile, UnreadableLine};
pub use single_flight::SingleFlight;
pub use visible::visible;
