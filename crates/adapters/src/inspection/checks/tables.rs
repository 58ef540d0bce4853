//! The service's own tables: whether they are there, and whether something acts on them that the migrations did not make.

use crate::inspection::{
    facts::{Inspection, OwnTable, Reference},
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
    let found = inspection.made_tables().filter_map(|shape| Some((shape, inspection.found(shape)?)));
    found
        .filter_map(|(shape, table)| {
            let (name, full) = (shape.name, &table.full_name);
            let (found, advice) = if !table.is_table {
                (
                    format!("`{name}` means {full}, which is not a table but a view or the like"),
                    "Let the role's search path find the service's table first, and give the view another name: the service \
                     locks rows and relies on unique keys, which a view does not have.",
                )
            } else if table.has_key_of(shape) {
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
    let can_be_referred_to =
        inspection.users.as_ref().is_some_and(|users| users.is_table && users.has_text_ids());
    let of_users = inspection.own_tables().filter(|(shape, _)| shape.of_users && can_be_referred_to);
    of_users.filter_map(|(_, table)| reference(table)).collect()
}

fn reference(table: &OwnTable) -> Option<Fault> {
    let name = &table.name;
    let again = format!(
        "As its owner: `ALTER TABLE {name} DROP CONSTRAINT IF EXISTS {name}_user_id_fkey, ADD CONSTRAINT \
         {name}_user_id_fkey FOREIGN KEY (user_id) REFERENCES users (id) ON DELETE CASCADE`"
    );
    let (found, advice) = match table.reference {
        Reference::Cascades => return None,
        Reference::Blocks => (
            format!(
                "`{name}` refers to `users` without ON DELETE CASCADE: deleting an account in Better Auth fails half-way"
            ),
            again,
        ),
        Reference::Missing => (
            format!("`{name}` does not refer to this `users`: there may be rows of users who do not exist"),
            again,
        ),
        Reference::Disabled => (
            format!("the foreign key of `{name}` is switched off: a deleted user's rows stay"),
            format!(
                "Some restores leave that behind. After you have deleted the rows of unknown users, as its owner: {}",
                again.trim_start_matches("As its owner: ")
            ),
        ),
        Reference::Unvalidated => {
            let found = format!("the foreign key of `{name}` has not been checked for older rows");
            let advice =
                format!("As its owner: `ALTER TABLE {name} VALIDATE CONSTRAINT {name}_user_id_fkey`");
            return Some(Fault::warning(Part::Users, found, advice));
        }
    };
    Some(Fault::problem(Part::Users, found, advice))
}

/// Row-level security would leave tasks out of answers without a word. The service's connections switch it off, which makes
/// PostgreSQL refuse such a statement.
pub(super) fn filtered(inspection: &Inspection) -> Vec<Fault> {
    let tables: Vec<_> =
        inspection.own_tables().filter(|(_, table)| table.is_filtered).map(|(shape, _)| shape.name).collect();
    if tables.is_empty() {
        return Vec::new();
    }
    let switch_off = |name: &&str| format!("`ALTER TABLE {name} DISABLE ROW LEVEL SECURITY`");
    let found = format!(
        "row-level security is switched on for {}, so PostgreSQL refuses what the role {} asks: requests get 500",
        tables.join(" and "),
        inspection.role
    );
    let advice = format!(
        "The service has a wall between users of its own, which policies cannot know. As the owner: {}. If it is there to \
         keep other roles out, as on Supabase, take their rights away instead: `REVOKE ALL ON {} FROM ...`.",
        tables.iter().map(switch_off).collect::<Vec<_>>().join("; "),
        tables.join(", ")
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
            let advice = "Leave them if they only read, as for an audit. One that changes `updated_at` or `version`, or \
                          leaves a row out, breaks what the API promises.";
            Fault::warning(Part::Tables, found, advice)
        })
        .collect()
}

pub(super) fn unlogged(inspection: &Inspection) -> Vec<Fault> {
    let unlogged = inspection.own_tables().filter(|(_, table)| table.is_unlogged);
    unlogged
        .map(|(shape, _)| {
            let found = format!("`{}` is unlogged: a crash of the server empties it", shape.name);
            let advice = format!("As its owner: `ALTER TABLE {} SET LOGGED`", shape.name);
            Fault::problem(Part::Tables, found, advice)
        })
        .collect()
}
