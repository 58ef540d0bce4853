//! The tasks that everything is measured on: the same ones each time, so that runs can be compared.

use std::fmt;

/// The number before the first user's. Ids are digits, so that pgbench, whose variables are numbers, can ask for the same
/// rows.
pub(crate) const BEFORE_FIRST_USER: u64 = 100_000_000_000_000_000;

/// What titles and descriptions consist of.
const WORDS: &str = "air answer bake bank bicycle bill boots bread bring build buy candles car carpet cat change choose \
    clean coat coffee cook cut desk dig dinner dog door draw drive email empty engine fence fetch find finish flowers \
    fold form friend garage grass hang hose ice iron jacket keys ladder lamp laundry learn lesson library list lunch \
    measure milk mirror move music needle notes oil order pack pan paper park parents pay piano picture plants plates \
    pump quilt radio rake receipt recipe rent ring rope school seeds send shirt shoes sign sink soap socks stamps stove \
    table tea thank tickets tools towel train trim umbrella vase walk wall wash weigh wheel window wood wrap";

/// A user by number. The one with the number 0 has tasks only where a data set says so.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct User(pub(crate) u64);

impl fmt::Display for User {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        (BEFORE_FIRST_USER + self.0).fmt(f)
    }
}

/// A number of tasks, and whose they are. They are dealt to the users in turn, so that those of a user lie spread over
/// the table, as they would.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct DataSet {
    pub(crate) tasks: u64,
    pub(crate) users: u64,
    /// Each task whose number is divided by this one belongs to user 0; if it is 0 none does.
    pub(crate) every: u64,
}

/// What the workloads are measured on: a hundred tasks for each of a thousand users.
pub(crate) const USUAL: DataSet = DataSet { tasks: 100_000, users: 1_000, every: 0 };
/// How many requests are made for a workload.
pub(crate) const REQUESTS: u64 = 20_000;
/// How many tasks the one user has who has many.
pub(crate) const MANY: u64 = 100_000;

impl DataSet {
    /// So many tasks, of which one user has [`MANY`], and ten thousand others about as many as another.
    pub(crate) fn large(tasks: u64) -> Self {
        Self { tasks, users: 10_000, every: tasks / MANY }
    }

    pub(crate) fn owner(self, task: u64) -> User {
        if self.every == 0 {
            return User((task - 1) % self.users + 1);
        }
        if task.is_multiple_of(self.every) {
            return User(0);
        }
        User((task - task / self.every - 1) % self.users + 1)
    }

    /// Whose first page is asked for: of the user with many tasks, or of one who has a hundred.
    pub(crate) fn reader(self) -> User {
        User(u64::from(self.every == 0))
    }

    /// Every user, the one with the number 0 included.
    pub(crate) fn insert_users(self) -> String {
        format!(
            r#"INSERT INTO users ("id", "name", "email", "emailVerified")
               SELECT {BEFORE_FIRST_USER} + number, 'User ' || number, 'user' || number || '@example.com', true
               FROM generate_series(0, {}) AS number"#,
            self.users
        )
    }

    /// A share of the tasks. The hash functions of PostgreSQL stand for chance: they give the same each time. The tasks
    /// are spread over a year, the last one the newest.
    pub(crate) fn insert_tasks(self, first: u64, last: u64) -> String {
        let Self { tasks, users, every } = self;
        let number = if every == 0 {
            format!("(id - 1) % {users} + 1")
        } else {
            format!("CASE WHEN id % {every} = 0 THEN 0 ELSE (id - id / {every} - 1) % {users} + 1 END")
        };
        let (title, description) = (words("3 + abs(hashint8extended(id, 0) % 4)", 100), words("14", 200));
        format!(
            "INSERT INTO tasks (id, user_id, title, description, completed, created_at, updated_at, completed_at)
             OVERRIDING SYSTEM VALUE
             SELECT id, {BEFORE_FIRST_USER} + ({number}), {title}, {description}, done, at, at, CASE WHEN done THEN at END
             FROM generate_series({first}::bigint, {last}) AS id,
                  LATERAL (SELECT abs(hashint8extended(id, 1) % 10) < 4 AS done,
                      timestamptz '2025-01-01T00:00:00Z' + id * (interval '365 days' / {tasks}) AS at) AS also"
        )
    }
}

/// An expression for so many words of a task, chosen by the number of each.
fn words(count: &str, salt: u32) -> String {
    let words = WORDS.split_whitespace().collect::<Vec<_>>();
    format!(
        "(SELECT string_agg(('{{{}}}'::text[])[1 + abs(hashint8extended(id, {salt} + place) % {})], ' ')
          FROM generate_series(1, {count}) AS place)",
        words.join(","),
        words.len()
    )
}

/// Numbers that look like chance and are the same each time (`SplitMix64`).
pub(crate) struct Chance(u64);

impl Chance {
    pub(crate) fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// A number from 0 to `below` - 1.
    pub(crate) fn below(&mut self, below: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (mixed ^ (mixed >> 31)) % below
    }

    /// That many words.
    pub(crate) fn words(&mut self, count: u64) -> String {
        let words = WORDS.split_whitespace().collect::<Vec<_>>();
        let one = |_| words.iter().cycle().nth(usize::try_from(self.below(words.len() as u64)).unwrap_or(0));
        (0..count).filter_map(one).copied().collect::<Vec<_>>().join(" ")
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    #[test]
    fn each_user_has_a_hundred_tasks() {
        let mut of: BTreeMap<User, u64> = BTreeMap::new();
        for task in 1..=USUAL.tasks {
            *of.entry(USUAL.owner(task)).or_default() += 1;
        }
        assert_eq!(of.len(), 1_000);
        assert!(of.values().all(|tasks| *tasks == 100));
    }

    #[test]
    fn one_user_has_many_tasks_and_the_others_as_many_as_one_another() {
        let large = DataSet::large(1_000_000);
        let mut of: BTreeMap<User, u64> = BTreeMap::new();
        for task in 1..=large.tasks {
            *of.entry(large.owner(task)).or_default() += 1;
        }
        assert_eq!(of.remove(&User(0)), Some(MANY));
        assert_eq!((of.len(), of.values().min(), of.values().max()), (10_000, Some(&90), Some(&90)));
        assert_eq!((large.reader(), USUAL.reader()), (User(0), User(1)));
    }

    #[test]
    fn ids_of_users_are_numbers_for_pgbench() {
        assert_eq!(User(7).to_string(), "100000000000000007");
    }

    #[test]
    fn chance_is_the_same_each_time() {
        let draw = |seed| {
            let mut chance = Chance::new(seed);
            (chance.below(1_000_000), chance.words(3))
        };
        assert_eq!(draw(1), draw(1));
        assert_ne!(draw(1), draw(2));
        assert_eq!(draw(3).1.split(' ').count(), 3);
    }
}
