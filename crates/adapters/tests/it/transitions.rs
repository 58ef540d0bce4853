//! The SQL of each write against the transitions of the domain: random commands of two users, one by one, at the same
//! time and with idempotency keys. Every outcome has to be what the domain decides.

mod steps;

use std::{collections::BTreeMap, sync::Arc};

use chrono::{DateTime, Utc};
use diesel::sql_types::Timestamptz;
use diesel_async::{AsyncPgConnection, SimpleAsyncConnection};
use futures_util::future::join_all;
use proptest::test_runner::{Config, TestCaseError, TestRunner};
use task_adapters::PgIdempotencyStore;
use task_domain::{
    Fingerprint, IdempotencyKey, IdempotencyStore, IdempotentRequest, Receipt, ReceiptWriter, Replay,
    StatusFilter, Task, TaskCommand, TaskId, TaskOrder, TaskOutcome, TaskRepository, UserId,
    testing::{TaskModel, task_id},
};
use tokio::runtime::Runtime;

use self::steps::{Request, Step, steps};
use crate::support::Store;

/// How many sequences of steps are tried.
const CASES: u32 = 32;

/// A moment that no clock has reached.
const FAR_AHEAD: &str = "2100-01-01T00:00:00Z";

/// The moments of the database's clock before and after something was written.
type Window = (DateTime<Utc>, DateTime<Utc>);

/// The database beside the model that has to agree with it.
struct Run<'a> {
    store: &'a Store,
    once: &'a PgIdempotencyStore,
    /// A session past the repository.
    session: &'a AsyncPgConnection,
    model: TaskModel,
    /// Of all tasks that were created in this run, ascending.
    ids: Vec<TaskId>,
    keys: u32,
}

/// A write whose outcome is known.
#[derive(Debug)]
struct Written {
    owner: UserId,
    command: TaskCommand,
    outcome: TaskOutcome,
}

impl Run<'_> {
    async fn go(&mut self, steps: Vec<Step>) {
        self.batch_execute("DELETE FROM tasks; DELETE FROM idempotency_keys").await;
        for step in steps {
            match step {
                Step::Single(request) => self.write_together(vec![request]).await,
                Step::Concurrent(requests) => self.write_together(requests).await,
                Step::Keyed(request) => self.write_keyed(request).await,
                Step::SetClockBack => self.set_clock_back().await,
            }
            self.compare_everything().await;
        }
    }

    /// Carries out all requests at the same time, and finds an order in which the domain comes to the same.
    async fn write_together(&mut self, requests: Vec<Request>) {
        let are_several = requests.len() > 1;
        let writes: Vec<_> = requests.into_iter().map(|request| self.command(request, are_several)).collect();
        let begun = self.now().await;
        let written = join_all(writes.into_iter().map(async |(owner, command)| {
            let outcome = self.store.tasks.execute(&owner, command.clone()).await.unwrap();
            Written { owner, command, outcome }
        }))
        .await;
        let window = (begun, self.now().await);
        for (_, writes) in self.by_task(written) {
            let Some(model) = explain(&self.model, &writes.iter().collect::<Vec<_>>(), window) else {
                panic!("the domain has no order for {writes:#?} within {window:?} on {:#?}", self.model);
            };
            self.model = model;
        }
    }

    /// The writes on each task. Notes the ids of those that were created.
    fn by_task(&mut self, written: Vec<Written>) -> BTreeMap<TaskId, Vec<Written>> {
        let newest = self.newest();
        let mut by_task: BTreeMap<TaskId, Vec<Written>> = BTreeMap::new();
        for write in written {
            let id = match (&write.outcome, write.command.target()) {
                (_, Some((id, _))) => id,
                (TaskOutcome::Created(task), None) => task.id,
                (other, None) => panic!("not created: {other:?}"),
            };
            if write.command.target().is_none() {
                assert!(Some(id) > newest, "{write:?} has an id of before");
                self.ids.push(id);
            }
            by_task.entry(id).or_default().push(write);
        }
        self.ids.sort_unstable();
        by_task
    }

    /// Carries out a request with a key, then once more, which does nothing.
    async fn write_keyed(&mut self, request: Request) {
        let (owner, command) = self.command(request, false);
        self.keys += 1;
        let key = IdempotencyKey::parse(&format!("key-{}", self.keys)).unwrap();
        let request = IdempotentRequest { key, fingerprint: Fingerprint([7; 32]) };
        let execute = async || {
            let command = command.clone();
            self.once.execute_once(&owner, &request, command, ReceiptWriter(in_words)).await.unwrap()
        };
        let begun = self.now().await;
        let first = execute().await;
        let window = (begun, self.now().await);

        let stored = self.store.all(&owner).await;
        let id = match command.target() {
            Some((id, _)) => id,
            None => stored.iter().map(|task| task.id).max().unwrap(),
        };
        let moment = stored.iter().find(|task| task.id == id).map_or(begun, |task| task.updated_at);
        if command.target().is_none() {
            assert!(Some(id) > self.newest());
            self.ids.push(id);
        }
        let expected = self.model.execute(&owner, &command, id, within(moment, window));
        assert_eq!(first, Replay::First(in_words(&expected)), "{command:?}");
        assert_eq!(execute().await, Replay::Again(in_words(&expected)), "{command:?}");
    }

    async fn set_clock_back(&mut self) {
        self.batch_execute(&format!("UPDATE tasks SET updated_at = '{FAR_AHEAD}'")).await;
        for id in &self.ids {
            let updated_at = FAR_AHEAD.parse().unwrap();
            let task = self.model.get(*id).map(|task| Task { updated_at, ..task.clone() });
            self.model.set(*id, task);
        }
    }

    /// What is stored has to be what the model has, of both users.
    async fn compare_everything(&self) {
        for owner in [&self.store.ada, &self.store.bob] {
            let expected = self.model.list(owner, StatusFilter::All, TaskOrder::NewestFirst);
            assert_eq!(self.store.all(owner).await, expected);
        }
    }

    fn command(&self, request: Request, is_concurrent: bool) -> (UserId, TaskCommand) {
        let owner = if request.by_ada { &self.store.ada } else { &self.store.bob };
        (owner.clone(), request.command(&self.model, &self.ids, is_concurrent))
    }

    fn newest(&self) -> Option<TaskId> {
        self.ids.last().copied()
    }

    /// The time of the database's clock.
    async fn now(&self) -> DateTime<Utc> {
        // Here alone: in scope of `RunQueryDsl` everything has a method `execute`.
        use diesel_async::RunQueryDsl;
        let clock = diesel::dsl::sql::<Timestamptz>("clock_timestamp()");
        diesel::select(clock).get_result(&mut &*self.session).await.unwrap()
    }

    async fn batch_execute(&self, statements: &str) {
        (&*self.session).batch_execute(statements).await.unwrap();
    }
}

