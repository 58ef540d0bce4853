//! `cargo xtask sbom`: what the program is made of, as JSON of `CycloneDX`, for those who have to account for it.

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
};

use anyhow::{Context as _, ensure};
use serde_json::Value;
use tokio::process::Command;
use tools_kit::{process, report, tools::CYCLONEDX, workspace};

use crate::deploy;

/// Where the tool writes: beside each crate that has a program.
const WRITTEN: [&str; 5] = [
    "crates/api/task-api_bin.cdx.json",
    "tools/bench/tools-bench_bin.cdx.json",
    "tools/chaos/tools-chaos_bin.cdx.json",
    "tools/checks/tools-checks_bin.cdx.json",
    "xtask/xtask_bin.cdx.json",
];

#[derive(clap::Args)]
pub(crate) struct Args {
    /// Where to write it
    #[arg(long, value_name = "FILE", default_value = "target/task-api.cdx.json")]
    output: PathBuf,
    /// For which system the program is built
    #[arg(long, value_name = "TRIPLE", default_value = "x86_64-unknown-linux-gnu")]
    target: String,
}

pub(crate) async fn run(args: &Args) -> anyhow::Result<()> {
    CYCLONEDX.ensure().await?;
    let programs = deploy::programs().await?;
    let components = report::step("Listing what the program is made of", write(args)).await?;
    let mut python = Command::new(programs.join("python"));
    process::capture(python.arg("tools/checks/deploy/sbom.py").arg(&args.output)).await?;
    println!("{} is valid CycloneDX 1.5 and lists {components} components.", args.output.display());
    Ok(())
}

async fn write(args: &Args) -> anyhow::Result<usize> {
    let mut cyclonedx = Command::new("cargo");
    cyclonedx.args(["cyclonedx", "--manifest-path", "crates/api/Cargo.toml", "--format", "json"]);
    cyclonedx.args([
        "--spec-version",
        "1.5",
        "--describe",
        "binaries",
        "--no-build-deps",
        "--target",
        &args.target,
    ]);
    let listed = process::capture(&mut cyclonedx).await;
    let text = fs::read_to_string(WRITTEN[0]);
    for path in WRITTEN {
        let _ = fs::remove_file(path);
    }
    listed?;
    // Its references to our crates name the folder of this checkout.
    let text =
        text.context("cargo-cyclonedx wrote no list")?.replace(&workspace::root().display().to_string(), "");
    let mut list: Value = serde_json::from_str(&text).context("what cargo-cyclonedx wrote is not JSON")?;
    let built = built(&args.target).await?;
    let components = prune(&mut list, &built);
    let missing: Vec<_> =
        built.difference(&components).filter(|package| !package.starts_with("task-api@")).collect();
    ensure!(missing.is_empty(), "cargo-cyclonedx does not list what is built: {missing:?}");
    let folder =
        args.output.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    fs::create_dir_all(folder).with_context(|| format!("cannot create {}", folder.display()))?;
    fs::write(&args.output, serde_json::to_string_pretty(&list)?)
        .with_context(|| format!("cannot write {}", args.output.display()))?;
    Ok(components.len())
}

/// The packages that cargo builds the program from, as `name@version`.
async fn built(target: &str) -> anyhow::Result<BTreeSet<String>> {
    let mut tree = Command::new("cargo");
    tree.args(["tree", "--locked", "--package", "task-api", "--edges", "normal", "--target", target]);
    let tree = process::capture(tree.args(["--prefix", "none", "--format", "{p}"])).await?;
    Ok(packages(&tree))
}

/// The packages in the words of `cargo tree`: `name v1.2.3`, and more if it is not from the registry.
fn packages(tree: &str) -> BTreeSet<String> {
    let words = tree.lines().map(|line| line.split(' '));
    let named = words.filter_map(|mut words| Some((words.next()?, words.next()?.strip_prefix('v')?)));
    named.map(|(name, version)| format!("{name}@{version}")).collect()
}

/// Takes out what is not built into the program: the tool lists what tests and the other crates of the workspace add.
/// Returns what is left, as `name@version`.
fn prune(list: &mut Value, built: &BTreeSet<String>) -> BTreeSet<String> {
    let name = |component: &Value| {
        let text = |member: &str| component[member].as_str().unwrap_or_default().to_owned();
        format!("{}@{}", text("name"), text("version"))
    };
    let mut references: BTreeSet<String> =
        list["metadata"]["component"]["bom-ref"].as_str().map(str::to_owned).into_iter().collect();
    let mut kept = BTreeSet::new();
    if let Some(components) = list["components"].as_array_mut() {
        components.retain(|component| built.contains(&name(component)));
        references.extend(components.iter().filter_map(|one| one["bom-ref"].as_str().map(str::to_owned)));
        kept.extend(components.iter().map(name));
    }
    let is_kept = |reference: &Value| reference.as_str().is_some_and(|text| references.contains(text));
    if let Some(dependencies) = list["dependencies"].as_array_mut() {
        dependencies.retain(|dependency| is_kept(&dependency["ref"]));
        for dependency in dependencies {
            if let Some(on) = dependency.get_mut("dependsOn").and_then(Value::as_array_mut) {
                on.retain(is_kept);
            }
        }
    }
    kept
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_is_not_built_is_taken_out_with_all_that_refers_to_it() {
        let component =
            |name: &str| json!({ "name": name, "version": "1.0.0", "bom-ref": format!("ref {name}") });
        let mut list = json!({
            "metadata": { "component": { "bom-ref": "ref program" } },
            "components": [component("built"), component("mock")],
            "dependencies": [
                { "ref": "ref program", "dependsOn": ["ref built", "ref mock"] },
                { "ref": "ref mock" },
                { "ref": "ref built" },
            ],
        });
        let tree = "program v0.1.0 (/x)\nbuilt v1.0.0\nbuilt v1.0.0 (*)\nmacros v2.0.0 (proc-macro)\n\n";
        assert_eq!(
            packages(tree),
            ["built@1.0.0", "macros@2.0.0", "program@0.1.0"].map(str::to_owned).into()
        );
        assert_eq!(prune(&mut list, &packages(tree)), ["built@1.0.0".to_owned()].into());
        assert_eq!(list["components"], json!([component("built")]));
        let dependencies =
            json!([{ "ref": "ref program", "dependsOn": ["ref built"] }, { "ref": "ref built" }]);
        assert_eq!(list["dependencies"], dependencies);
    }
}
