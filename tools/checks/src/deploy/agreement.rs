//! What one file says and another one repeats: settings, ports, times, versions.

use std::{fs, path::Path, time::Duration};

use anyhow::{Context as _, bail, ensure};
use serde_json::Value;
use task_settings::{Settings, VARIABLES};

use crate::deploy::{
    files::{self, COMPOSE, KUBERNETES, KUSTOMIZATION},
    python,
    systemd::UNIT,
};

/// What PostgreSQL admits by default; and what is not for the service: three of superusers, two of a
/// migration.
const CONNECTIONS: u64 = 100 - 3 - 2;
/// The routes of the service; `cargo xtask openapi --check` compares the document with the code.
const OPENAPI: &str = "docs/openapi.json";
/// A secret as long as it has to be.
const SECRET: &str = "0123456789abcdef0123456789abcdef";

pub(crate) async fn check(programs: &Path) -> anyhow::Result<()> {
    let manifests = python::documents(programs, &files::manifests().await?).await?;
    of_kubernetes(&manifests)?;
    for folder in [KUBERNETES.to_owned(), format!("{KUBERNETES}/migration")] {
        let list = python::documents(programs, &[format!("{folder}/{KUSTOMIZATION}")]).await?;
        of_kustomization(&folder, list.first().unwrap_or(&Value::Null))?;
    }
    let compose = python::documents(programs, &[COMPOSE.to_owned()]).await?;
    of_compose(compose.first().unwrap_or(&Value::Null))?;
    let unit = fs::read_to_string(UNIT).with_context(|| format!("cannot read {UNIT}"))?;
    let limit = unit.lines().find_map(|line| line.strip_prefix("TimeoutStopSec=")?.parse().ok());
    ends_in_time(UNIT, &settings([])?, limit)
}

/// The settings that the service would have with these variables. What is secret in them need not be given.
fn settings(variables: impl IntoIterator<Item = (String, String)>) -> anyhow::Result<Settings> {
    let secrets = [("DATABASE_URL", "postgresql://a:b@localhost/c"), ("BETTER_AUTH_SECRET", SECRET)];
    let secrets = secrets.map(|(name, value)| (name.to_owned(), value.to_owned()));
    Ok(Settings::from_variables(secrets.into_iter().chain(variables))?)
}

/// The variables of an object, which the service has to know.
fn variables(place: &str, object: &Value) -> anyhow::Result<Vec<(String, String)>> {
    let variables = object.as_object().with_context(|| format!("{place} has no variables"))?;
    let known = |name: &str| VARIABLES.iter().any(|variable| variable.name == name);
    if let Some(name) = variables.keys().find(|name| !known(name)) {
        bail!("{place} sets {name}, which the service does not read");
    }
    let text = |value: &Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    Ok(variables.iter().map(|(name, value)| (name.clone(), text(value))).collect())
}

/// A supervisor waits longer before it kills the service than the service takes to end.
fn ends_in_time(place: &str, settings: &Settings, limit: Option<u64>) -> anyhow::Result<()> {
    let limit = limit.with_context(|| format!("{place} does not say how long it waits for the end"))?;
    let takes = settings.server.drain + settings.server.shutdown_timeout;
    ensure!(
        Duration::from_secs(limit) > takes,
        "{place} waits for {limit} s, and the service may take {} s to end",
        takes.as_secs()
    );
    Ok(())
}

fn of_kubernetes(manifests: &[Value]) -> anyhow::Result<()> {
    let of_kind =
        |kind: &str| manifests.iter().find(|manifest| manifest["kind"] == kind).unwrap_or(&Value::Null);
    for secret in manifests.iter().filter(|manifest| manifest["kind"] == "Secret") {
        settings(variables("a Secret", &secret["stringData"])?)?;
    }
    let settings = settings(variables("the ConfigMap", &of_kind("ConfigMap")["data"])?)?;
    let deployment = &of_kind("Deployment")["spec"];
    let pod = &deployment["template"]["spec"];
    ends_in_time("the Deployment", &settings, pod["terminationGracePeriodSeconds"].as_u64())?;
    let replicas = deployment["replicas"].as_u64().context("the Deployment has no number of replicas")?;
    let surge = deployment["strategy"]["rollingUpdate"]["maxSurge"].as_u64().unwrap_or(1);
    let connections = (replicas + surge) * u64::try_from(settings.database.pool.max)?;
    ensure!(
        connections <= CONNECTIONS,
        "{connections} connections during an update are more than {CONNECTIONS}"
    );
    let container = &pod["containers"][0];
    let port = |name: &str| {
        let ports = container["ports"].as_array().into_iter().flatten();
        ports.clone().find(|port| port["name"] == name).and_then(|port| port["containerPort"].as_u64())
    };
    ensure!(
        port("http") == Some(settings.server.listener.port.into()),
        "the port `http` is not that of PORT"
    );
    let metrics = settings.metrics.map(|address| u64::from(address.port()));
    ensure!(
        metrics.is_some() && port("metrics") == metrics,
        "the port `metrics` is not that of METRICS_ADDR"
    );
    let routes = fs::read_to_string(OPENAPI).with_context(|| format!("cannot read {OPENAPI}"))?;
    for probe in ["startupProbe", "livenessProbe", "readinessProbe"] {
        let path =
            container[probe]["httpGet"]["path"].as_str().with_context(|| format!("there is no {probe}"))?;
        ensure!(routes.contains(&format!("\"{path}\"")), "{probe} asks {path}, which is no route");
    }
    Ok(())
}

/// Every manifest of the folder is listed, and what is listed is there, with the version of this release.
fn of_kustomization(folder: &str, list: &Value) -> anyhow::Result<()> {
    let listed = list["resources"].as_array().into_iter().flatten();
    let listed: Vec<_> = listed.filter_map(Value::as_str).collect();
    for name in &listed {
        ensure!(
            Path::new(folder).join(name).is_file(),
            "{folder}/{KUSTOMIZATION} lists {name}, which is not there"
        );
    }
    for entry in fs::read_dir(folder).with_context(|| format!("cannot read {folder}"))? {
        let name = entry?.file_name().to_string_lossy().into_owned();
        // The folder of the migration has a list of its own, and examples are for people.
        let counts = name.contains('.') && name != KUSTOMIZATION && !name.contains(".example.");
        ensure!(!counts || listed.contains(&&*name), "{folder}/{KUSTOMIZATION} does not list {name}");
    }
    let version = &list["images"][0]["newTag"];
    ensure!(version == env!("CARGO_PKG_VERSION"), "{folder}/{KUSTOMIZATION} names the version {version}");
    Ok(())
}

fn of_compose(compose: &Value) -> anyhow::Result<()> {
    let service = &compose["services"]["task-api"];
    let filled_in = |(name, value): (String, String)| {
        let value = match value.split_once("${") {
            Some((before, rest)) => {
                format!("{before}{SECRET}{}", rest.split_once('}').map_or("", |(_, rest)| rest))
            }
            None => value,
        };
        (name, value)
    };
    let variables = variables(COMPOSE, &service["environment"])?;
    let settings = settings(variables.into_iter().map(filled_in))?;
    let limit = service["stop_grace_period"].as_str().and_then(|text| text.strip_suffix('s')?.parse().ok());
    ends_in_time(COMPOSE, &settings, limit)?;
    let services = compose["services"].as_object().into_iter().flatten();
    for (name, service) in services {
        let locked = service["read_only"] == true && service["cap_drop"][0] == "ALL";
        ensure!(locked, "the service {name} of {COMPOSE} may write to its root, or has privileges");
    }
    Ok(())
}