/// What the model has after the writes on one task, if the domain comes to their outcomes in some order.
fn explain(model: &TaskModel, writes: &[&Written], window: Window) -> Option<TaskModel> {
    if writes.is_empty() {
        return Some(model.clone());
    }
    (0..writes.len()).find_map(|first| {
        let mut others = writes.to_vec();
        let Written { owner, command, outcome } = others.remove(first);
        let (new_id, moment) = match outcome {
            TaskOutcome::Created(task) | TaskOutcome::Updated(task) => (task.id, task.updated_at),
            TaskOutcome::Deleted | TaskOutcome::NotFound | TaskOutcome::VersionMismatch(_) => {
                (task_id(1), window.0)
            }
        };
        let mut model = model.clone();
        let decided = model.execute(owner, command, new_id, within(moment, window));
        if decided == *outcome { explain(&model, &others, window) } else { None }
    })
}

/// The moment at which the database wrote, if it says so: one of those at which it can have been. A time that it made up
/// from the task instead, such as a microsecond more than the one before, has to come from the domain's rule.
fn within(moment: DateTime<Utc>, (begun, ended): Window) -> DateTime<Utc> {
    moment.clamp(begun, ended)
}

/// A receipt that says everything of its outcome.
fn in_words(outcome: &TaskOutcome) -> Receipt {
    Receipt(format!("{outcome:?}").into_bytes())
}

#[test]
fn every_write_comes_to_what_the_domain_decides() {
    let runtime = Runtime::new().unwrap();
    let (store, once, session) = runtime.block_on(async {
        let store = Store::new().await;
        let once = PgIdempotencyStore::new(Arc::new(store.db.pool()));
        let session = store.db.database().connect().await.unwrap();
        (store, once, session)
    });
    let config = Config { failure_persistence: None, ..Config::with_cases(CASES) };
    let outcome = TestRunner::new(config).run(&steps(), |steps| {
        let (store, once, session) = (&store, &once, &session);
        let mut run = Run { store, once, session, model: TaskModel::default(), ids: Vec::new(), keys: 0 };
        runtime.block_on(run.go(steps));
        Ok::<(), TestCaseError>(())
    });
    // Its connections end on the runtime that they were opened on.
    runtime.block_on(async { drop((session, once, store)) });
    outcome.unwrap_or_else(|failure| panic!("{failure}"));
}
