//! Findings about the database, its tables, and the rights of the role.

use std::time::Duration;

use task_adapters::{
    Database,
    inspection::{Fault, Gravity, Inspection, InspectionError, Part, Protection},
};
use task_support::Chain;

use crate::doctor::{report::Finding, shown};

/// The findings about a database that was reached.
pub(super) fn reached(database: &Database, inspection: &Inspection, took: Duration) -> Vec<Finding> {
    // Distributions append their own version.
    let version = shown::plain(inspection.version.split(' ').next().unwrap_or_default());
    let found = format!(
        "PostgreSQL {version} at {} answers ({} ms), {}",
        shown::plain(&database.address()),
        took.as_millis(),
        protection(inspection.protection, database.is_remote()),
    );
    let mut findings = Vec::new();
    if inspection.protection != Protection::Verified && database.is_remote() {
        let advice = "Set `sslmode=require` in DATABASE_URL, which encrypts and checks the certificate. Leave it if \
                      the network in between is private.";
        findings.push(Finding::warning("database", found, advice));
    } else {
        findings.push(Finding::ok("database", found));
    }
    findings.extend(state(inspection));
    findings
}

/// The findings about the state of the database: what is wrong, or a line for each part of which nothing is.
fn state(inspection: &Inspection) -> Vec<Finding> {
    let faults = inspection.faults();
    let mut findings = Vec::new();
    for (part, name) in PARTS {
        let of_part: Vec<_> = faults.iter().filter(|fault| fault.part == part).collect();
        let good = if of_part.is_empty() { well(part, inspection) } else { Vec::new() };
        findings.extend(good.into_iter().map(|found| Finding::ok(name, found)));
        findings.extend(of_part.into_iter().map(|fault| finding(name, fault)));
    }
    findings
}

/// The parts in the order of the report, each with its name there.
const PARTS: [(Part, &str); 5] = [
    (Part::Database, "database"),
    (Part::Migrations, "migrations"),
    (Part::Users, "users table"),
    (Part::Tables, "tables"),
    (Part::Rights, "rights"),
];

fn finding(name: &'static str, fault: &Fault) -> Finding {
    let Fault { found, advice, .. } = fault;
    match fault.gravity {
        Gravity::Warning => Finding::warning(name, found, advice),
        Gravity::Problem | Gravity::Unusable => Finding::problem(name, found, advice),
    }
}

/// What there is to say of a part without a fault.
fn well(part: Part, inspection: &Inspection) -> Vec<String> {
    let has_tables = inspection.has_own_tables();
    match part {
        Part::Database => Vec::new(),
        Part::Migrations => {
            vec![format!("all {} are applied", inspection.migrations.as_ref().map_or(0, Vec::len))]
        }
        Part::Users => {
            let id_type = inspection.users.as_ref().and_then(|users| users.id_type.as_deref());
            let is_there = format!("`users` is there, with `id` of type {}", id_type.unwrap_or_default());
            let cascades = has_tables.then(|| "deleting a user deletes the user's tasks".to_owned());
            std::iter::once(is_there).chain(cascades).collect()
        }
        Part::Tables => has_tables.then(|| "as the migrations make them".to_owned()).into_iter().collect(),
        Part::Rights => {
            let role = shown::plain(&inspection.role);
            let may = format!("the role {role} may read and write all tables that it needs");
            has_tables.then_some(may).into_iter().collect()
        }
    }
}

fn protection(protection: Protection, remote: bool) -> &'static str {
    match (protection, remote) {
        (Protection::Verified, _) => "over TLS with a checked certificate",
        (Protection::Encrypted, _) => "over TLS, and the certificate is not checked",
        (Protection::Plain, false) => "without TLS, on this machine",
        (Protection::Plain, true) => "without TLS: an attacker on the network can read and change everything",
    }
}

/// The finding about a database that was not reached.
pub(super) fn unreachable(database: &Database, error: &InspectionError) -> Finding {
    let address = shown::plain(&database.address());
    let reason = match error {
        InspectionError::Read(cause) => shown::sentence(&Chain(&**cause).to_string()),
        other => shown::sentence(&other.to_string()),
    };
    let found = format!("{address} cannot be used: {reason}");
    Finding::problem("database", found, unreachable_advice(&reason.to_lowercase()))
}

fn unreachable_advice(reason: &str) -> &'static str {
    let says = |words: &[&str]| words.iter().any(|word| reason.contains(word));
    if reason.contains("certificate is refused") {
        "docs/security.md, \"TLS to the database\", has what is taken, and what psql says to the same."
    } else if says(&["password", "authentication"]) {
        "Correct user and password in DATABASE_URL. Characters such as @ : / # % have to be percent-encoded there."
    } else if says(&["certificate", "tls", "ssl"]) {
        "The server has to speak TLS with a certificate for this host name, from an authority that this machine knows, or \
         that `sslrootcert` in DATABASE_URL names."
    } else if reason.contains("does not exist") {
        "Create what does not exist, or correct its name in DATABASE_URL."
    } else if says(&["lookup", "resolve", "name or service"]) {
        "Correct the host in DATABASE_URL: its name is not known on this machine."
    } else if reason.contains("refused") {
        "Start PostgreSQL, or correct host and port in DATABASE_URL. In a container, localhost is the container itself."
    } else if says(&["no answer within", "timed out", "timeout"]) {
        "Look for a firewall in between, for a host in DATABASE_URL that is not the right one, and at the load of the server."
    } else {
        "Look at DATABASE_URL, and at the log of PostgreSQL."
    }
}

#[cfg(test)]
mod tests;
