//! pgbench with the statements of the service: what PostgreSQL alone allows, asked one by one and without HTTP.

use std::{fs, path::Path};

use anyhow::{Context as _, bail, ensure};
use task_adapters::testing;
use tokio::process::Command;
use tokio_postgres::config::Host;
use tools_kit::{process, workspace};

use crate::{
    data::{BEFORE_FIRST_USER, DataSet},
    workload::{Point, Workload},
};
/// More clients than that only wait for one another on a machine that runs everything.
const MOST_CLIENTS: u32 = 16;

/// Measures a point on a database, and returns how many statements a second it ran.
pub(crate) async fn run(
    program: &Path,
    url: &str,
    data: DataSet,
    point: Point,
    seconds: u32,
    seed: u32,
) -> anyhow::Result<f64> {
    let mut pgbench = Command::new(program);
    connect(&mut pgbench, url)?;
    pgbench
        .args(["--no-vacuum", "--protocol", "prepared", "--jobs", "1"])
        .args(["--client", &point.connections.min(MOST_CLIENTS).to_string()])
        .args(["--time", &seconds.to_string(), "--random-seed", &seed.to_string()]);
    for (name, value) in [
        ("tasks", data.tasks.to_string()),
        ("users", data.users.to_string()),
        ("before_first_user", BEFORE_FIRST_USER.to_string()),
        (
            "description",
            "The second rung is loose: there are screws in the drawer below the window.".to_owned(),
        ),
        // Any version will do.
        ("versions", "{}".to_owned()),
        ("after", before_all(point.workload).to_owned()),
    ] {
        pgbench.arg(format!("--define={name}={value}"));
    }
    let folder = workspace::root().join("target/pgbench");
    fs::create_dir_all(&folder)?;
    for (kind, share) in point.workload.parts() {
        let file = folder.join(format!("{}.sql", kind.name()));
        fs::write(&file, script(kind)?)?;
        pgbench.arg(format!("--file={}@{share}", file.display()));
    }
    let words = process::capture(&mut pgbench).await?;
    rate(&words)
}

/// The value of a first page's order that is before all others. The service binds an empty title, which pgbench cannot; no
/// title begins with a blank either.
fn before_all(workload: Workload) -> &'static str {
    if workload == Workload::ListPendingTitle { " " } else { "infinity" }
}

/// A task and its owner, drawn anew for each statement, and a title like no other, so that an update changes something and
/// its indexes.
const DRAWN: &str = "\
\\set id random(1, :tasks)
\\set owner :before_first_user + (:id - 1) % :users + 1
\\set title random(100000000000000000, 999999999999999999)
";

/// What pgbench runs for a kind of request: the values that are not the same for all, and the service's own statement.
fn script(kind: Workload) -> anyhow::Result<String> {
    let (statement, values): (_, &[(&str, &str)]) = match kind {
        Workload::Get => ("find", &[]),
        // One row more than the limit.
        Workload::List => ("page_by_created", &[("after_id", "9223372036854775807"), ("rows", "1001")]),
        Workload::ListPendingTitle => {
            ("page_by_title_of_status", &[("completed", "false"), ("after_id", "0"), ("rows", "1001")])
        }
        Workload::Create => ("create", &[]),
        Workload::Update => ("update", &UPDATE),
        Workload::Toggle => ("toggle", &[("any_version", "true")]),
        Workload::Mix | Workload::FirstPage => bail!("{} is no single statement", kind.name()),
    };
    // An update that leaves the status as it is.
    let absent: &[&str] = if statement == "update" { &["completed"] } else { &[] };
    let values = values.iter().map(|(name, value)| format!("\\set {name} {value}\n"));
    let statement = testing::pgbench_statement(statement, absent);
    Ok(format!("{DRAWN}{}{statement}\n", values.collect::<String>()))
}

const UPDATE: [(&str, &str); 4] =
    [("set_title", "true"), ("set_description", "true"), ("set_completed", "false"), ("any_version", "true")];

/// Says where the database is, and the password, which must not stand among the arguments that everybody can see.
fn connect(pgbench: &mut Command, url: &str) -> anyhow::Result<()> {
    let config: tokio_postgres::Config = url.parse().context("the address of the database cannot be read")?;
    let (Some(Host::Tcp(host)), Some(port)) = (config.get_hosts().first(), config.get_ports().first()) else {
        anyhow::bail!("the address of the database has no host and port");
    };
    let text = |name: &'static str, value: Option<&str>| value.map(|value| (name, value.to_owned()));
    let password = config.get_password().map(String::from_utf8_lossy);
    pgbench.envs([("PGHOST", host.clone()), ("PGPORT", port.to_string())]);
    pgbench.envs(text("PGUSER", config.get_user()));
    pgbench.envs(text("PGDATABASE", config.get_dbname()));
    pgbench.envs(text("PGPASSWORD", password.as_deref()));
    Ok(())
}

fn rate(words: &str) -> anyhow::Result<f64> {
    let unknown = || format!("pgbench does not say how fast it was, but:\n{}", process::tail(words, 12));
    let after = |label: &str| words.lines().find_map(|line| line.strip_prefix(label));
    let first = |text: &str| text.split_whitespace().next().and_then(|word| word.parse::<f64>().ok());
    let rate = after("tps = ").and_then(first).with_context(unknown)?;
    let failed = after("number of failed transactions: ").and_then(first).with_context(unknown)?;
    ensure!(failed == 0.0, "{failed} statements of pgbench failed");
    Ok(rate)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::workload::ALL;

    const WORDS: &str = "pgbench (15.18)\ntransaction type: target/pgbench/get.sql\nnumber of clients: 16\n\
        number of transactions actually processed: 83000\nnumber of failed transactions: 0 (0.000%)\n\
        latency average = 0.385 ms\ninitial connection time = 31.023 ms\n\
        tps = 41504.123456 (without initial connection time)\n";

    #[test]
    fn the_rate_is_read() {
        assert!((rate(WORDS).unwrap() - 41_504.123_456).abs() < 1e-6);
    }

    #[test]
    fn each_single_workload_has_a_script_that_sets_every_variable() {
        let defined = ["tasks", "users", "before_first_user", "description", "versions", "after"];
        for kind in ALL.into_iter().filter(|kind| *kind != Workload::Mix) {
            let script = script(kind).unwrap().replace("::", " ");
            let set: Vec<_> = script.lines().filter_map(|line| line.strip_prefix("\\set ")).collect();
            for name in script.split(':').skip(1) {
                let name = name.split(|c: char| !c.is_ascii_alphanumeric() && c != '_').next().unwrap();
                let is_set = set.iter().any(|line| line.starts_with(&format!("{name} ")));
                assert!(is_set || defined.contains(&name), "{}: {name}", kind.name());
            }
        }
        assert!(script(Workload::Mix).is_err());
    }

    #[test]
    fn failed_statements_are_an_error() {
        let error = rate(&WORDS.replace("transactions: 0", "transactions: 3")).unwrap_err().to_string();
        assert!(error.contains("3 statements"), "{error}");
        assert!(rate("pgbench: error: connection refused").is_err());
    }

    #[test]
    fn the_password_is_no_argument() {
        let mut pgbench = Command::new("pgbench");
        connect(&mut pgbench, "postgres://me:secret@127.0.0.1:5433/tasks?sslmode=disable").unwrap();
        let given: Vec<_> =
            pgbench.as_std().get_envs().filter_map(|(name, value)| Some((name, value?))).collect();
        assert_eq!(given.len(), 5, "{given:?}");
        assert_eq!(pgbench.as_std().get_args().count(), 0);
    }
}
