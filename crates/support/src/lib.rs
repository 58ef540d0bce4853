#![doc = include_str!("../README.md")]

mod chain;
#[cfg(any(feature = "command-line", test))]
pub mod command_line;
mod env_file;
pub mod json;
mod path_segment;
mod single_flight;
mod visible;

pub use chain::Chain;
pub use env_file::{EnvFile, UnreadableFile, UnreadableLine};
pub use path_segment::path_segment;
pub use single_flight::SingleFlight;
pub use visible::visible;
