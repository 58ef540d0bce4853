//! The list of checks: what the service rests on, one function for each thing, each with its advice.

mod columns;
mod database;
mod migrations;
mod rights;
mod tables;
mod users;

use crate::inspection::{
    facts::Inspection,
    fault::{Fault, Part},
};

/// Judges one thing. It finds nothing, or one fault or several of a kind.
type Check = fn(&Inspection) -> Vec<Fault>;

/// What concerns the service, in the order in which an operator would mend it.
const CHECKS: &[Check] = &[
    database::encoding,
    database::version,
    database::read_only,
    database::replication_role,
    migrations::unreadable,
    migrations::pending,
    migrations::occupied_names,
    users::missing,
    users::id,
    users::not_a_table,
    users::unique,
    users::deterministic,
    tables::gone,
    tables::not_ours,
    tables::filtered,
    columns::missing,
    columns::changed,
    columns::demanding,
    columns::collations,
    columns::keys,
    tables::references,
    tables::interventions,
    tables::unlogged,
    columns::indexes,
    rights::lacking,
    rights::strangers,
];

/// What concerns only the role that migrates, which often is another one than the service's.
const CHECKS_OF_MIGRATIONS: &[Check] = &[rights::no_schema, rights::to_create, rights::to_refer];

impl Inspection {
    /// Everything that is wrong, in the order in which an operator would mend it.
    #[must_use]
    pub fn faults(&self) -> Vec<Fault> {
        CHECKS.iter().flat_map(|check| check(self)).collect()
    }
}

/// What stands in the way of the migrations that are pending. Only those that make tables need `users`.
pub(crate) fn before_migrating(inspection: &Inspection) -> Vec<Fault> {
    let checks = CHECKS.iter().chain(CHECKS_OF_MIGRATIONS);
    let faults = checks.flat_map(|check| check(inspection)).filter(|fault| fault.stops_migrations);
    faults.filter(|fault| fault.part != Part::Users || inspection.lacks_tables()).collect()
}
