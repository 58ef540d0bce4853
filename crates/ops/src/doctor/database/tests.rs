use task_adapters::inspection::{ClockDifference, UsersTable};

use super::*;
use crate::doctor::report::Verdict;

/// A database in which nothing is wrong, but that there are no tables yet.
fn good() -> Inspection {
    Inspection {
        version: "17.2 (Debian 17.2-1)".to_owned(),
        version_number: 170_002,
        protection: Protection::Verified,
        read_only: false,
        encoding: "UTF8".to_owned(),
        replication_role: "origin".to_owned(),
        role: "app".to_owned(),
        schema: Some("public".to_owned()),
        may_create: true,
        clock: ClockDifference { ahead: 0.0, uncertainty: 0.0 },
        migrations: Some(Vec::new()),
        users: Some(UsersTable {
            full_name: "public.users".to_owned(),
            is_table: true,
            id_type: Some("text".to_owned()),
            is_unique: true,
            is_deterministic: true,
            may_read: true,
            may_refer: true,
        }),
        elsewhere: Vec::new(),
        occupied: Vec::new(),
        tables: Vec::new(),
        strangers: Vec::new(),
    }
}

fn all(inspection: &Inspection, url: &str) -> Vec<Finding> {
    reached(&Database::parse(url).unwrap(), inspection, Duration::from_millis(7))
}

const LOCAL: &str = "postgres://me:s3cret@localhost/app";
const REMOTE: &str = "postgres://me:s3cret@db.example.com/app";

#[test]
fn a_good_database_has_no_problem() {
    let findings = all(&good(), REMOTE);
    assert!(findings.iter().all(|finding| finding.verdict == Verdict::Ok), "{findings:?}");
    assert!(
        findings[0].found.contains("PostgreSQL 17.2 at db.example.com:5432/app answers (7 ms), over TLS")
    );
}

/// A change of a good database, and the words of the finding that it causes.
type Case = (fn(&mut Inspection), &'static str, Verdict, &'static [&'static str]);

/// One fault of each kind; the tests of the inspection have them all, on real databases.
const FAULTS: &[Case] = &[
    (|it| it.protection = Protection::Plain, REMOTE, Verdict::Warning, &["without TLS", "sslmode=require"]),
    (
        |it| it.protection = Protection::Encrypted,
        REMOTE,
        Verdict::Warning,
        &["not checked", "sslmode=require"],
    ),
    (|it| it.version_number = 140_009, LOCAL, Verdict::Warning, &["17.2 is older than 15"]),
    (|it| it.read_only = true, LOCAL, Verdict::Problem, &["read-only", "503", "replica"]),
    (
        |it| it.encoding = "LATIN1".to_owned(),
        LOCAL,
        Verdict::Problem,
        &["encoding LATIN1", "ENCODING 'UTF8'"],
    ),
    (|it| it.users = None, LOCAL, Verdict::Problem, &["no table `users`", "modelName: \"users\"", "migrate"]),
];

#[test]
fn every_fault_is_named_with_its_remedy() {
    for (change, url, verdict, words) in FAULTS {
        let mut inspection = good();
        change(&mut inspection);
        let findings = all(&inspection, url);
        let bad: Vec<_> = findings.iter().filter(|finding| finding.verdict != Verdict::Ok).collect();
        assert_eq!(bad.len(), 1, "{words:?}: {findings:#?}");
        assert_eq!(bad[0].verdict, *verdict, "{bad:?}");
        let text = format!("{} {}", bad[0].found, bad[0].advice);
        assert!(
            words.iter().all(|word| text.contains(word)) && !text.contains("s3cret"),
            "{words:?}: {text}"
        );
    }
}

#[test]
fn a_database_that_does_not_answer_is_explained() {
    for (reason, word) in [
        ("error connecting to server: Connection refused (os error 111)", "Start PostgreSQL"),
        ("failed to lookup address information: Name or service not known", "not known on this machine"),
        ("db error: FATAL: password authentication failed for user \"me\"", "percent-encoded"),
        ("db error: FATAL: database \"app\" does not exist", "Create what does not exist"),
        ("error performing TLS handshake: server does not support TLS", "speak TLS"),
        ("no answer within 2s", "firewall"),
        ("db error: FATAL: sorry, too many clients already", "log of PostgreSQL"),
    ] {
        let database = Database::parse(LOCAL).unwrap();
        let finding = unreachable(&database, &InspectionError::Read(reason.into()));
        assert!(finding.advice.contains(word), "{reason}: {finding:?}");
        assert!(finding.found.contains("localhost:5432/app") && !finding.found.contains("s3cret"));
    }
}
