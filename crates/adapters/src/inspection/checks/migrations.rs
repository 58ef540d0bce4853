//! Whether the migrations are applied, and whether those that are pending have room.

use crate::inspection::{
    facts::{Inspection, Occupied},
    fault::{Fault, Part},
    shape::{TABLES, TableShape},
};

pub(super) fn unreadable(inspection: &Inspection) -> Vec<Fault> {
    if inspection.migrations.is_some() {
        return Vec::new();
    }
    let advice =
        format!("As their owner: `GRANT SELECT ON __diesel_schema_migrations TO {}`", inspection.role);
    let found = "the role may not read which ones are applied: /health/ready reports them as pending";
    vec![Fault::problem(Part::Migrations, found, advice).stopping_migrations()]
}

pub(super) fn pending(inspection: &Inspection) -> Vec<Fault> {
    let migrations = inspection.migrations.iter().flatten();
    let pending: Vec<_> =
        migrations.filter(|migration| !migration.applied).map(|migration| migration.name.as_str()).collect();
    if pending.is_empty() {
        return Vec::new();
    }
    let elsewhere = tables_elsewhere(inspection);
    let first = if inspection.users.is_none() {
        Some("the table `users`")
    } else if !occupied_names(inspection).is_empty() {
        Some("the names that are taken")
    } else {
        None
    };
    let advice = if let Some(first) = first {
        format!(
            "First see to {first}, see below. Then run `task-api migrate run` (in development: `cargo xtask migrate run`)."
        )
    } else if elsewhere.is_empty() {
        "Run `task-api migrate run`, as a role that owns the tables or may create them (in development: `cargo xtask \
         migrate run`)."
            .to_owned()
    } else {
        format!(
            "There is {}, where this role does not look: if that is the service's, add its schema to the role's search \
             path (docs/operations.md, \"A schema of its own\"). If not, run `task-api migrate run`.",
            elsewhere.join(" and ")
        )
    };
    vec![Fault::problem(Part::Migrations, format!("not applied: {}", pending.join(", ")), advice)]
}

/// The service's tables, or tables of their names, in schemas in which the role does not look.
fn tables_elsewhere(inspection: &Inspection) -> Vec<&str> {
    let is_named = |table: &str, full: &str| full.rsplit('.').next() == Some(table);
    let is_ours = |full: &&str| TABLES.iter().any(|table| is_named(table.name, full));
    inspection.elsewhere.iter().map(String::as_str).filter(is_ours).collect()
}

/// Names that a pending migration would give, and that are taken.
pub(super) fn occupied_names(inspection: &Inspection) -> Vec<Fault> {
    let pending =
        TABLES.iter().filter(|table| !inspection.has_applied(table.since) && inspection.migrations.is_some());
    pending
        .flat_map(|table| {
            let gives = move |occupied: &&Occupied| table.names().any(|name| name == occupied.name);
            inspection.occupied.iter().filter(gives).map(move |occupied| taken(inspection, table, occupied))
        })
        .collect()
}

fn taken(inspection: &Inspection, table: &TableShape, occupied: &Occupied) -> Fault {
    let schema = inspection.schema.as_deref().unwrap_or_default();
    let Occupied { name, kind } = occupied;
    let is_like_ours =
        inspection.tables.iter().any(|found| found.name == table.name && found.has_columns_of(table));
    let (found, advice) = if is_like_ours {
        (
            format!("`{schema}.{name}` is there as a migration makes it, but no migration is recorded as applied"),
            "Restore the table `__diesel_schema_migrations` together with the others: a dump holds all of them \
             (docs/operations.md, \"A dump\")."
                .to_owned(),
        )
    } else {
        (
            format!("the name `{name}` is taken: `{schema}.{name}` is {kind} that is not the service's"),
            "Leave it as it is, and give the service a schema of its own: `CREATE SCHEMA task_api`, and a search path that \
             begins with it (docs/operations.md, \"A schema of its own\")."
                .to_owned(),
        )
    };
    Fault::problem(Part::Migrations, found, advice).stopping_migrations()
}
