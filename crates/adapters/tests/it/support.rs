//! What the tests share.

use std::{cmp::Reverse, error::Error, sync::Arc};

use chrono::{DateTime, Utc};
use diesel_async::{AsyncPgConnection, SimpleAsyncConnection};
use task_adapters::{
    Database, PgPool, PgTaskRepository, PoolOptions,
    testing::{TestDatabase, pool_options, until},
};
use task_domain::{
    Change, Description, Expectation, NewTask, PageLimit, RepositoryError, StatusFilter, Task, TaskChanges,
    TaskCommand, TaskId, TaskOrder, TaskOutcome, TaskQuery, TaskRepository, Title, UserId, Version,
    testing::{new_task, user},
};

/// A migrated database with the users "ada" and "bob", and the repository on it.
pub(crate) struct Store {
    // Before the database, so that its connections are closed when that is dropped.
    pub(crate) tasks: PgTaskRepository,
    pub(crate) ada: UserId,
    pub(crate) bob: UserId,
    pub(crate) db: TestDatabase,
}

impl Store {
    pub(crate) async fn new() -> Self {
        Self::with(pool_options()).await
    }

    pub(crate) async fn with(options: PoolOptions) -> Self {
        let db = TestDatabase::new().await;
        db.insert_user("ada").await;
        db.insert_user("bob").await;
        Self { tasks: repository(db.database(), options), ada: user("ada"), bob: user("bob"), db }
    }

    /// Creates a task of that title, and of no description, for ada.
    pub(crate) async fn task(&self, title: &str) -> Task {
        self.tasks.create(&self.ada, new_task(title)).await.unwrap()
    }

    /// All that is stored of all tasks: to see that nothing has changed.
    pub(crate) async fn contents(&self) -> Vec<String> {
        self.db.lines("SELECT tasks::text AS line FROM tasks ORDER BY user_id, id").await
    }

    /// The owner's tasks, the newest first.
    pub(crate) async fn all(&self, owner: &UserId) -> Vec<Task> {
        self.tasks.listed(owner, &TaskQuery::default()).await.unwrap()
    }

    /// Sets when all tasks last changed, past the service.
    pub(crate) async fn set_updated_at(&self, moment: &str) {
        self.db.execute(&format!("UPDATE tasks SET updated_at = '{moment}'")).await;
    }

    /// The time of the database's clock.
    pub(crate) async fn now(&self) -> DateTime<Utc> {
        // An offset of whole hours, as "2026-01-02 03:04:05.678901+00".
        let text = self.db.lines("SELECT clock_timestamp()::text || ':00' AS line").await.remove(0);
        text.parse().unwrap()
    }
}

/// The methods of the repository one by one, whatever version there is, and the tasks of a page alone.
pub(crate) trait OneByOne: TaskRepository {
    async fn listed(&self, owner: &UserId, query: &TaskQuery) -> Result<Vec<Task>, RepositoryError> {
        Ok(self.list(owner, query).await?.tasks)
    }

    async fn create(&self, owner: &UserId, new: NewTask) -> Result<Task, RepositoryError> {
        match self.execute(owner, TaskCommand::Create(new)).await? {
            TaskOutcome::Created(task) => Ok(task),
            other => panic!("not created: {other:?}"),
        }
    }

    async fn update(
        &self,
        owner: &UserId,
        id: TaskId,
        changes: TaskChanges,
    ) -> Result<Option<Task>, RepositoryError> {
        let command = TaskCommand::Update { id, expected: Expectation::Any, changes };
        self.execute(owner, command).await.map(updated)
    }

    async fn toggle(&self, owner: &UserId, id: TaskId) -> Result<Option<Task>, RepositoryError> {
        self.execute(owner, toggle(id)).await.map(updated)
    }

    async fn delete(&self, owner: &UserId, id: TaskId) -> Result<bool, RepositoryError> {
        match self.execute(owner, TaskCommand::Delete { id, expected: Expectation::Any }).await? {
            TaskOutcome::Deleted => Ok(true),
            TaskOutcome::NotFound => Ok(false),
            other => panic!("not deleted: {other:?}"),
        }
    }
}

impl OneByOne for PgTaskRepository {}

/// The command without an expectation.
pub(crate) fn toggle(id: TaskId) -> TaskCommand {
    TaskCommand::Toggle { id, expected: Expectation::Any }
}

fn updated(outcome: TaskOutcome) -> Option<Task> {
    match outcome {
        TaskOutcome::Updated(task) => Some(task),
        TaskOutcome::NotFound => None,
        other => panic!("not updated: {other:?}"),
    }
}

pub(crate) fn repository(database: &Database, options: PoolOptions) -> PgTaskRepository {
    PgTaskRepository::new(Arc::new(PgPool::new(database, options).unwrap()))
}

/// Opens a connection past the service and executes `sql` in it: what it locks is locked until it is dropped.
pub(crate) async fn session(database: &Database, sql: &str) -> AsyncPgConnection {
    let mut connection = database.connect().await.unwrap();
    connection.batch_execute(sql).await.unwrap();
    connection
}

