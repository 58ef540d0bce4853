//! The documents name exactly the variables that the program reads.

use std::collections::BTreeSet;

use crate::violation::{File, Violation};

/// The one list of the variables that the program reads.
const LIST: &str = "crates/settings/src/variables.rs";
const EXAMPLE: &str = ".env.example";
const TABLE: &str = "docs/operations.md";

pub(crate) fn check(files: &[File]) -> Vec<Violation> {
    let list = match required(files, LIST) {
        Ok(file) => in_list(&file.text),
        Err(missing) => return vec![missing],
    };
    let named = [(EXAMPLE, in_example as fn(&str) -> BTreeSet<&str>), (TABLE, in_table)];
    let documents = named.into_iter().flat_map(|(path, names)| match required(files, path) {
        Ok(file) => compare(path, &list, &names(&file.text)),
        Err(missing) => vec![missing],
    });
    let empty = list.is_empty().then(|| Violation::new(LIST, "has no list that this rule can read"));
    documents.chain(empty).collect()
}

/// A file that the rule needs.
fn required<'a>(files: &'a [File], path: &str) -> Result<&'a File, Violation> {
    let file = files.iter().find(|file| file.path == path);
    file.ok_or_else(|| Violation::new(path, "is missing, or git does not track it"))
}

/// The names in the source of the list: the first argument of each call in it.
fn in_list(source: &str) -> BTreeSet<&str> {
    let list = source.split_once("pub const VARIABLES").map_or("", |(_, list)| list);
    let list = list.split("\n];").next().unwrap_or("");
    let arguments = list.split('(').skip(1).filter_map(|call| call.trim_start().strip_prefix('"'));
    arguments.filter_map(|text| text.split('"').next()).filter(|name| is_name(name)).collect()
}

fn compare(path: &str, known: &BTreeSet<&str>, named: &BTreeSet<&str>) -> Vec<Violation> {
    let missing =
        known.difference(named).map(|name| format!("does not name {name}, which the program reads"));
    let unknown =
        named.difference(known).map(|name| format!("names {name}, which the program does not read"));
    missing.chain(unknown).map(|rule| Violation::new(path, rule)).collect()
}

/// The names of assignments, those that are commented out included.
fn in_example(text: &str) -> BTreeSet<&str> {
    let assignments = text.lines().filter_map(|line| line.trim_start_matches(['#', ' ']).split_once('='));
    assignments.map(|(name, _)| name).filter(|name| is_name(name)).collect()
}

/// The names in the first column of the table below the heading that speaks of settings.
fn in_table(text: &str) -> BTreeSet<&str> {
    let mut below = false;
    let mut names = BTreeSet::new();
    for line in text.lines() {
        if line.starts_with('#') {
            below = line.to_lowercase().contains("settings");
        }
        let first = line
            .strip_prefix('|')
            .and_then(|row| row.split('|').next())
            .map(|cell| cell.trim().trim_matches('`'));
        names.extend(first.filter(|name| below && is_name(name)));
    }
    names
}

fn is_name(text: &str) -> bool {
    text.starts_with(|c: char| c.is_ascii_uppercase())
        && text.chars().all(|c| c.is_ascii_uppercase() || c.is_ascii_digit() || c == '_')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_documents_are_read() {
        let example =
            "# Which port; PORT=0 is any\nPORT=8080\n#HOST=127.0.0.1\n# LOG_LEVEL=info\nnot a = name\n";
        assert_eq!(in_example(example), BTreeSet::from(["PORT", "HOST", "LOG_LEVEL"]));
        let table = "# Backup\n| `NOT` | x |\n## Settings\n| variable | default |\n| --- | --- |\n| `PORT` | 8080 |\n| HOST | |\n\
                     ## Health\n| `NEITHER` | x |\n";
        assert_eq!(in_table(table), BTreeSet::from(["PORT", "HOST"]));
    }

    #[test]
    fn both_directions_are_compared() {
        let found = compare("x", &BTreeSet::from(["A", "B"]), &BTreeSet::from(["B", "C"]));
        assert_eq!(
            found,
            [
                Violation::new("x", "does not name A, which the program reads"),
                Violation::new("x", "names C, which the program does not read"),
            ]
        );
        assert_eq!(check(&[]).len(), 1);
    }

    #[test]
    fn the_list_is_read_from_its_source() {
        let source = "secret(\"NOT\")\npub const VARIABLES: &[Variable] = &[\n    variable(\"PORT\", Some(\"8080\"), \"X\"),\n    \
                      secret(\n        \"URL\",\n        \"A\",\n    ),\n];\nfn f() { g(\"AFTER\") }\n";
        assert_eq!(in_list(source), BTreeSet::from(["PORT", "URL"]));
        let files = [File { path: LIST.to_owned(), text: String::new() }];
        assert!(check(&files).iter().any(|violation| violation.place == LIST));
    }
}
