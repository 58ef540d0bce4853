//! Tasks in PostgreSQL.

mod batches;
#[cfg(test)]
mod benchmarked;
pub(crate) mod repository;
pub(crate) mod row;
pub(crate) mod sql;
pub(crate) mod statements;
