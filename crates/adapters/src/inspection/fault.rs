//! What is wrong with a database.

use std::fmt;

use task_support::visible;

/// Something that is wrong with a database.
///
/// Its sentences hold no secret, and no character that would control a terminal, whatever names the database has.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// How much it matters.
    pub gravity: Gravity,
    /// What it is about.
    pub part: Part,
    /// What was found.
    pub found: String,
    /// What to do. It changes nothing that is not the service's own.
    pub advice: String,
    /// Whether a migration that is pending would fail for it, or would have to be taken back.
    pub stops_migrations: bool,
}

/// How much a fault matters.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Gravity {
    /// The service works, but the operator should look at it.
    Warning,
    /// Requests fail, or the service does not keep a promise.
    Problem,
    /// The service does not work on this database at all: it ends, and migrations are refused.
    Unusable,
}

/// What a fault is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
    /// The database as a whole.
    Database,
    /// The migrations.
    Migrations,
    /// The table `users`.
    Users,
    /// The service's own tables.
    Tables,
    /// The rights of roles.
    Rights,
}

impl Fault {
    pub(crate) fn warning(part: Part, found: impl Into<String>, advice: impl Into<String>) -> Self {
        Self {
            gravity: Gravity::Warning,
            part,
            found: visible(&found.into()),
            advice: visible(&advice.into()),
            stops_migrations: false,
        }
    }

    pub(crate) fn problem(part: Part, found: impl Into<String>, advice: impl Into<String>) -> Self {
        Self { gravity: Gravity::Problem, ..Self::warning(part, found, advice) }
    }

    pub(crate) fn unusable(part: Part, found: impl Into<String>, advice: impl Into<String>) -> Self {
        Self { gravity: Gravity::Unusable, stops_migrations: true, ..Self::warning(part, found, advice) }
    }

    pub(crate) fn stopping_migrations(mut self) -> Self {
        self.stops_migrations = true;
        self
    }
}

/// What was found, and what to do.
impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}. {}", self.found, self.advice)
    }
}
