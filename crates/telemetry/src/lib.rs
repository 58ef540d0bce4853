#![doc = include_str!("../README.md")]

pub mod logs;
pub mod metrics;
pub mod traces;
