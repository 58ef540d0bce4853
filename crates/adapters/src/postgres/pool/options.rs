use std::time::Duration;

/// How many connections a pool keeps, and how long each step may take.
#[derive(Clone, Debug)]
pub struct PoolOptions {
    /// How many connections stay open when they are idle.
    pub min_idle: usize,
    /// How many connections there are at the most.
    pub max: usize,
    /// How many requests may be with the database or wait for it; further ones are shed.
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
    /// Whether the role has the settings of [`session`](Self::session): behind a pooler in transaction mode, a setting of a
    /// connection would hold for the pooler's next client, and not for this one.
    pub session_settings_from_role: bool,
}

impl PoolOptions {
    /// The settings of each session of PostgreSQL, by name.
    ///
    /// Each statement is planned once for all values: for the values of the first few executions PostgreSQL would, on disks
    /// that it takes for slow, rather read all of a user's tasks and sort them than walk the index that has the order.
    /// And it is planned for a table that will have grown: PostgreSQL would read a small one from end to end, and go on to
    /// do so until the table is analyzed again.
    ///
    /// Row-level security that would filter a statement makes it fail instead: a list that lacks tasks without a word is
    /// worse than an error. A stricter isolation, which a database may have by default, would make writes of two clients fail
    /// that need not.
    #[must_use]
    pub fn session(&self) -> [(&'static str, String); 7] {
        let milliseconds = |time: Duration| format!("{}ms", time.as_millis());
        [
            ("statement_timeout", milliseconds(self.statement_timeout)),
            ("lock_timeout", milliseconds(self.lock_timeout)),
            ("idle_in_transaction_session_timeout", milliseconds(self.deadline)),
            ("plan_cache_mode", "force_generic_plan".to_owned()),
            ("enable_seqscan", "off".to_owned()),
            ("row_security", "off".to_owned()),
            ("default_transaction_isolation", "read committed".to_owned()),
        ]
    }
}

/// How a pool is used at a moment.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct PoolUsage {
    /// Connections that serve a request.
    pub in_use: usize,
    /// Open connections that are idle.
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
