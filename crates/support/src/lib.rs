#![doc = include_str!("../README.md")]

mod chain;
pub mod json;
mod single_flight;

pub use chain::Chain;
pub use single_flight::SingleFlight;
