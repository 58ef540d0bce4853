#![doc = include_str!("../README.md")]

mod cli;
mod database_check;
pub mod doctor;
mod migrate;
mod probe;

pub use cli::{Doctor, StandardInput};
pub use database_check::{DatabaseCheck, UnusableDatabase};
pub use migrate::{Migrate, migrate};
pub use probe::{Unhealthy, probe};
