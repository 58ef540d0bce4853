//! Compares `schema.rs`, which diesel builds queries from, with a database.

use anyhow::{Context as _, bail};

use crate::migrate::catalogue::{Column, Table};

/// A table as `schema.rs` declares it: the columns with diesel's name of their type.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Declared {
    name: String,
    key: Vec<String>,
    columns: Vec<(String, String)>,
}

/// Returns what differs, one line for each difference.
pub(crate) fn compare(source: &str, tables: &[Table]) -> anyhow::Result<Vec<String>> {
    let declared = parse(source)?;
    let mut differences = Vec::new();
    for table in tables {
        match declared.iter().find(|declared| declared.name == table.name) {
            None => differences.push(format!("the table {} is missing", table.name)),
            Some(declared) => compare_table(declared, table, &mut differences),
        }
    }
    let unknown = declared.iter().filter(|declared| tables.iter().all(|table| table.name != declared.name));
    differences.extend(unknown.map(|declared| format!("the table {} is not in the database", declared.name)));
    Ok(differences)
}

fn compare_table(declared: &Declared, table: &Table, differences: &mut Vec<String>) {
    let name = &table.name;
    if declared.key != table.key {
        differences.push(format!(
            "{name} has the key ({}), not ({})",
            table.key.join(", "),
            declared.key.join(", ")
        ));
    }
    for column in &table.columns {
        let wanted = diesel_type(column);
        match declared.columns.iter().find(|(declared, _)| *declared == column.name) {
            None => differences.push(format!("the column {name}.{} is missing: {wanted}", column.name)),
            Some((_, found)) if *found != wanted => {
                differences.push(format!("the column {name}.{} is {wanted}, not {found}", column.name));
            }
            Some(_) => {}
        }
    }
    for (column, _) in &declared.columns {
        if table.columns.iter().all(|known| known.name != *column) {
            differences.push(format!("the column {name}.{column} is not in the database"));
        }
    }
}

/// Diesel's type of a column, in the names that its own generator writes.
fn diesel_type(column: &Column) -> String {
    let (element, is_array) = match column.sql_type.strip_suffix("[]") {
        Some(element) => (element, true),
        None => (column.sql_type.as_str(), false),
    };
    let name = match element {
        "bigint" => "BigInt",
        "boolean" => "Bool",
        "bytea" => "Bytea",
        "date" => "Date",
        "double precision" => "Double",
        "integer" => "Integer",
        "interval" => "Interval",
        "json" => "Json",
        "jsonb" => "Jsonb",
        "numeric" => "Numeric",
        "real" => "Float",
        "smallint" => "SmallInt",
        "text" => "Text",
        "character varying" => "Varchar",
        "time without time zone" => "Time",
        "timestamp with time zone" => "Timestamptz",
        "timestamp without time zone" => "Timestamp",
        "uuid" => "Uuid",
        other => other,
    };
    // An element of a PostgreSQL array can always be null.
    let name = if is_array { format!("Array<Nullable<{name}>>") } else { name.to_owned() };
    if column.nullable { format!("Nullable<{name}>") } else { name }
}

/// Reads the `table!` blocks of the file.
fn parse(source: &str) -> anyhow::Result<Vec<Declared>> {
    let code: String =
        source.lines().map(|line| line.split("//").next().unwrap_or("")).collect::<Vec<_>>().join("\n");
    code.split("table! {")
        .skip(1)
        .map(|block| parse_table(block).context("schema.rs has an unknown form"))
        .collect()
}

fn parse_table(block: &str) -> anyhow::Result<Declared> {
    let (head, rest) = block.split_once('{').context("a table has no columns")?;
    let (body, _) = rest.split_once('}').context("a table does not end")?;
    let head = head
        .lines()
        .map(str::trim)
        .filter(|line| !line.is_empty() && !line.starts_with("use "))
        .collect::<String>();
    let (name, key) = match head.split_once('(') {
        Some((name, key)) => (name.trim(), key.trim_end_matches([')', ' '])),
        // Diesel takes `id` if no key is named.
        None => (head.trim(), "id"),
    };
    let mut columns = Vec::new();
    for line in body.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#')) {
        let Some((column, sql_type)) = line.trim_end_matches(',').split_once("->") else {
            bail!("{line:?} is no column");
        };
        columns.push((column.trim().to_owned(), sql_type.trim().to_owned()));
    }
    let key = key.split(',').map(|column| column.trim().to_owned()).collect();
    Ok(Declared { name: name.to_owned(), key, columns })
}

#[cfg(test)]
mod tests {
    use super::*;

    const SOURCE: &str = "
//! table! { not this }
diesel::table! {
    use diesel::sql_types::*;

    notes (owner, id) {
        owner -> Text,
        id -> BigInt, // ascending
        tags -> Nullable<Array<Nullable<Text>>>,
    }
}

diesel::allow_tables_to_appear_in_same_query!(notes);
";

    fn notes() -> Table {
        let column = |name: &str, sql_type: &str, nullable| Column {
            name: name.to_owned(),
            sql_type: sql_type.to_owned(),
            nullable,
        };
        Table {
            name: "notes".to_owned(),
            key: vec!["owner".to_owned(), "id".to_owned()],
            columns: vec![
                column("owner", "text", false),
                column("id", "bigint", false),
                column("tags", "text[]", true),
            ],
        }
    }

    #[test]
    fn the_same_is_the_same() {
        assert_eq!(compare(SOURCE, &[notes()]).unwrap(), Vec::<String>::new());
    }

    #[test]
    fn each_difference_is_named() {
        let mut table = notes();
        table.key.swap(0, 1);
        table.columns[0].nullable = true;
        table.columns[1].name = "number".to_owned();
        let differences = compare(SOURCE, &[table]).unwrap();
        assert_eq!(
            differences,
            [
                "notes has the key (id, owner), not (owner, id)",
                "the column notes.owner is Nullable<Text>, not Text",
                "the column notes.number is missing: BigInt",
                "the column notes.id is not in the database",
            ]
        );
        assert_eq!(compare("", &[notes()]).unwrap(), ["the table notes is missing"]);
        assert_eq!(compare(SOURCE, &[]).unwrap(), ["the table notes is not in the database"]);
        assert!(compare("table! { notes (id) { id BigInt } }", &[]).is_err());
    }
}
