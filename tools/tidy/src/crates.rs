//! The crates of the workspace: which may use which, and what each says of itself.

use anyhow::Context as _;
use serde_json::Value;
use tokio::process::Command;
use tools_kit::process;

use crate::violation::{File, Violation};

/// A crate of the workspace.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Crate {
    pub(crate) name: String,
    /// Its folder below the root.
    pub(crate) folder: String,
    /// Its dependencies of every kind but those of tests.
    pub(crate) uses: Vec<String>,
}

/// The crates of ours that each crate of ours may use. One that is not named here is below `tools/`, and may use all that
/// are below `crates/` or `tools/`.
const MAY_USE: [(&str, &[&str]); 9] = [
    ("task-support", &[]),
    ("task-domain", &["task-support"]),
    ("task-adapters", &["task-domain", "task-support"]),
    ("task-auth", &["task-domain", "task-support"]),
    ("task-settings", &["task-adapters", "task-auth", "task-domain", "task-support"]),
    ("task-ops", &["task-adapters", "task-auth", "task-domain", "task-settings", "task-support"]),
    ("task-telemetry", &["task-domain", "task-settings", "task-support"]),
    (
        "task-api",
        &[
            "task-adapters",
            "task-auth",
            "task-domain",
            "task-ops",
            "task-settings",
            "task-support",
            "task-telemetry",
        ],
    ),
    (
        "xtask",
        &[
            "task-adapters",
            "task-domain",
            "task-ops",
            "task-settings",
            "tools-kit",
            "tools-postgres",
            "tools-tidy",
        ],
    ),
];

/// What `cargo metadata` says of the workspace.
pub(crate) async fn metadata() -> anyhow::Result<Value> {
    let mut metadata = Command::new("cargo");
    metadata.args(["metadata", "--locked", "--no-deps", "--format-version", "1"]);
    serde_json::from_str(&process::capture(&mut metadata).await?)
        .context("`cargo metadata` does not print JSON")
}

/// The crates in what `cargo metadata` says.
pub(crate) fn of(metadata: &Value) -> Vec<Crate> {
    let root = metadata["workspace_root"].as_str().unwrap_or_default();
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let packages = metadata["packages"].as_array().into_iter().flatten();
    packages
        .map(|package| {
            let manifest = text(&package["manifest_path"]);
            let folder = manifest.trim_start_matches(root).trim_start_matches('/');
            let dependencies = package["dependencies"].as_array().into_iter().flatten();
            let uses = dependencies.filter(|dependency| dependency["kind"] != "dev");
            Crate {
                name: text(&package["name"]),
                folder: folder.trim_end_matches("/Cargo.toml").to_owned(),
                uses: uses.map(|dependency| text(&dependency["name"])).collect(),
            }
        })
        .collect()
}

/// Uses that point the wrong way.
pub(crate) fn arrows(crates: &[Crate]) -> Vec<Violation> {
    let mut violations = Vec::new();
    for one in crates {
        let of_ours = one.uses.iter().filter(|name| crates.iter().any(|other| other.name == **name));
        let may_use = MAY_USE.iter().find(|(name, _)| *name == one.name).map(|(_, may)| *may);
        for used in of_ours.filter(|used| !is_allowed(one, may_use, used)) {
            let rule = format!("{} must not use {used}", one.name);
            violations.push(Violation::new(format!("{}/Cargo.toml", one.folder), rule));
        }
    }
    violations
}

fn is_allowed(one: &Crate, may_use: Option<&[&str]>, used: &str) -> bool {
    match may_use {
        Some(may_use) => one.name == used || may_use.contains(&used),
        // A crate that the table does not know: below `tools/` it may use all but xtask, elsewhere nothing of ours.
        None => one.folder.starts_with("tools/") && used != "xtask",
    }
}

/// Crates without a README, or whose README is not their documentation.
pub(crate) fn readmes(crates: &[Crate], files: &[File]) -> Vec<Violation> {
    let mut violations = Vec::new();
    let file = |path: String| files.iter().find(|file| file.path == path);
    for Crate { folder, .. } in crates {
        let readme = format!("{folder}/README.md");
        if file(readme.clone()).is_none_or(|file| file.text.lines().count() < 5) {
            violations.push(Violation::new(&readme, "is missing, or too short to say what the crate is for"));
        }
        let roots = ["lib.rs", "main.rs"].map(|name| file(format!("{folder}/src/{name}")));
        let shows = |root: &&File| root.text.contains("#![doc = include_str!(\"../README.md\")]");
        let mut roots = roots.iter().copied().flatten().peekable();
        if roots.peek().is_some() && !roots.any(|root| shows(&root)) {
            let rule = "does not show README.md as its documentation";
            violations.push(Violation::new(format!("{folder}/src"), rule));
        }
    }
    violations
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn one(name: &str, folder: &str, uses: &[&str]) -> Crate {
        let uses = uses.iter().map(|&name| name.to_owned()).collect();
        Crate { name: name.to_owned(), folder: folder.to_owned(), uses }
    }

    #[test]
    fn crates_depend_downwards_only() {
        let crates = [
            one("task-support", "crates/support", &["serde_json"]),
            one("task-domain", "crates/domain", &["task-support"]),
            one("task-auth", "crates/auth", &["task-adapters"]),
            one("task-adapters", "crates/adapters", &["task-domain", "tools-kit"]),
            one("task-api", "crates/api", &["task-domain"]),
            one("tools-kit", "tools/kit", &["task-adapters", "xtask"]),
            one("xtask", "xtask", &["tools-kit", "task-api"]),
            one("task-new", "crates/new", &["task-domain"]),
        ];
        let found: Vec<_> = arrows(&crates).iter().map(ToString::to_string).collect();
        assert_eq!(
            found,
            [
                "crates/auth/Cargo.toml: task-auth must not use task-adapters",
                "crates/adapters/Cargo.toml: task-adapters must not use tools-kit",
                "tools/kit/Cargo.toml: tools-kit must not use xtask",
                "xtask/Cargo.toml: xtask must not use task-api",
                "crates/new/Cargo.toml: task-new must not use task-domain",
            ]
        );
    }

    #[test]
    fn what_tests_use_points_anywhere() {
        let metadata = json!({ "workspace_root": "/x", "packages": [{
            "name": "task-domain", "manifest_path": "/x/crates/domain/Cargo.toml", "dependencies": [
                { "name": "thiserror", "kind": null }, { "name": "task-api", "kind": "dev" },
            ],
        }] });
        assert_eq!(of(&metadata), [one("task-domain", "crates/domain", &["thiserror"])]);
    }

    #[test]
    fn each_crate_shows_its_readme() {
        let file = |path: &str, text: &str| File { path: path.to_owned(), text: text.to_owned() };
        let crates = [one("a", "crates/a", &[]), one("b", "crates/b", &[]), one("c", "crates/c", &[])];
        let files = [
            file("crates/a/README.md", "# a\n\nWhat\nit\nis for.\n"),
            file("crates/a/src/lib.rs", "#![doc = include_str!(\"../README.md\")]\n"),
            file("crates/b/README.md", "# b\n"),
            file("crates/b/src/main.rs", "#![doc = include_str!(\"../README.md\")]\n"),
            file("crates/c/src/lib.rs", "//! c\n"),
        ];
        let places: Vec<_> = readmes(&crates, &files).into_iter().map(|violation| violation.place).collect();
        assert_eq!(places, ["crates/b/README.md", "crates/c/README.md", "crates/c/src"]);
    }
}
