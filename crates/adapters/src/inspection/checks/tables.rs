//! The service's own tables: whether they are there, and whether something acts on them that the migrations did not make.

use crate::inspection::{
    checks::rights::revocation,
    facts::{ForeignKeyKind, Inspection, OwnTable, UsersTable},
    fault::{Fault, Part},
};

pub(super) fn gone(inspection: &Inspection) -> Vec<Fault> {
    // Without the right to read the migrations it is not known which tables there should be.
    let made = inspection.made_tables().filter(|_| inspection.migrations.is_some());
    let gone = made.filter(|shape| inspection.found(shape).is_none());
    gone.map(|shape| {
        let of_name = |full: &&String| full.rsplit('.').next() == Some(shape.name);
        let elsewhere = inspection.elsewhere.iter().find(of_name);
        let name = shape.name;
        let (found, advice) = match elsewhere {
            Some(other) => (
                format!("the role finds no table `{name}`, but {other}"),
                "Add its schema to the role's search path, or let the role use it with `GRANT USAGE ON SCHEMA ...`.",
            ),
            None => (
                format!("`{name}` is gone, although the migration that makes it is applied"),
                "Restore it from a backup (docs/operations.md, \"Backup\"). A tool that makes a schema equal to a front \
                 end's, such as `drizzle-kit push`, may have dropped it: let its role not own the service's tables.",
            ),
        };
        Fault::problem(Part::Tables, found, advice).stopping_migrations()
    })
    .collect()
}

pub(super) fn not_ours(inspection: &Inspection) -> Vec<Fault> {
    // Without the right to read the migrations it is not known whether there should be such a table.
    let made = inspection.made_tables().filter(|_| inspection.migrations.is_some());
    let found = made.filter_map(|shape| Some((shape, inspection.found(shape)?)));
    found
        .filter_map(|(shape, table)| {
            let (name, full) = (shape.name, &table.full_name);
            let (found, advice) = if !table.is_table {
                (
                    format!("`{name}` means {full}, which is not a table but a view or the like"),
                    "Let the role's search path find the service's table first, and give the view another name: the service \
                     locks rows and relies on unique keys, which a view does not have.",
                )
            } else if table.is_like(shape) {
                return None;
            } else {
                (
                    format!("`{name}` means {full}, which is not the service's table"),
                    "Let the role's search path find the service's table first (docs/operations.md, \"A schema of its own\"). \
                     If that is gone, restore it from a backup.",
                )
            };
            Some(Fault::problem(Part::Tables, found, advice).stopping_migrations())
        })
        .collect()
}

/// A foreign key refuses tasks of unknown users, and deletes the tasks of a deleted one.
pub(super) fn references(inspection: &Inspection) -> Vec<Fault> {
    // Another table of that name has no reference to anything; its own fault is enough.
    let Some(users) = inspection.users.as_ref().filter(|users| users.is_table && users.has_text_ids()) else {
        return Vec::new();
    };
    let of_users = inspection.own_tables().filter(|(shape, _)| shape.of_users);
    of_users.filter_map(|(_, table)| reference(table, users)).collect()
}

