//! What `xtask` and `task-api` share is compiled once: cargo compiles a crate again for each set of features, and `cargo
//! xtask dev` waits for both programs.

use std::collections::{BTreeMap, BTreeSet};

use tokio::process::Command;
use tools_kit::process;

use crate::violation::Violation;

/// The kinds of dependencies that are compared. Macros and build scripts have features apart from those of the program, so the
/// first kind leaves them out, and the second one finds what only they have.
const EDGES: [&str; 2] = ["normal,no-proc-macro", "normal,build"];

/// The sets of features that a package is compiled with, by its name and version.
type Features<'a> = BTreeMap<(&'a str, &'a str), BTreeSet<&'a str>>;

pub(crate) async fn check() -> anyhow::Result<Vec<Violation>> {
    let mut violations = Vec::new();
    for edges in EDGES {
        let xtask = tree(edges, &["xtask"]).await?;
        let api = tree(edges, &["task-api", "--no-default-features"]).await?;
        violations.extend(compare(&features(&xtask), &features(&api)));
    }
    violations.dedup();
    Ok(violations)
}

async fn tree(edges: &str, package: &[&str]) -> anyhow::Result<String> {
    let mut tree = Command::new("cargo");
    tree.args(["tree", "--locked", "--prefix", "none", "--format", "{p} [{f}]", "--edges", edges]);
    // One platform for all: on others, cargo would add features that this list does not have.
    tree.args(["--target", "x86_64-unknown-linux-gnu"]);
    tree.arg("--package").args(package);
    process::capture(&mut tree).await
}

/// Reads lines such as `tokio v1.54.1 [default,fs] (*)`. A crate of the workspace has its folder before its features.
fn features(tree: &str) -> Features<'_> {
    let mut features = Features::new();
    for line in tree.lines() {
        let mut words = line.split(' ');
        let (name, version) = (words.next().unwrap_or_default(), words.next().unwrap_or_default());
        let of_package = line.split_once('[').and_then(|(_, rest)| rest.split_once(']'));
        if let Some((of_package, _)) = of_package {
            features.entry((name, version)).or_default().insert(of_package);
        }
    }
    features
}

fn compare(xtask: &Features<'_>, api: &Features<'_>) -> Vec<Violation> {
    let shared = xtask.iter().filter_map(|(package, of_xtask)| Some((package, of_xtask, api.get(package)?)));
    shared
        .filter(|(_, of_xtask, of_api)| !of_xtask.is_subset(of_api))
        .map(|((name, version), of_xtask, of_api)| {
            let rule = format!(
                "{name} {version} is compiled twice: xtask has it with {of_xtask:?}, task-api with {of_api:?}"
            );
            Violation::new("xtask/Cargo.toml", rule)
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const API: &str =
        "task-api v0.1.0 (/x/crates/api) []\ntokio v1.2.3 [fs,net]\nlog v0.4.1 []\nlog v0.4.1 [std] (*)\n";

    #[test]
    fn a_shared_crate_with_other_features_is_found() {
        let xtask = features("xtask v0.1.0 (/x/xtask) []\ntokio v1.2.3 [fs]\nlog v0.4.1 [std]\n");
        let found = compare(&xtask, &features(API));
        assert_eq!(found.len(), 1, "{found:?}");
        assert!(found[0].rule.starts_with("tokio v1.2.3 is compiled twice"), "{found:?}");
    }

    #[test]
    fn equal_features_and_crates_of_one_program_only_are_fine() {
        let xtask = features("tokio v1.2.3 [fs,net]\nhmac v0.13.0 [default]\ntokio v0.9.0 [fs]\n");
        assert_eq!(compare(&xtask, &features(API)), []);
    }
}
