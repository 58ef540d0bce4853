#![doc = include_str!("../README.md")]

mod cli;
pub mod doctor;
mod migrate;
mod probe;

pub use cli::{Doctor, StandardInput};
pub use migrate::{Migrate, migrate};
pub use probe::{Unhealthy, probe};
