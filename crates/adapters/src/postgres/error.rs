//! Failures of diesel and of the pool become failures of the port here, and nowhere else.

use deadpool::managed;
use diesel::result::{DatabaseErrorInformation, DatabaseErrorKind as Kind, Error};
use diesel_async::pooled_connection::PoolError;
use task_domain::{BoxError, RepositoryError};

/// What was seen of the connection when a statement failed.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Symptoms {
    /// The connection is gone, or in a state in which it cannot be used.
    pub(crate) broken: bool,
    /// The statement had taken as long as the server lets it.
    pub(crate) timed_out: bool,
}

/// The constraints that every owner is a user; see the migrations that create the tables.
const OWNER_EXISTS: [&str; 2] = ["tasks_user_id_fkey", "idempotency_keys_user_id_fkey"];

/// What PostgreSQL says when it cannot do what it otherwise would: SQLSTATE classes 40, 53, 57 and 58, and one of class
/// 0A for a statement that was prepared before its table changed.
///
/// diesel keeps the text of an error and not its SQLSTATE, so that the text has to do. It is English unless the server's
/// `lc_messages` says otherwise; [`Symptoms`] covers the commonest of these in every language.
const TRANSIENT_FAILURES: [&str; 15] = [
    "canceling statement due to",
    "terminating connection",
    "the database system is",
    "deadlock detected",
    "could not serialize access",
    "could not extend file",
    "could not write",
    "could not read",
    "could not fsync",
    NO_ROOM,
    "out of memory",
    "out of shared memory",
    "too many clients",
    "remaining connection slots",
    "cached plan must not change result type",
];

/// What PostgreSQL says when it cannot write down how a transaction ended. Why, the detail says, which for this holds the
/// name of a file and nothing of a row. If it is not the lack of space, the file may be damaged, and waiting does not help.
const NOT_NOTED: &str = "could not access status of transaction";
const NO_ROOM: &str = "No space left on device";

pub(crate) fn classify(error: Error, seen: Symptoms) -> RepositoryError {
    let unavailable = match &error {
        Error::DatabaseError(Kind::ForeignKeyViolation, info)
            if info.constraint_name().is_some_and(|name| OWNER_EXISTS.contains(&name)) =>
        {
            return RepositoryError::UnknownUser;
        }
        Error::DatabaseError(kind, info) => {
            kind_is_transient(*kind) || seen.timed_out || text_is_transient(&**info)
        }
        Error::BrokenTransactionManager => true,
        _ => false,
    };
    if unavailable || seen.broken {
        RepositoryError::Unavailable(Box::new(Failure(error)))
    } else {
        RepositoryError::Unexpected(Box::new(Failure(error)))
    }
}

pub(crate) fn classify_pool(error: managed::PoolError<PoolError>) -> RepositoryError {
    match error {
        managed::PoolError::NoRuntimeSpecified => RepositoryError::Unexpected(error.into()),
        managed::PoolError::Timeout(_)
        | managed::PoolError::Backend(_)
        | managed::PoolError::Closed
        | managed::PoolError::PostCreateHook(_) => RepositoryError::Unavailable(error.into()),
    }
}

fn kind_is_transient(kind: Kind) -> bool {
    matches!(
        kind,
        // tokio-postgres reports a broken connection so.
        Kind::UnableToSendCommand
            | Kind::ClosedConnection
            | Kind::ReadOnlyTransaction
            | Kind::SerializationFailure
    )
}

fn text_is_transient(info: &(dyn DatabaseErrorInformation + Send + Sync)) -> bool {
    let no_room = || info.details().is_some_and(|details| details.contains(NO_ROOM));
    TRANSIENT_FAILURES.iter().any(|text| info.message().contains(text))
        || (info.message().starts_with(NOT_NOTED) && no_room())
}

/// A failed statement for the log: diesel's text and the constraint. The detail is left out, because it repeats the row's
/// values.
#[derive(Debug)]
struct Failure(Error);

