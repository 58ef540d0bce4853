//! Which of the tables that are found are the service's own.

use crate::inspection::{
    facts::{Column, Inspection, OwnTable},
    shape::{ColumnShape, TABLES, TableShape},
};

impl Inspection {
    /// Whether the migration whose name begins so is applied.
    pub(crate) fn has_applied(&self, migration: &str) -> bool {
        self.migrations.iter().flatten().any(|known| known.applied && known.name.starts_with(migration))
    }

    /// The tables that migrations have made, or may have made where the role may not see which are applied.
    pub(crate) fn made_tables(&self) -> impl Iterator<Item = &'static TableShape> {
        TABLES.iter().filter(|shape| self.migrations.is_none() || self.has_applied(shape.since))
    }

    /// Whether there are tables that migrations have yet to make.
    pub(crate) fn lacks_tables(&self) -> bool {
        TABLES.iter().any(|shape| !self.has_applied(shape.since))
    }

    /// What the name of a table means, if anything.
    pub(crate) fn found(&self, shape: &TableShape) -> Option<&OwnTable> {
        self.tables.iter().find(|table| table.name == shape.name)
    }

    /// The tables that migrations have made, with what is there now. Another application's table of such a name is not among
    /// them.
    pub(crate) fn own_tables(&self) -> impl Iterator<Item = (&'static TableShape, &OwnTable)> {
        self.made_tables().filter_map(|shape| {
            let table = self.found(shape)?;
            (table.is_table && table.is_like(shape)).then_some((shape, table))
        })
    }

    /// Whether there are tables that migrations have made.
    #[must_use]
    pub fn has_own_tables(&self) -> bool {
        self.own_tables().next().is_some()
    }

    /// Whether the name means a table that a migration has made.
    pub(crate) fn owns(&self, name: &str) -> bool {
        self.own_tables().any(|(shape, _)| shape.name == name)
    }

    /// The columns of the service's own tables that migrations have made, each with what is there now.
    pub(crate) fn own_columns(
        &self,
    ) -> impl Iterator<Item = (&OwnTable, &'static ColumnShape, Option<&Column>)> {
        self.own_tables().flat_map(move |(shape, table)| {
            let made = shape
                .columns
                .iter()
                .filter(|column| self.migrations.is_none() || self.has_applied(column.since));
            made.map(move |column| (table, column, table.column(column.name)))
        })
    }
}

impl OwnTable {
    pub(crate) fn column(&self, name: &str) -> Option<&Column> {
        self.columns.iter().find(|column| column.name == name)
    }

    /// Whether it can be the table that the migration made. Other applications have tables `tasks` too, often with `id` and
    /// `user_id`: the columns of the key have to be of a like type, and of the first seven at most one may be gone.
    pub(crate) fn is_like(&self, shape: &TableShape) -> bool {
        let is_key = |name: &str| shape.key.contains(&name);
        let first = || shape.columns.iter().filter(|column| column.since == shape.since);
        let gone = first().filter(|column| self.column(column.name).is_none()).count();
        let has_key = first().filter(|column| is_key(column.name)).all(|column| {
            self.column(column.name).is_some_and(|found| is_like(&found.data_type, column.data_type))
        });
        has_key && gone <= first().count() / 7
    }

    /// Whether it has all columns that its first migration makes.
    pub(crate) fn has_columns_of(&self, shape: &TableShape) -> bool {
        let mut first = shape.columns.iter().filter(|column| column.since == shape.since);
        self.is_table
            && first.all(|made| self.column(made.name).is_some_and(|found| found.data_type == made.data_type))
    }
}

/// Whether a value of one type is one of the other without a conversion that could fail.
pub(crate) fn is_like(found: &str, made: &str) -> bool {
    const ALIKE: [&[&str]; 2] =
        [&["text", "character varying", "character"], &["bigint", "integer", "smallint"]];
    found == made || ALIKE.iter().any(|types| types.contains(&found) && types.contains(&made))
}
