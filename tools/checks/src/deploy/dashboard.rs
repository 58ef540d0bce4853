//! The queries of the dashboard.

use std::fs;

use anyhow::{Context as _, ensure};
use serde_json::{Value, json};

pub(crate) const FILE: &str = "deploy/grafana/task-api.json";

/// Every query of every panel, with what Grafana fills in put in its place.
pub(crate) fn queries() -> anyhow::Result<Vec<String>> {
    let text = fs::read_to_string(FILE).with_context(|| format!("cannot read {FILE}"))?;
    let dashboard: Value = serde_json::from_str(&text).with_context(|| format!("{FILE} is not JSON"))?;
    let queries = in_panels(&dashboard);
    ensure!(!queries.is_empty(), "{FILE} has no query");
    Ok(queries)
}

fn in_panels(dashboard: &Value) -> Vec<String> {
    let list = |value: &Value| value.as_array().cloned().unwrap_or_default();
    let panels = list(&dashboard["panels"]);
    // A row that is folded holds its panels.
    let nested = panels.iter().flat_map(|panel| list(&panel["panels"])).collect::<Vec<_>>();
    let targets = panels.iter().chain(&nested).flat_map(|panel| list(&panel["targets"]));
    let queries = targets.filter_map(|target| target["expr"].as_str().map(str::to_owned));
    queries.map(|query| query.replace("$__rate_interval", "5m").replace("$instance", ".*")).collect()
}

/// The queries as a file of rules, so that a tool that knows the language can judge them. JSON is YAML too.
pub(crate) fn as_rules(queries: &[String]) -> String {
    let rules = queries.iter().enumerate();
    let rules = rules.map(|(number, query)| json!({ "record": format!("panel:{number}"), "expr": query }));
    json!({ "groups": [{ "name": "dashboard", "rules": rules.collect::<Vec<_>>() }] }).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn queries_of_folded_rows_are_found_too() {
        let dashboard = json!({ "panels": [
            { "targets": [{ "expr": "rate(a{instance=~\"$instance\"}[$__rate_interval])" }, { "expr": "b" }] },
            { "type": "row", "panels": [{ "targets": [{ "expr": "c" }] }] },
        ] });
        assert_eq!(in_panels(&dashboard), ["rate(a{instance=~\".*\"}[5m])", "b", "c"]);
        assert!(as_rules(&in_panels(&dashboard)).contains("\"expr\":\"b\""));
    }
}
