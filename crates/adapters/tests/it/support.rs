//! What the tests share.

use std::{
    cmp::Reverse,
    error::Error,
    sync::Arc,
    time::{Duration, Instant},
};

use chrono::{DateTime, Utc};
use diesel::{QueryableByName, sql_types::Text};
use diesel_async::{AsyncPgConnection, SimpleAsyncConnection};
use task_adapters::{
    Database, PgPool, PgTaskRepository, PoolOptions,
    testing::{TestDatabase, pool_options},
};
use task_domain::{
    Description, NewTask, RepositoryError, StatusFilter, Task, TaskChanges, TaskId, TaskOrder, TaskQuery,
    TaskRepository, Title, UserId,
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
        self.tasks.list(owner, TaskQuery::default()).await.unwrap()
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

pub(crate) fn repository(database: &Database, options: PoolOptions) -> PgTaskRepository {
    PgTaskRepository::new(Arc::new(PgPool::new(database, options).unwrap()))
}

/// Opens a connection past the service and executes `sql` in it: what it locks is locked until it is dropped.
pub(crate) async fn session(database: &Database, sql: &str) -> AsyncPgConnection {
    let mut connection = database.connect().await.unwrap();
    connection.batch_execute(sql).await.unwrap();
    connection
}

/// The lines of text that a query of one text column, `line`, gives in a session.
pub(crate) async fn lines(session: &mut AsyncPgConnection, sql: &str) -> Vec<String> {
    #[derive(QueryableByName)]
    struct Row {
        #[diesel(sql_type = Text)]
        line: String,
    }
    let rows: Vec<Row> = diesel_async::RunQueryDsl::load(diesel::sql_query(sql), session).await.unwrap();
    rows.into_iter().map(|row| row.line).collect()
}

/// The connections of a store, open or left behind, as the server sees them: diesel alone quotes names.
pub(crate) const STORES_CONNECTIONS: &str = "(
    SELECT pid, state, query FROM pg_stat_activity
    WHERE datname = current_database() AND pid <> pg_backend_pid() AND query LIKE '%\"tasks\"%'
) AS stores_connections";

/// What each connection of the store is doing: "active" or "idle".
pub(crate) async fn states(db: &TestDatabase) -> Vec<String> {
    db.lines(&format!("SELECT state AS line FROM {STORES_CONNECTIONS} ORDER BY state")).await
}

/// Waits until so many statements of the store are under way in the server.
pub(crate) async fn until_active(db: &TestDatabase, count: usize) {
    let begun = Instant::now();
    while states(db).await.iter().filter(|state| *state == "active").count() < count {
        assert!(begun.elapsed() < Duration::from_secs(20), "{count} statements are never under way");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
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
    TaskChanges::new(title_text.map(title), description_text.map(description)).unwrap()
}

pub(crate) fn ids(tasks: &[Task]) -> Vec<TaskId> {
    tasks.iter().map(|task| task.id).collect()
}

pub(crate) fn query(status: StatusFilter, order: TaskOrder) -> TaskQuery {
    TaskQuery { status, order }
}

/// Every combination of a status and an order.
pub(crate) fn queries() -> impl Iterator<Item = TaskQuery> {
    [StatusFilter::All, StatusFilter::Pending, StatusFilter::Completed]
        .into_iter()
        .flat_map(|status| [TaskOrder::NewestFirst, TaskOrder::Title].map(|order| query(status, order)))
}

/// What a listing of `tasks` has to give: the contract once more, in other words.
pub(crate) fn listed(tasks: &[Task], query: TaskQuery) -> Vec<Task> {
    let mut tasks: Vec<Task> = tasks
        .iter()
        .filter(|task| match query.status {
            StatusFilter::All => true,
            StatusFilter::Pending => !task.completed,
            StatusFilter::Completed => task.completed,
        })
        .cloned()
        .collect();
    match query.order {
        TaskOrder::NewestFirst => tasks.sort_by_key(|task| Reverse((task.created_at, task.id))),
        TaskOrder::Title => {
            tasks
                .sort_by(|a, b| a.title.as_str().chars().cmp(b.title.as_str().chars()).then(a.id.cmp(&b.id)));
        }
    }
    tasks.truncate(1000);
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
