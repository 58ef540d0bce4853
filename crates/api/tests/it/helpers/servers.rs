//! Servers to talk to: the application over a mocked port, and the whole of it over a real database.

use std::{
    net::SocketAddr,
    sync::{Arc, mpsc},
    thread,
};

use actix_web::{HttpServer, dev::ServerHandle, rt};
use task_adapters::{
    PoolOptions,
    testing::{HUNG, TestDatabase},
};
use task_api::{Cors, CursorSeal, Limits, Readiness, SchemaProbe, SealKeySource, Services, app, startup};
use task_auth::{ClaimRules, SharedSecret};
use task_domain::{
    RepositoryError, Task, TaskCommand, TaskOutcome, TaskPage, TaskService,
    testing::{MockIdempotencyStore, MockTaskRepository, task},
};
use task_settings::{About, Environment, LimitSettings, Settings};
use tokio::{net::TcpSocket, runtime::Runtime, sync::oneshot};

use super::{answer::Answer, client::Request, tokens::SECRET, until};

/// The origins whose pages may use the servers of the tests.
pub(crate) const LISTED: [&str; 2] = ["https://app.example.com", "http://localhost:3000"];

/// The application over a mocked port, behind a real socket.
pub(crate) struct Server {
    pub(crate) address: SocketAddr,
    handle: ServerHandle,
}

/// What can be different about a [`Server`].
pub(crate) struct Options {
    pub(crate) rules: ClaimRules,
    pub(crate) environment: Environment,
}

impl Default for Options {
    fn default() -> Self {
        Self { rules: ClaimRules::default(), environment: Environment::Dev }
    }
}

impl Server {
    /// Over that port.
    pub(crate) fn over(port: MockTaskRepository) -> Self {
        Self::with(port, Options::default())
    }

    /// Over a port that must not be called: a call panics, which is a 500.
    pub(crate) fn without_port() -> Self {
        Self::over(MockTaskRepository::new())
    }

    /// Over a port that has the task 7 of every user, and no other task.
    pub(crate) fn working() -> Self {
        Self::over(working_port())
    }

    pub(crate) fn with(port: MockTaskRepository, options: Options) -> Self {
        Self::over_both(port, MockIdempotencyStore::new(), options)
    }

    pub(crate) fn over_both(
        port: MockTaskRepository,
        idempotency: MockIdempotencyStore,
        options: Options,
    ) -> Self {
        let readiness = Arc::new(Readiness::new(Box::new(UpToDate), None));
        let services = Services::new(
            TaskService::new(Arc::new(port), Arc::new(idempotency)),
            Arc::new(SharedSecret::new(SECRET.as_bytes(), options.rules)),
            Cors::new(LISTED.map(str::to_owned)),
            CursorSeal::new(Arc::new(FixedKey)),
            Arc::clone(&readiness),
            Arc::new(Limits::new(&LimitSettings::default())),
            &About {
                title: "Tasks".to_owned(),
                version: "1.2.3".to_owned(),
                environment: options.environment,
            },
        )
        .unwrap();
        let (started, start) = mpsc::channel();
        thread::spawn(move || {
            rt::System::new().block_on(async move {
                rt::spawn(async move { readiness.keep().await });
                let server = HttpServer::new(move || app(&services)).workers(1).disable_signals();
                let server = server.bind(("127.0.0.1", 0)).unwrap();
                let address = server.addrs()[0];
                let server = server.run();
                started.send((address, server.handle())).unwrap();
                server.await.unwrap();
            });
        });
        let (address, handle) = start.recv().unwrap();
        Self { address, handle }
    }

    pub(crate) fn send(&self, request: &Request) -> Answer {
        request.send(self.address)
    }
}

/// The schema of mocks.
struct UpToDate;

#[async_trait::async_trait]
impl SchemaProbe for UpToDate {
    async fn is_up_to_date(&self) -> Result<bool, RepositoryError> {
        Ok(true)
    }
}

/// The key that cursors are sealed with over mocks.
struct FixedKey;

#[async_trait::async_trait]
impl SealKeySource for FixedKey {
    async fn seal_key(&self) -> Result<Vec<u8>, RepositoryError> {
        Ok(SECRET.as_bytes().to_vec())
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // Not awaited: the command is on its way all the same.
        drop(self.handle.stop(false));
    }
}

/// The only page of a list.
pub(crate) fn page(tasks: Vec<Task>) -> TaskPage {
    TaskPage { tasks, more: false, total: None }
}

/// A port that has the task 7 of every user, and no other task.
pub(crate) fn working_port() -> MockTaskRepository {
    let mut port = MockTaskRepository::new();
    port.expect_list().returning(|owner, _| Ok(page(vec![task(owner, 7)])));
    port.expect_find().returning(|owner, id| Ok((id.get() == 7).then(|| task(owner, 7))));
    port.expect_execute().returning(|owner, command| {
        let task = task(owner, 7);
        Ok(match command {
            TaskCommand::Create(new) => {
                TaskOutcome::Created(Task { title: new.title, description: new.description, ..task })
            }
            TaskCommand::Update { id, .. } | TaskCommand::Toggle { id, .. } if id.get() == 7 => {
                TaskOutcome::Updated(task)
            }
            TaskCommand::Delete { id, .. } if id.get() == 7 => TaskOutcome::Deleted,
            _ => TaskOutcome::NotFound,
        })
    });
    port
}

/// A port all of whose methods fail in the same way.
pub(crate) fn failing_port(error: fn() -> RepositoryError) -> MockTaskRepository {
    let mut port = MockTaskRepository::new();
    port.expect_list().returning(move |_, _| Err(error()));
    port.expect_find().returning(move |_, _| Err(error()));
    port.expect_execute().returning(move |_, _| Err(error()));
    port
}