impl std::fmt::Display for Failure {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}", self.0)?;
        if let Error::DatabaseError(kind, info) = &self.0 {
            write!(f, " ({kind:?}")?;
            if let Some(constraint) = info.constraint_name() {
                write!(f, ", constraint {constraint}")?;
            }
            write!(f, ")")?;
        }
        Ok(())
    }
}

impl std::error::Error for Failure {}

/// A row that breaks a rule of the domain, because it was written past this program.
#[derive(Debug, thiserror::Error)]
#[error("task {id} in the database breaks a rule: {column} {reason}")]
pub(crate) struct InconsistentRow {
    pub(crate) id: i64,
    pub(crate) column: &'static str,
    pub(crate) reason: BoxError,
}

impl From<InconsistentRow> for Error {
    fn from(error: InconsistentRow) -> Self {
        Self::DeserializationError(error.into())
    }
}

#[cfg(test)]
mod tests {
    use deadpool::managed::{HookError, TimeoutType};

    use super::*;

    struct Info {
        message: &'static str,
        details: &'static str,
        constraint: Option<&'static str>,
    }

    impl DatabaseErrorInformation for Info {
        fn message(&self) -> &str {
            self.message
        }
        fn details(&self) -> Option<&str> {
            Some(self.details)
        }
        fn hint(&self) -> Option<&str> {
            None
        }
        fn table_name(&self) -> Option<&str> {
            None
        }
        fn column_name(&self) -> Option<&str> {
            None
        }
        fn constraint_name(&self) -> Option<&str> {
            self.constraint
        }
        fn statement_position(&self) -> Option<i32> {
            None
        }
    }

    const FINE: Symptoms = Symptoms { broken: false, timed_out: false };

    fn failure(kind: Kind, message: &'static str, constraint: Option<&'static str>) -> Error {
        let details = "Failing row contains (ada, 1, secret).";
        Error::DatabaseError(kind, Box::new(Info { message, details, constraint }))
    }

    fn is_unavailable(error: &RepositoryError) -> bool {
        matches!(error, RepositoryError::Unavailable(_))
    }

    fn is_unexpected(error: &RepositoryError) -> bool {
        matches!(error, RepositoryError::Unexpected(_))
    }

    #[test]
    fn only_the_owners_foreign_key_says_that_the_user_is_unknown() {
        let violates =
            |constraint| classify(failure(Kind::ForeignKeyViolation, "violates", constraint), FINE);
        for constraint in ["tasks_user_id_fkey", "idempotency_keys_user_id_fkey"] {
            assert!(matches!(violates(Some(constraint)), RepositoryError::UnknownUser));
        }
        assert!(is_unexpected(&violates(Some("tasks_list_id_fkey"))));
        assert!(is_unexpected(&violates(None)));
        let other_kind = failure(Kind::CheckViolation, "violates", Some("tasks_user_id_fkey"));
        assert!(is_unexpected(&classify(other_kind, FINE)));
    }

    #[test]
    fn each_kind_of_failure_has_its_class() {
        for (kind, unavailable) in [
            (Kind::UnableToSendCommand, true),
            (Kind::ClosedConnection, true),
            (Kind::ReadOnlyTransaction, true),
            (Kind::SerializationFailure, true),
            (Kind::UniqueViolation, false),
            (Kind::NotNullViolation, false),
            (Kind::CheckViolation, false),
            (Kind::RestrictViolation, false),
            (Kind::ExclusionViolation, false),
            (Kind::Unknown, false),
        ] {
            let name = format!("{kind:?}");
            assert_eq!(is_unavailable(&classify(failure(kind, "", None), FINE)), unavailable, "{name}");
        }
        assert!(is_unavailable(&classify(Error::BrokenTransactionManager, FINE)));
        for error in [Error::NotFound, Error::RollbackTransaction, Error::QueryBuilderError("q".into())] {
            assert!(is_unexpected(&classify(error, FINE)));
        }
    }

