//! Which crate may reach which.

use anyhow::Context as _;
use serde_json::Value;
use tokio::process::Command;
use tools_kit::process;

use crate::tidy::Violation;

/// The domain knows the rules of tasks and nothing of how they are stored, served or configured.
const CLOSED_TO_DOMAIN: [&str; 10] = [
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
];
/// The adapters know the database and nothing of HTTP.
const CLOSED_TO_ADAPTERS: [&str; 3] = ["actix-web", "actix-http", "anyhow"];

pub(super) async fn check() -> anyhow::Result<Vec<Violation>> {
    let mut violations = Vec::new();
    for (package, closed) in
        [("task-domain", &CLOSED_TO_DOMAIN[..]), ("task-adapters", &CLOSED_TO_ADAPTERS[..])]
    {
        let mut tree = Command::new("cargo");
        tree.args([
            "tree",
            "--locked",
            "--edges",
            "normal",
            "--prefix",
            "none",
            "--format",
            "{p}",
            "--package",
            package,
        ]);
        violations.extend(reached(package, closed, &process::capture(&mut tree).await?));
    }
    let mut metadata = Command::new("cargo");
    metadata.args(["metadata", "--locked", "--no-deps", "--format-version", "1"]);
    let metadata = serde_json::from_str(&process::capture(&mut metadata).await?);
    let metadata = metadata.context("`cargo metadata` does not print JSON")?;
    violations.extend(enabled(&metadata, "testing", "dev-dependencies and xtask", &["xtask"]));
    violations.extend(enabled(&metadata, "fuzzing", "dev-dependencies and the workspace `fuzz`", &[]));
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

/// A feature that is for tests, and for those packages: in the service it would be a way around its rules.
fn enabled(metadata: &Value, feature: &str, users: &str, allowed: &[&str]) -> Vec<Violation> {
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
            if enabled && of.starts_with("task-") && !allowed.contains(&name) {
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
        let found = reached("task-domain", &CLOSED_TO_DOMAIN, tree);
        assert_eq!(found, [Violation::new("crates of task-domain", "task-domain must not reach tokio")]);
    }

    #[test]
    fn testing_and_fuzzing_are_for_tests() {
        let testing_enabled = |metadata: &Value| enabled(metadata, "testing", "tests", &["xtask"]);
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
        assert!(testing_enabled(&package("xtask", Value::Null)).is_empty());
        let of_xtask = package("xtask", Value::Null).to_string().replace("testing", "fuzzing");
        assert_eq!(enabled(&serde_json::from_str(&of_xtask).unwrap(), "fuzzing", "tests", &[]).len(), 1);
        let by_default = json!({ "packages": [{ "name": "a", "features": { "default": ["testing"] }, "dependencies": [] }] });
        assert_eq!(testing_enabled(&by_default).len(), 1);
    }
}
