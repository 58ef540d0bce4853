//! What is wrong with a database: each fault on a database that has it.

mod helpers;
mod migrating;
mod rights;
mod sessions;
mod tables;
