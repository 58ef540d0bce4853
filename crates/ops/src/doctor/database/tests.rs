use task_adapters::{inspection::ClockDifference, migrations::Migration};

use super::*;
use crate::doctor::report::Verdict;

fn table(name: &str) -> OwnTable {
    OwnTable { name: name.to_owned(), lacks: Vec::new(), reference: Reference::Cascades }
}

fn good() -> Inspection {
    let migration = Migration { name: "2026_create_tasks".to_owned(), applied: true };
    Inspection {
        version: "17.2".to_owned(),
        version_number: 170_002,
        protection: Protection::Verified,
        read_only: false,
        role: "app".to_owned(),
        clock: ClockDifference { ahead: 0.0, uncertainty: 0.0 },
        migrations: Some(vec![migration]),
        users: Some(UsersTable { id_type: Some("text".to_owned()), may_read: true }),
        other_users: Vec::new(),
        tables: vec![table("tasks"), table("idempotency_keys")],
    }
}

fn all(inspection: &Inspection, url: &str) -> Vec<Finding> {
    let database = Database::parse(url).unwrap();
    let mut findings = reached(&database, inspection, Duration::from_millis(7));
    findings.push(migrations(inspection));
    findings.extend(users(inspection));
    findings.extend(rights(inspection));
    findings
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

const FAULTS: &[Case] = &[
    (|it| it.protection = Protection::Plain, REMOTE, Verdict::Warning, &["without TLS", "sslmode=require"]),
    (
        |it| it.protection = Protection::Encrypted,
        REMOTE,
        Verdict::Warning,
        &["not checked", "sslmode=require"],
    ),
    (|it| it.version_number = 140_009, LOCAL, Verdict::Warning, &["older than 15"]),
    (|it| it.read_only = true, LOCAL, Verdict::Problem, &["read-only", "503", "replica"]),
    (
        |it| it.migrations = None,
        LOCAL,
        Verdict::Problem,
        &["GRANT SELECT ON __diesel_schema_migrations TO app"],
    ),
    (
        |it| it.migrations.as_mut().unwrap()[0].applied = false,
        LOCAL,
        Verdict::Problem,
        &["not applied: 2026_create_tasks", "`task-api migrate run`"],
    ),
    (|it| it.users = None, LOCAL, Verdict::Problem, &["no table `users`", "modelName: \"users\"", "migrate"]),
    (
        |it| (it.users, it.other_users) = (None, vec!["public.\"user\"".to_owned()]),
        LOCAL,
        Verdict::Problem,
        &["public.\"user\"", "default name", "modelName: \"users\"", "RENAME TO users"],
    ),
    (
        |it| (it.users, it.other_users) = (None, vec!["auth.users".to_owned()]),
        LOCAL,
        Verdict::Problem,
        &["auth.users", "search_path"],
    ),
    (
        |it| it.users.as_mut().unwrap().id_type = Some("uuid".to_owned()),
        LOCAL,
        Verdict::Problem,
        &["type uuid", "generateId"],
    ),
    (|it| it.users.as_mut().unwrap().id_type = None, LOCAL, Verdict::Problem, &["no column `id`"]),
    (
        |it| it.tables[0].reference = Reference::Blocks,
        LOCAL,
        Verdict::Problem,
        &["`tasks` refers to `users` without ON DELETE CASCADE", "ADD CONSTRAINT tasks_user_id_fkey"],
    ),
    (
        |it| it.tables[1].reference = Reference::Missing,
        LOCAL,
        Verdict::Problem,
        &["`idempotency_keys` does not refer"],
    ),
    (
        |it| it.tables[1].lacks = vec!["INSERT".to_owned(), "DELETE".to_owned()],
        LOCAL,
        Verdict::Problem,
        &[
            "app lacks INSERT, DELETE on idempotency_keys",
            "`GRANT INSERT, DELETE ON idempotency_keys TO app`",
        ],
    ),
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
