//! Rules, dashboard and configuration of Prometheus, judged by promtool and by what the service really counts.

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
};

use anyhow::{Context as _, bail, ensure};
use serde_json::Value;
use tokio::process::Command;
use tools_kit::{process, report, tools, workspace};

use crate::deploy::{dashboard, names, python};

const RULES: &str = "deploy/prometheus/alerts.yaml";
const TESTS: &str = "deploy/prometheus/alerts.test.yaml";
const CONFIGURATION: &str = "deploy/prometheus/prometheus.yaml";
/// What Prometheus itself makes for each instance.
const OF_PROMETHEUS: &str = "up";

/// Judges the files; `metrics` is what a service has just told.
pub(crate) async fn check(programs: &Path, metrics: &str) -> anyhow::Result<()> {
    let promtool = promtool().await?;
    report::step("Rules and dashboard of Prometheus", async {
        let queries = dashboard::queries()?;
        let of_dashboard = workspace::dev_dir()?.join("dashboard-queries.yaml");
        fs::write(&of_dashboard, dashboard::as_rules(&queries))
            .with_context(|| format!("cannot write {}", of_dashboard.display()))?;
        let dashboard = of_dashboard.to_str().context("the path of this checkout is no text")?;
        for arguments in
            [["check", "config", CONFIGURATION], ["test", "rules", TESTS], ["check", "rules", dashboard]]
        {
            process::capture(Command::new(&promtool).args(arguments)).await?;
        }
        let documents = python::documents(programs, &[RULES.to_owned(), TESTS.to_owned()]).await?;
        let [rules, tests] = &documents[..] else { bail!("{RULES} or {TESTS} is not one document") };
        let untested = untested(rules, tests);
        ensure!(untested.is_empty(), "{TESTS} lacks a test {}", untested.join(", "));
        let asked = queries.iter().map(String::as_str).chain(texts(rules, "expr"));
        let asked: BTreeSet<_> = asked.flat_map(names::asked).collect();
        let served = names::served(metrics);
        let unknown: Vec<_> = asked.difference(&served).filter(|name| *name != OF_PROMETHEUS).collect();
        ensure!(
            unknown.is_empty(),
            "rules or dashboard ask for what the service does not count: {unknown:?}"
        );
        Ok(())
    })
    .await
}

/// promtool, which comes with Debian's Prometheus. The package is only unpacked: installed, it would start a server.
async fn promtool() -> anyhow::Result<PathBuf> {
    if process::works("promtool", &["--version"]).await {
        return Ok("promtool".into());
    }
    let unpacked = tools::unpack("prometheus", "usr/bin/promtool").await;
    unpacked.context(
        "promtool is needed: install Prometheus (`apt-get install prometheus`, `brew install prometheus`)",
    )
}

/// Every text of that name in the rules.
fn texts<'a>(rules: &'a Value, name: &'a str) -> impl Iterator<Item = &'a str> {
    let groups = rules["groups"].as_array().into_iter().flatten();
    let rules = groups.flat_map(|group| group["rules"].as_array().into_iter().flatten());
    rules.filter_map(move |rule| rule[name].as_str())
}

/// The alerts of which no test says that they fire, or none that they are silent.
fn untested(rules: &Value, tests: &Value) -> Vec<String> {
    let tests = tests["tests"].as_array().into_iter().flatten();
    let tests: Vec<_> =
        tests.flat_map(|test| test["alert_rule_test"].as_array().into_iter().flatten()).collect();
    let has = |alert: &str, fires: bool| {
        let mut of_alert = tests.iter().filter(|test| test["alertname"] == alert);
        of_alert.any(|test| test["exp_alerts"].as_array().is_some_and(|alerts| alerts.is_empty() != fires))
    };
    let words = [(true, "in which it fires"), (false, "in which it is silent")];
    let lacks = |alert: &str| {
        let lacking = words.into_iter().filter(|(fires, _)| !has(alert, *fires));
        lacking.map(|(_, words)| format!("of {alert} {words}")).collect::<Vec<_>>()
    };
    texts(rules, "alert").flat_map(lacks).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn an_alert_is_tested_both_ways() {
        let rules = json!({ "groups": [{ "rules": [{ "alert": "A", "expr": "x" }, { "alert": "B", "expr": "y" }] }] });
        let test = |alert: &str, fires: bool| json!({ "alertname": alert, "exp_alerts": if fires { vec![json!({})] } else { vec![] } });
        let tests = json!({ "tests": [{ "alert_rule_test": [test("A", true), test("A", false), test("B", false)] }] });
        assert_eq!(untested(&rules, &tests), ["of B in which it fires"]);
        assert_eq!(texts(&rules, "expr").collect::<Vec<_>>(), ["x", "y"]);
    }
}
