//! The members of a task that a client writes, declared once.
//!
//! From the declaration come the columns of each statement, the row as it is read, and the values of an insert and of an
//! update, for one task and for many.

use chrono::{DateTime, Utc};
use diesel::{
    QueryResult,
    pg::Pg,
    prelude::Queryable,
    query_builder::AstPass,
    sql_types::{Array, BigInt, Bool, IntoNullable, Nullable, Text, Timestamptz},
};
use task_domain::{Description, NewTask, TaskChanges, Title};

use super::{
    member_macro::members,
    setting::{Part, Setting, Settings},
};
use crate::postgres::statement::Parameters;

members! {
    // column     as it is read     its type of diesel and of PostgreSQL, as it is written
    title:        String         => Text as "text",                       &'a str;
    description:  Option<String> => Nullable<Text> as "text",             &'a str;
}

impl<'a> NewValues<'a> {
    pub(crate) fn of(new: &'a NewTask) -> Self {
        Self {
            title: Some(new.title.as_str()),
            description: new.description.as_ref().map(Description::as_str),
        }
    }
}

impl<'a> UpdateParams<'a> {
    pub(crate) fn of(changes: &'a TaskChanges) -> Self {
        Self {
            title: Setting::if_some(changes.title.as_ref().map(Title::as_str)),
            description: Setting::of(&changes.description, Description::as_str),
            completed: Setting::if_some(changes.completed),
        }
    }

    /// Completed if it was pending, and pending if it was completed.
    pub(crate) fn toggle() -> Self {
        Self { completed: Setting::to(None), ..Self::default() }
    }
}

/// A column that clients write.
pub(crate) struct Member {
    pub(crate) name: &'static str,
    /// The type's name in PostgreSQL.
    pub(crate) sql_type: &'static str,
}

/// What an update may set beside the [`MEMBERS`]. A row is read without it: the time of completion tells.
const COMPLETED: Member = Member { name: "completed", sql_type: "boolean" };

/// Any value may be absent, even if the column may not be null.
type OrNull<T> = <T as IntoNullable>::Nullable;

/// What the files of SQL leave open, which follows from the declaration.
pub(super) fn placeholders() -> [(&'static str, String); 14] {
    let changeable = || MEMBERS.iter().chain([&COMPLETED]);
    let members = |text: fn(&Member) -> String| list(MEMBERS.iter(), text);
    let changes = |text: fn(&Member) -> String| list(changeable(), text);
    [
        ("columns", include_str!("sql/columns.sql").to_owned()),
        ("assignments", include_str!("sql/assignments.sql").to_owned()),
        ("toggled", include_str!("sql/toggled.sql").to_owned()),
        ("completed", include_str!("sql/completed.sql").to_owned()),
        ("members", members(|Member { name, .. }| (*name).to_owned())),
        ("read_members", members(|Member { name, .. }| format!("tasks.{name}"))),
        ("new_members", members(|Member { name, .. }| format!("new.{name}"))),
        ("values", members(|Member { name, .. }| format!(":{name}"))),
        ("value_arrays", members(|Member { name, sql_type }| format!(":{name}::{sql_type}[]"))),
        (
            "changes",
            changes(|Member { name, sql_type }| {
                format!(":{name}::{sql_type} AS {name}, :set_{name}::boolean AS set_{name}")
            }),
        ),
        (
            "change_arrays",
            changes(|Member { name, sql_type }| format!(":{name}::{sql_type}[], :set_{name}::boolean[]")),
        ),
        ("change_columns", changes(|Member { name, .. }| format!("{name}, set_{name}"))),
        (
            "set_members",
            members(|Member { name, .. }| {
                format!("{name} = CASE WHEN new.set_{name} THEN new.{name} ELSE tasks.{name} END")
            }),
        ),
        ("is_changed", is_changed()),
    ]
}

fn list<'a>(members: impl Iterator<Item = &'a Member>, text: fn(&Member) -> String) -> String {
    members.map(text).collect::<Vec<_>>().join(", ")
}

/// Whether an update changes anything.
fn is_changed() -> String {
    let member =
        |Member { name, .. }: &Member| format!("new.set_{name} AND new.{name} IS DISTINCT FROM tasks.{name}");
    MEMBERS
        .iter()
        .map(member)
        .chain(["{completed} <> tasks.completed".to_owned()])
        .collect::<Vec<_>>()
        .join(" OR ")
}
