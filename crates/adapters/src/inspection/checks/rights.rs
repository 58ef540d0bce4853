//! The rights of the role that is connected, and of roles that should have none.

use std::collections::BTreeMap;

use crate::inspection::{
    facts::{Inspection, StrangersRights, UsersTable},
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
            (!lacks.is_empty()).then(|| {
                (format!("{rights} on {name}"), format!("`GRANT {rights} ON {} TO {role}`", table.full_name))
            })
        })
        .unzip();
    if lacks.is_empty() {
        return Vec::new();
    }
    let found = format!("the role {role} lacks {}", lacks.join("; "));
    vec![Fault::problem(Part::Rights, found, format!("As the owner: {}", grants.join("; ")))]
}

/// Roles that may read or change the tables past the service. A role that has what the documents give to the role of the service,
/// and nothing beyond that, is taken for it.
pub(super) fn strangers(inspection: &Inspection) -> Vec<Fault> {
    let strangers = by_role(inspection);
    let Some(revocation) = revocation(inspection) else { return Vec::new() };
    let may = |(role, entries): (&&str, &Vec<&StrangersRights>)| {
        let rights = entries.iter().map(|entry| format!("{} on {}", entry.rights.join(", "), entry.relation));
        format!("{role} has {}", rights.collect::<Vec<_>>().join("; "))
    };
    let found = format!(
        "other roles may use the service's tables, past the wall between users: {}",
        strangers.iter().map(may).collect::<Vec<_>>().join("; ")
    );
    let advice = format!(
        "Leave it if that is meant, as for backups. Otherwise, as the owner: {revocation}. Where default privileges of the \
         schema give such rights to every new table, as on Supabase, let the service have a schema of its own \
         (docs/operations.md)."
    );
    vec![Fault::warning(Part::Rights, found, advice)]
}

/// The command that takes the rights of other roles away, if there are any.
pub(super) fn revocation(inspection: &Inspection) -> Option<String> {
    let roles: Vec<_> = by_role(inspection).into_keys().collect();
    let tables: Vec<_> = inspection.own_tables().map(|(_, table)| table.full_name.as_str()).collect();
    (!roles.is_empty()).then(|| format!("`REVOKE ALL ON {} FROM {}`", tables.join(", "), roles.join(", ")))
}

fn by_role(inspection: &Inspection) -> BTreeMap<&str, Vec<&StrangersRights>> {
    let mut by_role: BTreeMap<&str, Vec<&StrangersRights>> = BTreeMap::new();
    for entry in inspection.strangers.iter().filter(|entry| inspection.owns(&entry.relation)) {
        by_role.entry(&entry.role).or_default().push(entry);
    }
    by_role.retain(|_, entries| !is_for_the_service(entries));
    by_role
}

/// Whether the rights are those that docs/operations.md gives to the role of the service, and nothing beyond them. It may lack
/// those on a table that is new.
fn is_for_the_service(entries: &[&StrangersRights]) -> bool {
    let needed = |entry: &StrangersRights| {
        TABLES.iter().find(|shape| shape.name == entry.relation).map(|shape| shape.needs)
    };
    let is_needed = |entry: &StrangersRights| {
        needed(entry).is_some_and(|needs| entry.rights.iter().all(|right| needs.contains(&right.as_str())))
    };
    let may_write = |entry: &StrangersRights| {
        entry.relation == "tasks" && needed(entry).is_some_and(|needs| entry.rights.len() == needs.len())
    };
    entries.iter().all(|entry| is_needed(entry)) && entries.iter().any(|entry| may_write(entry))
}

pub(super) fn no_schema(inspection: &Inspection) -> Vec<Fault> {
    if inspection.schema.is_some() {
        return Vec::new();
    }
    let found = "the role's search path leads to no schema, so no table can be created";
    let advice = format!("`ALTER ROLE {} SET search_path = ...` with a schema that exists.", inspection.role);
    vec![Fault::problem(Part::Rights, found, advice).stopping_migrations()]
}

/// diesel's own table of migrations is made if it is not there, which takes the right even if it is.
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
    let lacks = |users: &&UsersTable| inspection.lacks_tables() && users.has_text_ids() && !users.may_refer;
    let Some(users) = inspection.users.as_ref().filter(lacks) else { return Vec::new() };
    let role = &inspection.role;
    let found = format!("the role {role} may not make tables that refer to `users`");
    let advice = format!(
        "Migrate with a role that may, or, as the owner of `users`: `GRANT REFERENCES ON {} TO {role}`",
        users.full_name
    );
    vec![Fault::problem(Part::Rights, found, advice).stopping_migrations()]
}