    #[test]
    fn a_transient_failure_is_recognized_by_its_text() {
        for message in [
            "canceling statement due to statement timeout",
            "canceling statement due to lock timeout",
            "canceling statement due to user request",
            "canceling statement due to conflict with recovery",
            "terminating connection due to administrator command",
            "terminating connection because of crash of another server process",
            "the database system is starting up",
            "the database system is shutting down",
            "the database system is in recovery mode",
            "deadlock detected",
            "could not serialize access due to concurrent update",
            "could not extend file \"base/1/2\": No space left on device",
            "could not write to file \"base/pgsql_tmp/1\"",
            "could not read block 1 in file \"base/1/2\"",
            "could not fsync file \"base/1/2\"",
            "out of memory",
            "out of shared memory",
            "sorry, too many clients already",
            "remaining connection slots are reserved for non-replication superuser connections",
            "cached plan must not change result type",
        ] {
            assert!(is_unavailable(&classify(failure(Kind::Unknown, message, None), FINE)), "{message}");
        }
        for message in
            ["relation \"tasks\" does not exist", "permission denied for table tasks", "division by zero"]
        {
            assert!(is_unexpected(&classify(failure(Kind::Unknown, message, None), FINE)), "{message}");
        }
    }

    #[test]
    fn lack_of_space_is_transient_if_only_the_detail_says_so_and_damage_is_not() {
        let unavailable = |message, details| {
            let info = Info { message, details, constraint: None };
            is_unavailable(&classify(Error::DatabaseError(Kind::Unknown, Box::new(info)), FINE))
        };
        let status = "could not access status of transaction 0";
        let full =
            "Could not write to file \"pg_multixact/offsets/0000\" at offset 8192: No space left on device.";
        assert!(unavailable(status, full));
        assert!(!unavailable(status, "Could not open file \"pg_xact/0000\": No such file or directory."));
        // A row has any text that its user wrote.
        assert!(!unavailable(
            "violates a constraint",
            "Failing row contains (ada, No space left on device)."
        ));
    }

    #[test]
    fn what_was_seen_of_the_connection_counts_in_every_language() {
        let german = || failure(Kind::Unknown, "Anweisung wird abgebrochen", None);
        assert!(is_unexpected(&classify(german(), FINE)));
        assert!(is_unavailable(&classify(german(), Symptoms { timed_out: true, ..FINE })));
        assert!(is_unavailable(&classify(german(), Symptoms { broken: true, ..FINE })));
        // A fault of this program stays one, however long it took.
        assert!(is_unexpected(&classify(Error::NotFound, Symptoms { timed_out: true, ..FINE })));
        let unknown = failure(Kind::ForeignKeyViolation, "", Some(OWNER_EXISTS[0]));
        let slow = classify(unknown, Symptoms { timed_out: true, ..FINE });
        assert!(matches!(slow, RepositoryError::UnknownUser));
    }

    #[test]
    fn a_pool_without_a_connection_to_give_is_unavailable() {
        use managed::PoolError as Failed;
        let refused = || PoolError::ConnectionError(diesel::ConnectionError::BadConnection("refused".into()));
        for error in [
            Failed::Timeout(TimeoutType::Wait),
            Failed::Timeout(TimeoutType::Create),
            Failed::Timeout(TimeoutType::Recycle),
            Failed::Backend(refused()),
            Failed::PostCreateHook(HookError::Backend(refused())),
            Failed::Closed,
        ] {
            let text = error.to_string();
            assert!(is_unavailable(&classify_pool(error)), "{text}");
        }
        assert!(is_unexpected(&classify_pool(Failed::NoRuntimeSpecified)));
    }

    #[test]
    fn the_log_gets_the_constraint_and_no_value() {
        let RepositoryError::Unexpected(cause) =
            classify(failure(Kind::CheckViolation, "no", Some("short")), FINE)
        else {
            panic!("a violated check is not foreseen");
        };
        assert_eq!(cause.to_string(), "no (CheckViolation, constraint short)");
        assert!(!format!("{cause:?}").contains("secret"));
    }

    #[test]
    fn an_inconsistent_row_is_named_by_its_id_and_reason() {
        let row = InconsistentRow { id: 7, column: "title", reason: "must not be empty".into() };
        let RepositoryError::Unexpected(cause) = classify(row.into(), FINE) else {
            panic!("such a row is not foreseen")
        };
        assert_eq!(cause.to_string(), "task 7 in the database breaks a rule: title must not be empty");
    }
}