/// The whole program but its `main`, over a database of its own with the users alice and bob.
pub(crate) struct Stack {
    pub(crate) address: SocketAddr,
    pub(crate) database: TestDatabase,
    pub(crate) runtime: Runtime,
    _stop: oneshot::Sender<()>,
}

impl Stack {
    pub(crate) fn new() -> Self {
        Self::with(&[])
    }

    /// With these variables besides.
    pub(crate) fn with(variables: &[(&str, &str)]) -> Self {
        let runtime = runtime();
        let database = runtime.block_on(database());
        let url = database.url().to_owned();
        let (address, stop) = start(&url, variables);
        Self { address, database, runtime, _stop: stop }
    }

    pub(crate) fn send(&self, request: &Request) -> Answer {
        request.send(self.address)
    }

    /// Waits until so many sessions wait for a lock.
    pub(crate) fn until_waiting(&self, number: usize) {
        until_waiting(&self.runtime, &self.database, number);
    }

    /// Executes SQL past the service.
    pub(crate) fn execute(&self, sql: &str) {
        self.runtime.block_on(self.database.execute(sql));
    }

    /// The lines that a query of one column gives, past the service.
    pub(crate) fn lines(&self, sql: &str) -> Vec<String> {
        self.runtime.block_on(self.database.lines(sql))
    }
}

/// A runtime for what a test does itself.
pub(crate) fn runtime() -> Runtime {
    tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap()
}

/// A migrated database with the users alice and bob.
pub(crate) async fn database() -> TestDatabase {
    let database = TestDatabase::new().await;
    database.insert_user("alice").await;
    database.insert_user("bob").await;
    database
}

/// A port at which nothing listens, and no other program can meanwhile.
pub(crate) struct ClosedPort(TcpSocket);

impl ClosedPort {
    pub(crate) fn new() -> Self {
        let socket = TcpSocket::new_v4().unwrap();
        socket.bind(SocketAddr::from(([127, 0, 0, 1], 0))).unwrap();
        Self(socket)
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.0.local_addr().unwrap()
    }
}

/// Waits until so many sessions of that database wait for a lock.
pub(crate) fn until_waiting(runtime: &Runtime, database: &TestDatabase, number: usize) {
    let waiting = "SELECT pid::text AS line FROM pg_stat_activity
        WHERE datname = current_database() AND wait_event_type = 'Lock'";
    until("sessions wait for a lock", || runtime.block_on(database.lines(waiting)).len() >= number);
}

/// Starts the server on that database, on a thread and a runtime of its own. It ends with the sender.
pub(crate) fn start(database_url: &str, variables: &[(&str, &str)]) -> (SocketAddr, oneshot::Sender<()>) {
    let origins = LISTED.join(",");
    let defaults = [
        ("DATABASE_URL", database_url),
        ("BETTER_AUTH_SECRET", SECRET),
        ("CORS_ORIGINS", &origins),
        ("PORT", "0"),
        ("WORKERS", "2"),
    ];
    let owned = |(name, value): &(&str, &str)| ((*name).to_owned(), (*value).to_owned());
    // An empty variable takes the default away.
    let is_taken_away = |name: &str| variables.contains(&(name, ""));
    let all = defaults.iter().filter(|(name, _)| !is_taken_away(name)).chain(variables);
    let mut settings = Settings::from_variables(all.map(owned)).unwrap();
    be_patient(&mut settings.database.pool, variables);
    let (stop, stopped) = oneshot::channel();
    let (started, start) = mpsc::channel();
    thread::spawn(move || {
        let runtime =
            tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
        runtime.block_on(async move {
            let server = startup::Server::bind(&settings).unwrap();
            started.send(server.addresses()[0]).unwrap();
            tokio::select! {
                outcome = server.run() => outcome.unwrap(),
                _ = stopped => {}
            }
        });
    });
    (start.recv().unwrap(), stop)
}

/// Takes the limits of time away from a service, except for those that a test names: a busy machine reaches them.
fn be_patient(pool: &mut PoolOptions, variables: &[(&str, &str)]) {
    for (name, limit) in [
        ("DATABASE_POOL_WAIT_MS", &mut pool.wait),
        ("DATABASE_STATEMENT_TIMEOUT_MS", &mut pool.statement_timeout),
        ("DATABASE_LOCK_TIMEOUT_MS", &mut pool.lock_timeout),
        ("DATABASE_DEADLINE_MS", &mut pool.deadline),
    ] {
        if variables.iter().all(|(named, _)| *named != name) {
            *limit = HUNG;
        }
    }
}

/// A connection to the database of a test's own, on which a transaction can be left open.
pub(crate) struct Session<'a> {
    client: tokio_postgres::Client,
    runtime: &'a Runtime,
}

impl<'a> Session<'a> {
    pub(crate) fn open(runtime: &'a Runtime, database: &TestDatabase) -> Self {
        let (client, connection) =
            runtime.block_on(tokio_postgres::connect(database.url(), tokio_postgres::NoTls)).unwrap();
        runtime.spawn(connection);
        Self { client, runtime }
    }

    pub(crate) fn execute(&self, sql: &str) {
        self.runtime.block_on(self.client.batch_execute(sql)).unwrap();
    }

    /// Locks every task until the transaction ends.
    pub(crate) fn lock_tasks(&self) {
        self.execute("BEGIN; SELECT 1 FROM tasks FOR UPDATE");
    }

    /// Releases what is locked.
    pub(crate) fn unlock(&self) {
        self.execute("ROLLBACK");
    }
}
