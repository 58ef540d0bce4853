//! Which crate may reach which.

use serde_json::Value;
use tokio::process::Command;
use tools_kit::process;

use crate::violation::Violation;

/// What each crate must not reach, by way of others either. A crate that does not exist yet is passed over.
const CLOSED: [(&str, &[&str]); 7] = [
    (
        "task-domain",
        &[
            "diesel",
            "diesel-async",
            "deadpool",
            "tokio",
            "tokio-postgres",
            "actix-web",
            "serde",
            "config",
            "jsonwebtoken",
            "anyhow",
        ],
    ),
    ("task-adapters", &["actix-web", "actix-http", "anyhow"]),
    ("task-auth", &["actix-web", "actix-http", "diesel", "diesel-async", "tokio-postgres", "anyhow"]),
    ("task-settings", &["actix-web", "actix-http", "anyhow"]),
    ("task-ops", &["actix-web", "actix-http", "anyhow"]),
    ("task-telemetry", &["actix-web", "actix-http"]),
    ("task-support", &["actix-web", "actix-http", "diesel", "diesel-async", "tokio-postgres", "anyhow"]),
];

pub(crate) async fn check(metadata: &Value) -> anyhow::Result<Vec<Violation>> {
    let mut violations = Vec::new();
    let is_there = |name: &str| list(&metadata["packages"]).any(|package| package["name"] == name);
    for (package, closed) in CLOSED.into_iter().filter(|(package, _)| is_there(package)) {
        let mut tree = Command::new("cargo");
        tree.args(["tree", "--locked", "--edges", "normal", "--prefix", "none", "--format", "{p}"]);
        tree.args(["--package", package]);
        violations.extend(reached(package, closed, &process::capture(&mut tree).await?));
    }
    violations.extend(enabled(metadata, "testing", "dev-dependencies and tools"));
    violations.extend(enabled(metadata, "fuzzing", "dev-dependencies and tools"));
    Ok(violations)
}

/// The forbidden packages in a list as `cargo tree` prints it: a name and a version on each line.
fn reached(package: &str, closed: &[&str], tree: &str) -> Vec<Violation> {
    let is_reached = |name: &str| tree.lines().any(|line| line.split_whitespace().next() == Some(name));
    let found = closed.iter().filter(|name| is_reached(name));
    found
        .map(|name| {
            Violation::new(format!("crates of {package}"), format!("{package} must not reach {name}"))
        })
        .collect()
}

/// A feature that is for tests and tools: in the service it would be a way around its rules.
fn enabled(metadata: &Value, feature: &str, users: &str) -> Vec<Violation> {
    let mut violations = Vec::new();
    for package in list(&metadata["packages"]) {
        let (name, manifest) =
            (package["name"].as_str().unwrap_or(""), package["manifest_path"].as_str().unwrap_or(""));
        let place =
            manifest.rsplit('/').take(3).collect::<Vec<_>>().into_iter().rev().collect::<Vec<_>>().join("/");
        if contains(&package["features"]["default"], feature) {
            let rule = format!("the feature `{feature}` must not be on by default");
            violations.push(Violation::new(&place, rule));
        }
        for dependency in list(&package["dependencies"]) {
            let enabled = contains(&dependency["features"], feature) && dependency["kind"] != "dev";
            let of = dependency["name"].as_str().unwrap_or("");
            if enabled && of.starts_with("task-") && !name.starts_with("tools-") {
                let rule = format!("the feature `{feature}` of {of} is for {users} only");
                violations.push(Violation::new(&place, rule));
            }
        }
    }
    violations
}

fn list(value: &Value) -> impl Iterator<Item = &Value> {
    value.as_array().into_iter().flatten()
}

fn contains(values: &Value, wanted: &str) -> bool {
    list(values).any(|value| value == wanted)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_forbidden_package_is_found_by_its_whole_name() {
        let tree =
            "task-domain v0.1.0 (/somewhere)\nserde_json v1.0.0\ntokio v1.54.0\nserde-derive v1.0.0 (*)\n";
        let found = reached("task-domain", CLOSED[0].1, tree);
        assert_eq!(found, [Violation::new("crates of task-domain", "task-domain must not reach tokio")]);
    }

    #[test]
    fn testing_and_fuzzing_are_for_tests() {
        let testing_enabled = |metadata: &Value| enabled(metadata, "testing", "tests");
        let package = |name: &str, kind: Value| {
            json!({ "packages": [{
                "name": name, "manifest_path": format!("/x/crates/{name}/Cargo.toml"), "features": {},
                "dependencies": [{ "name": "task-domain", "features": ["testing"], "kind": kind }],
            }] })
        };
        let found = testing_enabled(&package("api", Value::Null));
        assert_eq!(found.len(), 1, "{found:?}");
        assert_eq!(found[0].place, "crates/api/Cargo.toml");
        assert!(testing_enabled(&package("api", json!("dev"))).is_empty());
        assert!(testing_enabled(&package("tools-bench", Value::Null)).is_empty());
        assert_eq!(testing_enabled(&package("xtask", Value::Null)).len(), 1);
        let by_default = json!({ "packages": [{ "name": "a", "features": { "default": ["testing"] }, "dependencies": [] }] });
        assert_eq!(testing_enabled(&by_default).len(), 1);
    }
}
