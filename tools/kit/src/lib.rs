#![doc = include_str!("../README.md")]
#![expect(clippy::print_stderr, reason = "the tools tell a person what they do")]

pub mod debian;
pub mod entry;
pub mod environment;
pub mod http;
pub mod process;
pub mod program;
pub mod report;
pub mod resources;
pub mod running_service;
pub mod scratch;
pub mod stop;
pub mod table;
pub mod token;
pub mod tools;
pub mod workspace;

pub use task_support::command_line;
