//! What may stand in the sources of which crate.

use crate::violation::{File, Violation};

/// Derived for what is stored: rows live and die in the adapters.
const OF_ROWS: [&str; 6] =
    ["Queryable", "QueryableByName", "Selectable", "Insertable", "AsChangeset", "Identifiable"];
/// Derived for what is sent: bodies live and die in the API.
const OF_BODIES: [&str; 3] = ["Serialize", "Deserialize", "ToSchema"];

/// Checks one file.
pub(crate) fn check(file: &File) -> Vec<Violation> {
    let mut violations = Vec::new();
    if !has_extension(&file.path, "rs") {
        return violations;
    }
    let code = without_comments(&file.text);
    for (derives, home, what) in
        [(&OF_ROWS[..], "crates/adapters/", "rows"), (&OF_BODIES[..], "crates/api/", "bodies")]
    {
        if !file.path.starts_with(home) {
            violations.extend(derived(&file.path, &code, derives, &format!("{what} belong in {home}")));
        }
    }
    if is_library(&file.path) {
        let line = code.lines().position(|line| words(line).any(|word| word == "anyhow"));
        let rule = "a library has typed errors; anyhow is for main, tools and tests";
        violations.extend(line.map(|line| Violation::new(format!("{}:{}", file.path, line + 1), rule)));
    }
    if file.path == "crates/domain/src/ports.rs" {
        violations.extend(ownerless(&file.path, &code));
    }
    violations
}

fn is_library(path: &str) -> bool {
    path.starts_with("crates/") && path.contains("/src/") && !path.ends_with("/src/main.rs")
}

fn has_extension(path: &str, extension: &str) -> bool {
    std::path::Path::new(path).extension().is_some_and(|found| found == extension)
}

/// Derives of a kind, wherever their list is broken into lines.
fn derived(path: &str, code: &str, derives: &[&str], rule: &str) -> Vec<Violation> {
    let mut violations = Vec::new();
    for (start, _) in code.match_indices("#[derive(") {
        // Elsewhere than at the beginning of a line it stands in a text, such as a test of this rule.
        let before = code[..start].rsplit('\n').next().unwrap_or("");
        if !before.trim().is_empty() {
            continue;
        }
        let list = code[start..].split(')').next().unwrap_or("");
        if let Some(found) = words(list).find(|word| derives.contains(word)) {
            let line = code[..start].matches('\n').count() + 1;
            violations.push(Violation::new(format!("{path}:{line}"), format!("derives {found}: {rule}")));
        }
    }
    violations
}

/// Methods of a repository that do not name the owner of what they ask for.
fn ownerless(path: &str, code: &str) -> Vec<Violation> {
    let mut violations = Vec::new();
    for (start, _) in code.match_indices("trait ") {
        let name = words(&code[start + "trait ".len()..]).next().unwrap_or("");
        let body = code[start..].split("\n}").next().unwrap_or("");
        for method in body.split("fn ").skip(1).filter(|_| name.ends_with("Repository")) {
            let signature = method.split([';', '{']).next().unwrap_or("");
            if !words(signature).any(|word| word == "UserId") {
                let method = words(signature).next().unwrap_or("");
                let rule = format!(
                    "{name}::{method} names no `UserId`: a query without an owner must not be written"
                );
                violations.push(Violation::new(path, rule));
            }
        }
    }
    violations
}

fn words(text: &str) -> impl Iterator<Item = &str> {
    text.split(|c: char| !(c.is_alphanumeric() || c == '_')).filter(|word| !word.is_empty())
}

/// The text with its line comments blanked, the lines kept.
fn without_comments(text: &str) -> String {
    text.lines().map(|line| line.split("//").next().unwrap_or("")).collect::<Vec<_>>().join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(path: &str, text: &str) -> Vec<String> {
        check(&File { path: path.to_owned(), text: text.to_owned() })
            .iter()
            .map(ToString::to_string)
            .collect()
    }

    #[test]
    fn rows_stay_in_the_adapters() {
        let row = "//! Rows\n#[derive(Clone,\n    diesel::Queryable)]\nstruct Row;";
        assert_eq!(
            found("crates/api/src/tasks.rs", row),
            ["crates/api/src/tasks.rs:2: derives Queryable: rows belong in crates/adapters/"]
        );
        assert!(found("crates/adapters/src/tasks/row.rs", row).is_empty());
    }

    #[test]
    fn bodies_stay_in_the_api() {
        let body = "#[derive(Debug, serde::Serialize)]\nstruct Body;";
        assert_eq!(
            found("crates/domain/src/task.rs", body),
            ["crates/domain/src/task.rs:1: derives Serialize: bodies belong in crates/api/"]
        );
        assert!(found("crates/api/src/tasks/dto.rs", body).is_empty());
        assert!(
            found("crates/domain/src/task.rs", "// #[derive(Serialize)]\n#[derive(Clone)]\nstruct A;")
                .is_empty()
        );
    }

    #[test]
    fn libraries_have_typed_errors() {
        let source = "use anyhow::Result;\n";
        assert_eq!(found("crates/adapters/src/pool.rs", source).len(), 1);
        assert_eq!(found("crates/api/src/settings.rs", source).len(), 1);
        assert!(found("crates/api/src/main.rs", source).is_empty());
        assert!(found("crates/api/tests/it/main.rs", source).is_empty());
        assert!(found("xtask/src/dev.rs", source).is_empty());
        assert!(found("crates/api/src/settings.rs", "// anyhow is for main\n").is_empty());
    }

    #[test]
    fn a_query_has_an_owner() {
        let ports = "pub trait TaskRepository {\n    async fn list(&self, owner: &UserId) -> X;\n    async fn all(&self) -> X;\n}\n\
                     pub trait Clock {\n    fn now(&self) -> X;\n}\n";
        let violations = found("crates/domain/src/ports.rs", ports);
        assert_eq!(violations.len(), 1, "{violations:?}");
        assert!(violations[0].contains("TaskRepository::all"), "{violations:?}");
    }
}
