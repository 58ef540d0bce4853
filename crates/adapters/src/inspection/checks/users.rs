//! Better Auth's table of users. It is not ours: no advice changes it but by Better Auth.

use crate::inspection::{
    facts::{Inspection, UsersTable},
    fault::{Fault, Part},
};

const BETTER_AUTH_MIGRATES: &str = "In Better Auth set `user: { modelName: \"users\" }` and run its migration \
                                    (`npx auth@latest migrate`)";
const TEXT: [&str; 2] = ["text", "character varying"];

impl UsersTable {
    /// Whether owners of tasks, which are text, can refer to it.
    #[must_use]
    pub fn has_text_ids(&self) -> bool {
        self.id_type.as_deref().is_some_and(|id_type| TEXT.contains(&id_type))
    }
}

pub(super) fn missing(inspection: &Inspection) -> Vec<Fault> {
    if inspection.users.is_some() {
        return Vec::new();
    }
    let of_users =
        |full: &&str| ["users", "\"user\""].into_iter().any(|name| full.rsplit('.').next() == Some(name));
    let others: Vec<_> = inspection.elsewhere.iter().map(String::as_str).filter(of_users).collect();
    let found = if others.is_empty() {
        "there is no table `users`".to_owned()
    } else {
        format!("the role finds no table `users`, but {}", others.join(" and "))
    };
    let has = |name: &str| others.iter().any(|full| full.rsplit('.').next() == Some(name));
    let advice = if has("\"user\"") {
        format!(
            "Better Auth has made its table under its default name. {BETTER_AUTH_MIGRATES}; then move the accounts \
             that are in the old table."
        )
    } else if has("users") {
        "The table is in a schema that is not in the role's search path: add it with `ALTER ROLE ... SET search_path = ...`, or \
         let the role use it with `GRANT USAGE ON SCHEMA ...`, so that `users` alone means it."
            .to_owned()
    } else {
        format!(
            "{BETTER_AUTH_MIGRATES}, on the same database. For development without it, `cargo xtask dev` makes a stand-in."
        )
    };
    vec![Fault::problem(Part::Users, found, advice).stopping_migrations()]
}

pub(super) fn id(inspection: &Inspection) -> Vec<Fault> {
    let fault = match inspection.users.as_ref() {
        Some(UsersTable { id_type: None, .. }) => Fault::problem(
            Part::Users,
            "`users` has no column `id`: it is not Better Auth's table",
            format!("{BETTER_AUTH_MIGRATES}, or let the role's search path find Better Auth's table first."),
        ),
        Some(users @ UsersTable { id_type: Some(id_type), .. }) if !users.has_text_ids() => Fault::problem(
            Part::Users,
            format!("`users.id` is of type {id_type}, but owners of tasks are text"),
            "Let Better Auth make text ids, which is its default: remove `advanced.database.generateId` from its \
             settings, and let it make its tables again.",
        ),
        _ => return Vec::new(),
    };
    vec![fault.stopping_migrations()]
}

pub(super) fn not_a_table(inspection: &Inspection) -> Vec<Fault> {
    if inspection.users.as_ref().is_none_or(|users| users.is_table) {
        return Vec::new();
    }
    let advice = "Let the role's search path find Better Auth's table first: a foreign key refers to a table, and the view \
                  may stay under another name.";
    let found = "`users` is not a table but a view or the like, to which no tasks can refer";
    vec![Fault::problem(Part::Users, found, advice).stopping_migrations()]
}

pub(super) fn unique(inspection: &Inspection) -> Vec<Fault> {
    let fault = |users: &UsersTable| users.is_table && users.has_text_ids() && !users.is_unique;
    if !inspection.users.as_ref().is_some_and(fault) {
        return Vec::new();
    }
    let found =
        "`users.id` has no unique key, so several rows can be the same user, and no tasks can refer to it";
    let advice = "Let Better Auth's migration make the table: it makes `id` the primary key.";
    vec![Fault::problem(Part::Users, found, advice).stopping_migrations()]
}

pub(super) fn deterministic(inspection: &Inspection) -> Vec<Fault> {
    if inspection.users.as_ref().is_none_or(|users| users.is_deterministic) {
        return Vec::new();
    }
    let found = "`users.id` has a collation for which different ids are equal, such as `Ann` and `ann`: the database takes \
                 them for one user, the service for two";
    let advice = "Let the tool that made `users` give `id` a deterministic collation, such as the default.";
    vec![Fault::problem(Part::Users, found, advice).stopping_migrations()]
}