/// The connections of a store, open or left behind, as the server sees them: only its statements bind values. Of a long
/// one the server shows no more than the first kilobyte, and an update binds its values behind that.
pub(crate) const STORES_CONNECTIONS: &str = "(
    SELECT pid, state, wait_event_type, query FROM pg_stat_activity
    WHERE datname = current_database() AND pid <> pg_backend_pid() AND query LIKE '%tasks%'
      AND (query LIKE '%$1%' OR query LIKE 'UPDATE tasks SET title = coalesce(new.title%')
) AS stores_connections";

/// What each connection of the store is doing: "active" or "idle".
pub(crate) async fn states(db: &TestDatabase) -> Vec<String> {
    db.lines(&format!("SELECT state AS line FROM {STORES_CONNECTIONS} ORDER BY state")).await
}

/// A statement that is held up by a lock or sleeps. One that is only active may still be in preparation, and is never
/// carried out if its caller leaves then.
pub(crate) const HELD_UP: &str = "state = 'active' AND wait_event_type IN ('Lock', 'Timeout')";

/// Waits until so many statements of the store are held up in the server.
pub(crate) async fn until_held_up(db: &TestDatabase, count: usize) {
    let sql = format!("SELECT pid::text AS line FROM {STORES_CONNECTIONS} WHERE {HELD_UP}");
    until("the statements are held up", async || db.lines(&sql).await.len() >= count).await;
}

pub(crate) fn title(text: &str) -> Title {
    Title::parse(text).unwrap()
}

pub(crate) fn description(text: &str) -> Description {
    Description::parse(text.to_owned()).unwrap()
}

pub(crate) fn new_task_with(title_text: &str, description_text: &str) -> NewTask {
    NewTask { title: title(title_text), description: Some(description(description_text)) }
}

/// Sets the title, the description or both.
pub(crate) fn changes(title_text: Option<&str>, description_text: Option<&str>) -> TaskChanges {
    TaskChanges {
        title: title_text.map(title),
        description: description_text.map_or(Change::Keep, |text| Change::Set(description(text))),
        completed: None,
    }
}

/// A source of numbers that are the same on every run (splitmix64).
pub(crate) struct Random(pub(crate) u64);

impl Random {
    pub(crate) fn below(&mut self, bound: i64) -> i64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (mixed ^ (mixed >> 31)).cast_signed().rem_euclid(bound)
    }

    pub(crate) fn pick<T: Clone>(&mut self, from: &[T]) -> T {
        let index = self.below(i64::try_from(from.len()).unwrap());
        from[usize::try_from(index).unwrap()].clone()
    }
}

/// The version that a change leaves.
pub(crate) fn next(version: Version) -> Version {
    Version::new(version.get() + 1).unwrap()
}

pub(crate) fn ids(tasks: &[Task]) -> Vec<TaskId> {
    tasks.iter().map(|task| task.id).collect()
}

pub(crate) fn query(status: StatusFilter, order: TaskOrder) -> TaskQuery {
    let mut query = TaskQuery::from_start(order);
    query.status = status;
    query
}

/// Every combination of a status and an order.
pub(crate) fn queries() -> impl Iterator<Item = TaskQuery> {
    [StatusFilter::All, StatusFilter::Pending, StatusFilter::Completed]
        .into_iter()
        .flat_map(|status| [TaskOrder::NewestFirst, TaskOrder::Title].map(|order| query(status, order)))
}

/// What a listing of `tasks` has to give: the contract once more, in other words.
pub(crate) fn listed(tasks: &[Task], query: &TaskQuery) -> Vec<Task> {
    let mut tasks: Vec<Task> = tasks
        .iter()
        .filter(|task| match query.status {
            StatusFilter::All => true,
            StatusFilter::Pending => !task.is_completed(),
            StatusFilter::Completed => task.is_completed(),
        })
        .cloned()
        .collect();
    match query.order() {
        TaskOrder::NewestFirst => tasks.sort_by_key(|task| Reverse((task.created_at, task.id))),
        TaskOrder::Title => {
            tasks
                .sort_by(|a, b| a.title.as_str().chars().cmp(b.title.as_str().chars()).then(a.id.cmp(&b.id)));
        }
    }
    tasks.truncate(PageLimit::MAX.into());
    tasks
}

/// The text of what made the store unavailable. Panics on any other outcome.
pub(crate) fn unavailable<T: std::fmt::Debug>(outcome: Result<T, RepositoryError>) -> String {
    match outcome {
        Err(RepositoryError::Unavailable(cause)) => with_causes(&*cause),
        other => panic!("not unavailable: {other:?}"),
    }
}

/// The text of an unforeseen failure. Panics on any other outcome.
pub(crate) fn unexpected<T: std::fmt::Debug>(outcome: Result<T, RepositoryError>) -> String {
    match outcome {
        Err(RepositoryError::Unexpected(cause)) => with_causes(&*cause),
        other => panic!("not unexpected: {other:?}"),
    }
}

fn with_causes(error: &(dyn Error + 'static)) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        text = format!("{text}: {cause}");
        source = cause.source();
    }
    text
}
