//! The rights of the role that is connected, and of roles that should have none.

use std::collections::BTreeMap;

use crate::inspection::{
    facts::{Inspection, StrangersRights},
    fault::{Fault, Part},
    shape::TABLES,
};

/// What the role needs for the service, and lacks.
pub(super) fn lacking(inspection: &Inspection) -> Vec<Fault> {
    let role = &inspection.role;
    let (lacks, grants): (Vec<_>, Vec<_>) = inspection
        .own_tables()
        .filter_map(|(shape, table)| {
            let lacks: Vec<_> = shape
                .needs
                .iter()
                .copied()
                .filter(|right| table.lacks.iter().any(|lack| lack == right))
                .collect();
            let (rights, name) = (lacks.join(", "), shape.name);
            (!lacks.is_empty())
                .then(|| (format!("{rights} on {name}"), format!("`GRANT {rights} ON {name} TO {role}`")))
        })
        .unzip();
    if lacks.is_empty() {
        return Vec::new();
    }
    let found = format!("the role {role} lacks {}", lacks.join("; "));
    vec![Fault::problem(Part::Rights, found, format!("As the owner: {}", grants.join("; ")))]
}

/// Roles that may read or change the tables past the service. A role that has just what the documents give to the role of the
/// service is taken for it.
pub(super) fn strangers(inspection: &Inspection) -> Vec<Fault> {
    let mut by_role: BTreeMap<&str, Vec<&StrangersRights>> = BTreeMap::new();
    for entry in inspection.strangers.iter().filter(|entry| inspection.owns(&entry.relation)) {
        by_role.entry(&entry.role).or_default().push(entry);
    }
    let strangers: Vec<_> = by_role.into_iter().filter(|(_, entries)| !is_for_the_service(entries)).collect();
    if strangers.is_empty() {
        return Vec::new();
    }
    let may = |(role, entries): &(&str, Vec<&StrangersRights>)| {
        let rights = entries.iter().map(|entry| format!("{} on {}", entry.rights.join(", "), entry.relation));
        format!("{role} has {}", rights.collect::<Vec<_>>().join("; "))
    };
    let tables: Vec<_> = inspection.own_tables().map(|(shape, _)| shape.name).collect();
    let roles: Vec<_> = strangers.iter().map(|(role, _)| *role).collect();
    let found = format!(
        "other roles may use the service's tables, past the wall between users: {}",
        strangers.iter().map(may).collect::<Vec<_>>().join("; ")
    );
    let advice = format!(
        "Leave it if that is meant, as for backups. Otherwise, as the owner: `REVOKE ALL ON {} FROM {}`. Where default \
         privileges of the schema give such rights to every new table, as on Supabase, let the service have a schema of its \
         own (docs/operations.md).",
        tables.join(", "),
        roles.join(", ")
    );
    vec![Fault::warning(Part::Rights, found, advice)]
}

/// Whether the rights are those that docs/operations.md gives to the role of the service, and nothing beyond them.
fn is_for_the_service(entries: &[&StrangersRights]) -> bool {
    entries.iter().all(|entry| {
        let shape = TABLES.iter().find(|shape| shape.name == entry.relation);
        shape.is_some_and(|shape| {
            entry.rights.len() == shape.needs.len()
                && shape.needs.iter().all(|need| entry.rights.iter().any(|right| right == need))
        })
    }) && entries.len() == TABLES.len()
}

pub(super) fn no_schema(inspection: &Inspection) -> Vec<Fault> {
    if inspection.schema.is_some() {
        return Vec::new();
    }
    let found = "the role's search path leads to no schema, so no table can be created";
    let advice = format!("`ALTER ROLE {} SET search_path = ...` with a schema that exists.", inspection.role);
    vec![Fault::problem(Part::Rights, found, advice).stopping_migrations()]
}

pub(super) fn to_create(inspection: &Inspection) -> Vec<Fault> {
    let Some(schema) = inspection.schema.as_ref().filter(|_| !inspection.may_create) else {
        return Vec::new();
    };
    let role = &inspection.role;
    let found = format!("the role {role} may not create tables in the schema {schema}");
    let advice = format!(
        "Migrate with a role that may, or, as the owner of the schema: `GRANT USAGE, CREATE ON SCHEMA {schema} TO {role}`"
    );
    vec![Fault::problem(Part::Rights, found, advice).stopping_migrations()]
}

pub(super) fn to_refer(inspection: &Inspection) -> Vec<Fault> {
    let lacks = inspection.users.as_ref().is_some_and(|users| users.has_text_ids() && !users.may_refer);
    if !lacks {
        return Vec::new();
    }
    let role = &inspection.role;
    let found = format!("the role {role} may not make tables that refer to `users`");
    let advice = format!(
        "Migrate with a role that may, or, as the owner of `users`: `GRANT REFERENCES ON users TO {role}`"
    );
    vec![Fault::problem(Part::Rights, found, advice).stopping_migrations()]
}
