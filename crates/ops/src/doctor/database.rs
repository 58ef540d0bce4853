//! Findings about the database, its tables, and the rights of the role.

use std::time::Duration;

use task_adapters::{
    Database,
    inspection::{Inspection, InspectionError, OwnTable, Protection, Reference, UsersTable},
};
use task_support::Chain;

use crate::doctor::{report::Finding, shown};

/// The oldest version that the service is tested with, as PostgreSQL numbers it.
const OLDEST: i32 = 150_000;

const BETTER_AUTH_MIGRATES: &str = "In Better Auth set `user: { modelName: \"users\" }` and run its migration \
                                    (`npx auth@latest migrate`)";

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
    if inspection.version_number < OLDEST {
        let found = format!(
            "PostgreSQL {version} is older than 15, the oldest version that the service is tested with"
        );
        findings.push(Finding::warning("database", found, "Use PostgreSQL 15 or later."));
    }
    if inspection.read_only {
        let found = "it is read-only: every write will get 503";
        let advice = "Let DATABASE_URL name the primary and not a replica, and check whether \
                      `default_transaction_read_only` is set for the database or the role.";
        findings.push(Finding::problem("database", found, advice));
    }
    findings
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
        InspectionError::Read(cause) => shown::plain(&Chain(&**cause).to_string()),
        other => shown::plain(&other.to_string()),
    };
    let found = format!("{address} cannot be used: {reason}");
    Finding::problem("database", found, unreachable_advice(&reason.to_lowercase()))
}

fn unreachable_advice(reason: &str) -> &'static str {
    let says = |words: &[&str]| words.iter().any(|word| reason.contains(word));
    if says(&["password", "authentication"]) {
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

/// Which migrations are applied.
pub(super) fn migrations(inspection: &Inspection) -> Finding {
    let Some(migrations) = &inspection.migrations else {
        let advice = format!(
            "As their owner: `GRANT SELECT ON __diesel_schema_migrations TO {}`",
            shown::plain(&inspection.role)
        );
        let found = "the role may not read which ones are applied: /health/ready reports them as pending";
        return Finding::problem("migrations", found, advice);
    };
    let pending: Vec<_> = (migrations.iter().filter(|migration| !migration.applied))
        .map(|migration| migration.name.as_str())
        .collect();
    if pending.is_empty() {
        return Finding::ok("migrations", format!("all {} are applied", migrations.len()));
    }
    let advice = if inspection.users.is_some() {
        "Run `task-api migrate run`, as a role that owns the tables or may create them (in development: `cargo xtask \
         migrate run`)."
    } else {
        "First see to the table `users`, see below. Then run `task-api migrate run` (in development: `cargo xtask migrate \
         run`)."
    };
    Finding::problem("migrations", format!("not applied: {}", pending.join(", ")), advice)
}

/// The findings about the table `users` and the references to it.
pub(super) fn users(inspection: &Inspection) -> Vec<Finding> {
    let Some(users) = &inspection.users else { return vec![no_users(&inspection.other_users)] };
    let mut findings = vec![id_of_users(users)];
    findings.extend(inspection.tables.iter().filter_map(reference));
    let is_good = findings.iter().all(|finding| finding.advice.is_empty());
    if is_good && !inspection.tables.is_empty() {
        findings.push(Finding::ok("users table", "deleting a user deletes the user's tasks"));
    }
    findings
}

fn no_users(others: &[String]) -> Finding {
    let names: Vec<_> = others.iter().map(|name| shown::plain(name)).collect();
    let found = if names.is_empty() {
        "there is no table `users`".to_owned()
    } else {
        format!("the role finds no table `users`, but {}", names.join(" and "))
    };
    let has = |table: &str| names.iter().any(|name| name.rsplit('.').next() == Some(table));
    let (in_other_schema, of_default_name) = (has("users"), has("\"user\""));
    let advice = if in_other_schema {
        "The table is in a schema that is not in the role's search path: add it with `ALTER ROLE ... SET search_path = ...`, or \
         let the role use it with `GRANT USAGE ON SCHEMA ...`, so that `users` alone means it."
            .to_owned()
    } else if of_default_name {
        format!(
            "Better Auth has made its table under its default name. {BETTER_AUTH_MIGRATES}; move the accounts that are \
             in the old table, for example by `ALTER TABLE \"user\" RENAME TO users` before that."
        )
    } else {
        format!(
            "{BETTER_AUTH_MIGRATES}, on the same database. For development without it, `cargo xtask dev` makes a stand-in."
        )
    };
    Finding::problem("users table", found, advice)
}

fn id_of_users(users: &UsersTable) -> Finding {
    match users.id_type.as_deref() {
        Some(kind @ ("text" | "character varying")) => {
            Finding::ok("users table", format!("`users` is there, with `id` of type {kind}"))
        }
        Some(kind) => Finding::problem(
            "users table",
            format!("`users.id` is of type {}, but owners of tasks are text", shown::plain(kind)),
            "Let Better Auth make text ids, which is its default: remove `advanced.database.generateId` from its \
             settings, or make the column text with `ALTER TABLE users ALTER COLUMN id TYPE text`, together with the columns \
             that refer to it.",
        ),
        None => Finding::problem(
            "users table",
            "`users` has no column `id`: it is not Better Auth's table",
            format!("{BETTER_AUTH_MIGRATES}, or let the role's search path find Better Auth's table first."),
        ),
    }
}

/// The problem of a table's reference to `users`, if there is one.
fn reference(table: &OwnTable) -> Option<Finding> {
    let name = &table.name;
    let found = match table.reference {
        Reference::None | Reference::Cascades => return None,
        Reference::Blocks => format!(
            "`{name}` refers to `users` without ON DELETE CASCADE: deleting an account in Better Auth fails half-way"
        ),
        Reference::Missing => {
            format!("`{name}` does not refer to this `users`: there may be rows of users who do not exist")
        }
    };
    let advice = format!(
        "As its owner: `ALTER TABLE {name} DROP CONSTRAINT IF EXISTS {name}_user_id_fkey, ADD CONSTRAINT \
         {name}_user_id_fkey FOREIGN KEY (user_id) REFERENCES users (id) ON DELETE CASCADE`"
    );
    Some(Finding::problem("users table", found, advice))
}

/// The rights of the role on the service's tables; `None` if the tables do not exist yet.
pub(super) fn rights(inspection: &Inspection) -> Option<Finding> {
    if inspection.tables.is_empty() {
        return None;
    }
    let role = shown::plain(&inspection.role);
    let lacking = inspection.tables.iter().filter(|table| !table.lacks.is_empty());
    let (lacks, grants): (Vec<_>, Vec<_>) = lacking
        .map(|OwnTable { name, lacks, .. }| {
            let rights = lacks.join(", ");
            (format!("{rights} on {name}"), format!("`GRANT {rights} ON {name} TO {role}`"))
        })
        .unzip();
    if lacks.is_empty() {
        return Some(Finding::ok(
            "rights",
            format!("the role {role} may read and write all tables that it needs"),
        ));
    }
    let found = format!("the role {role} lacks {}", lacks.join("; "));
    Some(Finding::problem("rights", found, format!("As the owner: {}", grants.join("; "))))
}

#[cfg(test)]
mod tests;
