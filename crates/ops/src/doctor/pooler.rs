//! Findings about a pooler between the service and PostgreSQL, and about the direct address.

use std::time::Duration;

use task_adapters::{
    ConnectError, Database,
    inspection::InspectionError,
    pooler::{self, Pooler, UnusablePooler},
};
use task_settings::Settings;
use task_support::Chain;
use tokio::time::timeout;

use crate::doctor::{report::Finding, shown};

const NAME: &str = "pooler";

/// Finds out whether there is a pooler, and whether the settings that it needs are there. Without a pooler and without a
/// direct address there is no finding.
pub(super) async fn examine(settings: &Settings) -> Vec<Finding> {
    let limit = settings.database.pool.deadline;
    let direct = settings.database.direct.as_ref();
    let mut findings = Vec::new();
    match within(limit, pooler::find(&settings.database.target)).await {
        Ok(found) => findings.extend(describe(found, direct.is_some())),
        Err(reason) => {
            let found = format!("the doctor cannot find out whether there is one: {}", shown::plain(&reason));
            let advice = "That takes two more connections: look at the limits of connections.";
            findings.push(Finding::warning(NAME, found, advice));
        }
    }
    if settings.database.pool.session_settings_from_role {
        match within(limit, pooler::unset(&settings.database.target, &settings.database.pool)).await {
            Ok(unset) if unset.is_empty() => {}
            Ok(unset) => findings.push(limits(&unset)),
            Err(reason) => {
                let found = format!("the limits of the role cannot be read: {}", shown::plain(&reason));
                findings.push(Finding::warning(NAME, found, "Try again, and look at the log of PostgreSQL."));
            }
        }
    }
    if let Some(direct) = direct {
        findings.push(describe_direct(direct, within(limit, pooler::find(direct)).await));
    }
    findings
}

/// The pooler as the cause of a failed inspection. Only a pooler that loses prepared statements makes PostgreSQL report that
/// one does not exist, or already exists. The text is English unless `lc_messages` is set.
pub(super) fn explains(error: &InspectionError) -> Option<Finding> {
    let InspectionError::Read(cause) = error else { return None };
    Chain(&**cause).to_string().contains("prepared statement").then(unusable)
}

fn unusable() -> Finding {
    let advice =
        "Change the pooler, or let DATABASE_URL lead to PostgreSQL itself: the service has a pool already.";
    Finding::problem(NAME, UnusablePooler.to_string(), advice)
}

async fn within<T>(
    limit: Duration,
    work: impl Future<Output = Result<T, ConnectError>>,
) -> Result<T, String> {
    match timeout(limit, work).await {
        Ok(outcome) => outcome.map_err(|error| error.to_string()),
        Err(_) => Err(format!("no answer within {limit:?}")),
    }
}

fn describe(found: Option<Pooler>, has_direct_address: bool) -> Option<Finding> {
    match (found?, has_direct_address) {
        (Pooler::LosesStatements, _) => Some(unusable()),
        (Pooler::KeepsStatements, true) => {
            Some(Finding::ok(NAME, "it is in transaction mode and keeps prepared statements"))
        }
        (Pooler::KeepsStatements, false) => {
            let found =
                "DATABASE_URL leads through a pooler in transaction mode, and no direct address is set";
            let advice = "Set DATABASE_DIRECT_URL to the address of PostgreSQL itself. Without it, migrations are refused, and \
                          the service sets its limits on sessions that other clients share.";
            Some(Finding::warning(NAME, found, advice))
        }
    }
}

/// The finding about limits of statements that the role lacks.
fn limits(unset: &[String]) -> Finding {
    let statements: Vec<_> = unset.iter().map(|statement| format!("`{}`", shown::plain(statement))).collect();
    let found = "behind a pooler, the role must have the limits of statements, and it lacks some";
    let advice = format!(
        "Run, and let the pooler connect again: {}. If there is no pooler, remove DATABASE_DIRECT_URL instead.",
        statements.join("; ")
    );
    Finding::warning(NAME, found, advice)
}

fn describe_direct(direct: &Database, found: Result<Option<Pooler>, String>) -> Finding {
    let address = shown::plain(&direct.address());
    match found {
        Ok(None) => Finding::ok(NAME, format!("DATABASE_DIRECT_URL leads to PostgreSQL itself at {address}")),
        Ok(Some(_)) => Finding::problem(
            NAME,
            format!(
                "DATABASE_DIRECT_URL leads through a pooler as well, at {address}: migrations are refused"
            ),
            "Let it lead to PostgreSQL itself; for Neon that is the host without `-pooler`.",
        ),
        Err(reason) => Finding::problem(
            NAME,
            format!("{address} of DATABASE_DIRECT_URL cannot be used: {}", shown::plain(&reason)),
            "Correct DATABASE_DIRECT_URL. The service runs without it, but migrations do not.",
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::doctor::report::Verdict;

    #[test]
    fn each_way_to_the_database_has_its_verdict() {
        let verdict = |found, direct| describe(found, direct).map(|finding| finding.verdict);
        assert_eq!(verdict(None, true), None);
        assert_eq!(verdict(Some(Pooler::KeepsStatements), true), Some(Verdict::Ok));
        assert_eq!(verdict(Some(Pooler::KeepsStatements), false), Some(Verdict::Warning));
        assert_eq!(verdict(Some(Pooler::LosesStatements), true), Some(Verdict::Problem));

        let complaint = |text: &str| explains(&InspectionError::Read(text.into())).is_some();
        assert!(complaint("prepared statement \"s1\" already exists"));
        assert!(!complaint("permission denied for table tasks"));
        assert!(explains(&InspectionError::Slow(Duration::from_secs(1))).is_none());

        let direct = Database::parse("postgres://me:s3cret@db/app").unwrap();
        for (found, verdict) in [
            (Ok(None), Verdict::Ok),
            (Ok(Some(Pooler::KeepsStatements)), Verdict::Problem),
            (Err("refused".to_owned()), Verdict::Problem),
        ] {
            let finding = describe_direct(&direct, found);
            assert_eq!(finding.verdict, verdict);
            assert!(finding.found.contains("db:5432/app") && !finding.found.contains("s3cret"));
        }
        let finding = limits(&["ALTER ROLE app SET lock_timeout = '2000ms'".to_owned()]);
        assert!(finding.advice.contains("`ALTER ROLE app SET lock_timeout = '2000ms'`"), "{finding:?}");
    }
}
