//! Columns, keys and indexes of the service's own tables: whether they are as the migrations make them.

use crate::{
    inspection::{
        facts::{Column, Inspection, OwnTable},
        fault::{Fault, Part},
        own::is_like,
        shape::{ColumnShape, TableShape},
    },
    tasks::members::MEMBERS,
};

/// The collations that compare byte by byte.
const BYTEWISE: [&str; 4] = ["C", "POSIX", "ucs_basic", "pg_c_utf8"];

pub(super) fn missing(inspection: &Inspection) -> Vec<Fault> {
    let missing = inspection.own_columns().filter(|(.., found)| found.is_none());
    let missing = missing.map(|(table, column, _)| (table.name.as_str(), column.name));
    missing
        .chain(missing_members(inspection))
        .map(|(table, column)| {
            let found = format!(
                "`{table}` has no column `{column}`, although the migration that makes it is applied"
            );
            let advice =
                "Restore the table from a backup, or add the column as its file in `migrations` does.";
            Fault::problem(Part::Tables, found, advice)
        })
        .collect()
}

/// The members of a task that clients write are declared in one place, and not in the shape again.
fn missing_members(inspection: &Inspection) -> impl Iterator<Item = (&str, &'static str)> {
    let all_applied = inspection.migrations.iter().flatten().all(|migration| migration.applied);
    let tasks = inspection.own_tables().filter(move |(shape, _)| all_applied && shape.name == "tasks");
    tasks.flat_map(|(shape, table)| {
        let in_shape = |name: &str| shape.columns.iter().any(|own| own.name == name);
        let members = MEMBERS.iter().map(|member| member.name);
        members
            .filter(move |name| table.column(name).is_none() && !in_shape(name))
            .map(|name| (shape.name, name))
    })
}

pub(super) fn changed(inspection: &Inspection) -> Vec<Fault> {
    let there = inspection.own_columns().filter_map(|(table, column, found)| Some((table, column, found?)));
    there.filter_map(|(table, column, found)| change(table, column, found)).collect()
}

fn change(table: &OwnTable, column: &ColumnShape, found: &Column) -> Option<Fault> {
    let (full, column_name) = (&table.full_name, column.name);
    let alter = |what: &str| format!("As its owner: `ALTER TABLE {full} ALTER COLUMN {column_name} {what}`");
    let (what, advice) = if found.data_type != column.data_type {
        let what = format!("is of type {}, not {}", found.data_type, column.data_type);
        // A conversion of another kind depends on what was written, such as in which time zone.
        let advice = if is_like(&found.data_type, column.data_type) {
            alter(&format!("TYPE {}{}", column.data_type, collate(column)))
        } else {
            "Convert it back, with an eye on its values, or restore the table from a backup.".to_owned()
        };
        (what, advice)
    } else if found.is_required != column.is_required {
        if column.is_required {
            let what = "may be null, which the service does not expect".to_owned();
            (what, format!("After you have seen to rows with null in it: {}", alter("SET NOT NULL")))
        } else {
            ("may not be null, but the service writes null".to_owned(), alter("DROP NOT NULL"))
        }
    } else if column.has_default && !found.has_default {
        let advice = "Give it the default again that its file in `migrations` gives.".to_owned();
        ("has lost its default, so nothing can be created".to_owned(), advice)
    } else {
        return None;
    };
    Some(Fault::problem(Part::Tables, format!("`{}.{column_name}` {what}", table.name), advice))
}

/// What stands behind the type of a column.
fn collate(column: &ColumnShape) -> &'static str {
    match (column.data_type, column.is_bytewise) {
        ("text", true) => " COLLATE \"C\"",
        ("text", false) => " COLLATE \"default\"",
        _ => "",
    }
}

/// Columns that others have added to the service's tables, and without which nothing can be created.
pub(super) fn demanding(inspection: &Inspection) -> Vec<Fault> {
    let demands = |shape: &TableShape, column: &Column| {
        column.is_required && !column.has_default && shape.columns.iter().all(|own| own.name != column.name)
    };
    inspection
        .own_tables()
        .flat_map(|(shape, table)| {
            table.columns.iter().filter(move |column| demands(shape, column)).map(move |column| {
                let (name, added) = (shape.name, &column.name);
                let found = format!(
                    "`{name}` has a column `{added}` that is not the service's, may not be null and has no default: \
                     nothing can be created"
                );
                let advice = "Let the one who added it give it a default, or keep it in another table.";
                Fault::problem(Part::Tables, found, advice)
            })
        })
        .collect()
}

/// Cursors, the wall between users and idempotency keys compare byte by byte.
pub(super) fn collations(inspection: &Inspection) -> Vec<Fault> {
    let there = inspection.own_columns().filter_map(|(table, column, found)| Some((table, column, found?)));
    there
        .filter_map(|(table, column, found)| {
            let collation = found.collation.as_deref().filter(|_| found.data_type == column.data_type)?;
            let (name, column_name) = (&table.name, column.name);
            let what = if !found.is_deterministic {
                "takes different texts for equal"
            } else if column.is_bytewise && !BYTEWISE.contains(&collation) {
                "orders texts otherwise than the service expects, so pages of a list would repeat tasks or lack some"
            } else {
                return None;
            };
            let found = format!("`{name}.{column_name}` has the collation `{collation}`, which {what}");
            let advice = format!(
                "As its owner: `ALTER TABLE {} ALTER COLUMN {column_name} TYPE {}{}`",
                table.full_name,
                column.data_type,
                collate(column)
            );
            Some(Fault::problem(Part::Tables, found, advice))
        })
        .collect()
}

/// Without its unique key a table would take the same key twice, or refuse statements that name the key.
pub(super) fn keys(inspection: &Inspection) -> Vec<Fault> {
    let lacks = |shape: &TableShape, table: &OwnTable| {
        let mut key = shape.key.to_vec();
        key.sort_unstable();
        !table.unique_keys.contains(&key.join(", "))
    };
    let lacking = inspection.own_tables().filter(|(shape, table)| lacks(shape, table));
    lacking
        .map(|(shape, table)| {
            let (name, key) = (shape.name, shape.key.join(", "));
            let found = format!("`{name}` has no unique key on ({key}): the same key could be there twice");
            let advice = format!(
                "As its owner, after you have looked for rows that are there twice: `ALTER TABLE {} ADD UNIQUE \
                 ({key})`",
                table.full_name
            );
            Fault::problem(Part::Tables, found, advice)
        })
        .collect()
}

pub(super) fn indexes(inspection: &Inspection) -> Vec<Fault> {
    inspection
        .own_tables()
        .flat_map(|(shape, table)| {
            let missing =
                shape.indexes.iter().filter(|(index, _)| table.indexes.iter().all(|found| found != index));
            missing.map(|(index, columns)| {
                let create = format!("`CREATE INDEX CONCURRENTLY {index} ON {} {columns}`", table.full_name);
                let is_invalid = table.invalid_indexes.iter().any(|found| found == index);
                let found =
                    format!("the index `{index}` is not there or not valid: some requests read far too much");
                let advice = if is_invalid {
                    format!("As the owner: `DROP INDEX {}`; {create}", table.beside(index))
                } else {
                    format!("As the owner: {create}")
                };
                Fault::warning(Part::Tables, found, advice)
            })
        })
        .collect()
}
