use std::time::Duration;

/// How many connections a pool keeps, and how long each step may take.
#[derive(Clone, Debug)]
pub struct PoolOptions {
    /// How many connections stay open when there is nothing to do.
    pub min_idle: usize,
    /// How many connections there are at the most.
    pub max: usize,
    /// How many requests may be with the database or wait for it; who comes then is turned away at once.
    pub max_requests: usize,
    /// How long a request waits for a free connection, and how long opening one may take.
    pub wait: Duration,
    /// How long the server works on one statement before it gives up.
    pub statement_timeout: Duration,
    /// How long a statement waits for a lock before it gives up.
    pub lock_timeout: Duration,
    /// How long everything together may take, connection and statement, seen from here.
    pub deadline: Duration,
    /// After how long a connection is replaced, so that a change of address or credentials is noticed.
    pub max_age: Duration,
    /// Whether [`session`](Self::session) is left to the role: behind a pooler in transaction mode, what is set on a
    /// connection would be for whoever comes next, and not for us.
    pub session_settings_from_role: bool,
}

impl PoolOptions {
    /// What holds for each session of PostgreSQL, as names and values of its settings.
    ///
    /// Each statement is planned once for all values: for the values of the first few times PostgreSQL would, on disks
    /// that it takes for slow, rather read all of a user's tasks and sort them than walk the index that has the order.
    /// And it is planned for a table that will have grown: as long as that is small, PostgreSQL would rather read it
    /// all, and would go on to do so until somebody counts it again.
    #[must_use]
    pub fn session(&self) -> [(&'static str, String); 5] {
        let milliseconds = |time: Duration| format!("{}ms", time.as_millis());
        [
            ("statement_timeout", milliseconds(self.statement_timeout)),
            ("lock_timeout", milliseconds(self.lock_timeout)),
            ("idle_in_transaction_session_timeout", milliseconds(self.deadline)),
            ("plan_cache_mode", "force_generic_plan".to_owned()),
            ("enable_seqscan", "off".to_owned()),
        ]
    }
}

/// How a pool is used at a moment.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct PoolUsage {
    /// Connections that work for somebody.
    pub in_use: usize,
    /// Open connections that nobody uses.
    pub idle: usize,
    /// How many connections there may be.
    pub max: usize,
    /// How many requests wait for a connection.
    pub waiting: usize,
}

impl PoolUsage {
    /// Both together.
    #[must_use]
    pub fn and(self, other: Self) -> Self {
        Self {
            in_use: self.in_use + other.in_use,
            idle: self.idle + other.idle,
            max: self.max + other.max,
            waiting: self.waiting + other.waiting,
        }
    }
}
