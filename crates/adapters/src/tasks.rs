//! Tasks in PostgreSQL.

mod batches;
mod list;
mod member_macro;
pub(crate) mod members;
pub(crate) mod page;
pub(crate) mod repository;
mod row;
mod setting;
pub(crate) mod sql;
pub(crate) mod statements;
