//! The state of a database that the service rests on: what there is, and what is wrong with it.
//!
//! [`inspect`] reads everything in a transaction that PostgreSQL itself keeps from writing. [`Inspection::faults`] is the one
//! list of checks: the start of the service, the migrations and the doctor use it alike.

mod checks;
mod facts;
mod fault;
mod own;
mod reading;
pub(crate) mod shape;

pub(crate) use self::{checks::before_migrating, reading::inspect_on};
pub use self::{
    facts::{
        ClockDifference, Column, ForeignKey, ForeignKeyKind, Inspection, Occupied, OwnTable, Protection,
        StrangersRights, UsersTable,
    },
    fault::{Fault, Gravity, Part},
    reading::{InspectionError, has_user, inspect},
};
