//! The database as a whole.

use crate::inspection::{
    facts::Inspection,
    fault::{Fault, Part},
};

/// The oldest version that the service is tested with, as PostgreSQL numbers it.
const OLDEST: i32 = 150_000;

/// In another encoding a character counts as several, or cannot be stored: limits of lengths and the order of titles would
/// mean something else.
pub(super) fn encoding(inspection: &Inspection) -> Vec<Fault> {
    if inspection.encoding == "UTF8" {
        return Vec::new();
    }
    let found = format!("the database has the encoding {}, but the service needs UTF8", inspection.encoding);
    let advice = "Make another database with `CREATE DATABASE ... ENCODING 'UTF8' TEMPLATE template0`, and let \
                  DATABASE_URL name it: the encoding of a database cannot be changed.";
    vec![Fault::unusable(Part::Database, found, advice)]
}

pub(super) fn version(inspection: &Inspection) -> Vec<Fault> {
    if inspection.version_number >= OLDEST {
        return Vec::new();
    }
    // Distributions append their own version.
    let version = inspection.version.split(' ').next().unwrap_or_default();
    let found =
        format!("PostgreSQL {version} is older than 15, the oldest version that the service is tested with");
    vec![Fault::warning(Part::Database, found, "Use PostgreSQL 15 or later.")]
}

pub(super) fn read_only(inspection: &Inspection) -> Vec<Fault> {
    if !inspection.read_only {
        return Vec::new();
    }
    let advice = "Let DATABASE_URL name the primary and not a replica, and check whether \
                  `default_transaction_read_only` is set for the database or the role.";
    let found = "it is read-only: every write will get 503";
    vec![Fault::problem(Part::Database, found, advice).stopping_migrations()]
}

pub(super) fn replication_role(inspection: &Inspection) -> Vec<Fault> {
    if inspection.replication_role == "origin" {
        return Vec::new();
    }
    let found = format!(
        "`session_replication_role` is {}, so no foreign key is kept: tasks of unknown users are accepted, and a deleted \
         user's tasks stay",
        inspection.replication_role
    );
    let advice = format!("`ALTER ROLE {} RESET session_replication_role`", inspection.role);
    vec![Fault::problem(Part::Database, found, advice)]
}