fn reference(table: &OwnTable, users: &UsersTable) -> Option<Fault> {
    let (name, full, users) = (&table.name, &table.full_name, &users.full_name);
    let of_kind = |kind| -> Vec<&str> {
        let keys = table.foreign_keys.iter().filter(|key| key.kind == kind);
        keys.map(|key| key.name.as_str()).collect()
    };
    let (cascading, unvalidated) = (of_kind(ForeignKeyKind::Cascades), of_kind(ForeignKeyKind::Unvalidated));
    let in_the_way: Vec<_> = [of_kind(ForeignKeyKind::Blocks), of_kind(ForeignKeyKind::Disabled)].concat();
    let mut changes: Vec<_> = in_the_way.iter().map(|key| format!("DROP CONSTRAINT {key}")).collect();
    if cascading.is_empty() && unvalidated.is_empty() {
        let references = format!("FOREIGN KEY (user_id) REFERENCES {users} (id) ON DELETE CASCADE");
        changes.push(format!("ADD CONSTRAINT {name}_user_id_fkey {references}"));
    }
    let change = format!("`ALTER TABLE {full} {}`", changes.join(", "));
    let (found, advice) = if !of_kind(ForeignKeyKind::Blocks).is_empty() {
        let found = format!(
            "`{name}` refers to `users` without ON DELETE CASCADE: deleting an account in Better Auth fails half-way"
        );
        (found, format!("As its owner: {change}"))
    } else if !in_the_way.is_empty() {
        let found = format!("the foreign key of `{name}` is switched off: a deleted user's rows stay");
        (
            found,
            format!(
                "Some restores leave that behind. Delete the rows of unknown users; then, as its owner: {change}"
            ),
        )
    } else if let [key, ..] = &*unvalidated {
        let found = format!("the foreign key of `{name}` has not been checked for older rows");
        let advice = format!("As its owner: `ALTER TABLE {full} VALIDATE CONSTRAINT {key}`");
        return Some(Fault::warning(Part::Users, found, advice));
    } else if cascading.is_empty() {
        let found =
            format!("`{name}` does not refer to this `users`: there may be rows of users who do not exist");
        (found, format!("Delete the rows of unknown users; then, as its owner: {change}"))
    } else {
        return None;
    };
    Some(Fault::problem(Part::Users, found, advice))
}

/// Row-level security would leave tasks out of answers without a word. The service's connections switch it off, which makes
/// PostgreSQL refuse such a statement.
pub(super) fn filtered(inspection: &Inspection) -> Vec<Fault> {
    let tables: Vec<_> = inspection.own_tables().filter(|(_, table)| table.is_filtered).collect();
    if tables.is_empty() {
        return Vec::new();
    }
    let names: Vec<_> = tables.iter().map(|(shape, _)| shape.name).collect();
    let found = format!(
        "row-level security is switched on for {}, so PostgreSQL refuses what the role {} asks: requests get 500",
        names.join(" and "),
        inspection.role
    );
    let commands = revocation(inspection).into_iter().chain(
        tables
            .iter()
            .map(|(_, table)| format!("`ALTER TABLE {} DISABLE ROW LEVEL SECURITY`", table.full_name)),
    );
    let advice = format!(
        "The service has a wall between users of its own, which policies cannot know. Let its role own the tables, for which \
         row-level security does not hold. Or, as the owner, first take away the rights of the roles that it keeps out: {}",
        commands.collect::<Vec<_>>().join("; ")
    );
    vec![Fault::problem(Part::Tables, found, advice)]
}

/// Triggers and rules can change what the service writes, or refuse it.
pub(super) fn interventions(inspection: &Inspection) -> Vec<Fault> {
    let acted_upon = inspection.own_tables().filter(|(_, table)| !table.interventions.is_empty());
    acted_upon
        .map(|(shape, table)| {
            let name = shape.name;
            let found = format!(
                "triggers or rules act on `{name}` that the service does not know: {}",
                table.interventions.join(", ")
            );
            let advice = "Leave them if they change nothing of the row, as for an audit. One that changes `updated_at` or \
                          `version`, or leaves a row out, breaks what the API promises.";
            Fault::warning(Part::Tables, found, advice)
        })
        .collect()
}

pub(super) fn unlogged(inspection: &Inspection) -> Vec<Fault> {
    let unlogged = inspection.own_tables().filter(|(_, table)| table.is_unlogged);
    unlogged
        .map(|(shape, table)| {
            let found = format!("`{}` is unlogged: a crash of the server empties it", shape.name);
            let advice = format!("As its owner: `ALTER TABLE {} SET LOGGED`", table.full_name);
            Fault::problem(Part::Tables, found, advice)
        })
        .collect()
}
