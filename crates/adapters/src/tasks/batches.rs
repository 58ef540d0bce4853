//! Requests on tasks that one statement can serve together, of whichever users they are.
//!
//! The wall between users stands in each statement, which joins owner and id, and once more here: a row that is not of
//! who asked, or not what was asked for, is nobody's.

use std::{collections::VecDeque, sync::Arc};

use diesel::{QueryResult, result::DatabaseErrorKind, result::Error};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use task_domain::{
    Expectation, NewTask, RepositoryError, Task, TaskChanges, TaskCommand, TaskId, TaskOutcome, UserId,
};

use super::{
    row::TaskRow,
    sql::{CreateTogether, FindTogether, UpdateTogether},
    statements::{self, New, description_of},
};
use crate::{
    batching::{Outcomes, Together},
    postgres::{
        error::{Symptoms, classify},
        pool::{PgPool, Read},
    },
};

/// Which task of whom.
#[derive(PartialEq, Eq)]
pub(super) struct Key {
    pub(super) owner: UserId,
    pub(super) id: TaskId,
}

/// One task is asked for.
pub(super) struct Find(pub(super) Key);

/// A task is to be created.
pub(super) struct Create {
    pub(super) owner: UserId,
    pub(super) new: NewTask,
}

/// A task is to be changed, whatever its version.
pub(super) struct Update {
    pub(super) key: Key,
    pub(super) what: What,
}

/// What is to be done with a task.
pub(super) enum What {
    /// Set these.
    Change(TaskChanges),
    /// Complete it if it is pending, and reopen it if it is completed.
    Toggle,
}

impl Together for Find {
    type Output = Option<Task>;
    type Store = Arc<PgPool>;

    fn goes_with(&self, _: &Self) -> bool {
        true
    }

    async fn carry_out(
        store: &Arc<PgPool>,
        requests: &[Self],
    ) -> Result<Outcomes<Option<Task>>, RepositoryError> {
        let found = handed_out(requests, store.read(FindAll(requests)).await?);
        // Whoever gets no row has no such task.
        Ok(found.into_iter().map(|task| Some(task.transpose())).collect())
    }

    async fn carry_out_alone(self, store: &Arc<PgPool>) -> Result<Option<Task>, RepositoryError> {
        store.read(self).await
    }
}

impl Read for Find {
    type Output = Option<Task>;

    async fn read(&self, connection: &AsyncPgConnection) -> QueryResult<Option<Task>> {
        statements::find(connection, &self.0.owner, self.0.id).await
    }
}

struct FindAll<'a>(&'a [Find]);

impl Read for FindAll<'_> {
    type Output = Vec<OwnedRow>;

    async fn read(&self, mut connection: &AsyncPgConnection) -> QueryResult<Vec<OwnedRow>> {
        let (owners, ids) = columns(self.0.iter().map(|Find(key)| key));
        FindTogether { owners: &owners, ids: &ids }.load(&mut connection).await
    }
}

impl Together for Create {
    type Output = TaskOutcome;
    type Store = Arc<PgPool>;

    fn goes_with(&self, _: &Self) -> bool {
        true
    }

    async fn carry_out(
        store: &Arc<PgPool>,
        requests: &[Self],
    ) -> Result<Outcomes<TaskOutcome>, RepositoryError> {
        let owners: Vec<_> = requests.iter().map(|request| request.owner.as_str()).collect();
        let titles: Vec<_> = requests.iter().map(|request| request.new.title.as_str()).collect();
        let descriptions: Vec<_> = requests.iter().map(|request| description_of(&request.new)).collect();
        let create = CreateTogether { owners: &owners, titles: &titles, descriptions: &descriptions };
        let rows = all_or_none(store, async |connection| create.load(connection).await).await?;
        Ok(outcomes(handed_out(requests, rows), TaskOutcome::Created))
    }

    async fn carry_out_alone(self, store: &Arc<PgPool>) -> Result<TaskOutcome, RepositoryError> {
        alone(store, &self.owner, &TaskCommand::Create(self.new)).await
    }
}

impl Together for Update {
    type Output = TaskOutcome;
    type Store = Arc<PgPool>;

    fn goes_with(&self, other: &Self) -> bool {
        self.key != other.key
    }

    async fn carry_out(
        store: &Arc<PgPool>,
        requests: &[Self],
    ) -> Result<Outcomes<TaskOutcome>, RepositoryError> {
        let (owners, ids) = columns(requests.iter().map(|update| &update.key));
        let new = || requests.iter().map(Self::values);
        let update = UpdateTogether {
            owners: &owners,
            ids: &ids,
            titles: &new().map(|new| new.title).collect::<Vec<_>>(),
            descriptions: &new().map(|new| new.description).collect::<Vec<_>>(),
            keep_descriptions: &new().map(|new| new.keep_description).collect::<Vec<_>>(),
            completed: &new().map(|new| new.completed).collect::<Vec<_>>(),
            flips: &new().map(|new| new.flip).collect::<Vec<_>>(),
        };
        let rows = all_or_none(store, async |connection| update.load(connection).await).await?;
        Ok(outcomes(handed_out(requests, rows), TaskOutcome::Updated))
    }

    async fn carry_out_alone(self, store: &Arc<PgPool>) -> Result<TaskOutcome, RepositoryError> {
        let Self { key: Key { owner, id }, what } = self;
        let expected = Expectation::Any;
        let command = match what {
            What::Change(changes) => TaskCommand::Update { id, expected, changes },
            What::Toggle => TaskCommand::Toggle { id, expected },
        };
        alone(store, &owner, &command).await
    }
}

impl Update {
    /// What is to be done, as the statement says it.
    fn values(&self) -> New<'_> {
        match &self.what {
            What::Change(changes) => New::of(changes),
            What::Toggle => New::FLIPPED,
        }
    }
}

/// A row and its owner.
type OwnedRow = (String, TaskRow);

/// A request that gets a row.
trait Claim {
    fn owner(&self) -> &UserId;

    /// Whether the row, which is its owner's, is the one.
    fn is_for(&self, row: &TaskRow) -> bool;
}

impl Claim for Find {
    fn owner(&self) -> &UserId {
        &self.0.owner
    }

    fn is_for(&self, row: &TaskRow) -> bool {
        row.id() == self.0.id.get()
    }
}

impl Claim for Create {
    fn owner(&self) -> &UserId {
        &self.owner
    }

    /// Those who create the same may have each other's row.
    fn is_for(&self, row: &TaskRow) -> bool {
        row.is(self.new.title.as_str(), description_of(&self.new))
    }
}

impl Claim for Update {
    fn owner(&self) -> &UserId {
        &self.key.owner
    }

    fn is_for(&self, row: &TaskRow) -> bool {
        row.id() == self.key.id.get()
    }
}

fn columns<'a>(keys: impl Iterator<Item = &'a Key>) -> (Vec<&'a str>, Vec<i64>) {
    keys.map(|key| (key.owner.as_str(), key.id.get())).unzip()
}

/// Gives each request its row. A row that is nobody's is dropped; one that breaks a rule is told to who asked for it,
/// and to nobody else. The rows mostly come in the order of the requests, so that each one is found at once.
fn handed_out<R: Claim>(requests: &[R], rows: Vec<OwnedRow>) -> Outcomes<Task> {
    let mut rows = VecDeque::from(rows);
    let row_of = |request: &R| {
        let owner = request.owner();
        let is_theirs = |(user_id, row): &OwnedRow| user_id == owner.as_str() && request.is_for(row);
        let (_, row) = rows.iter().position(is_theirs).and_then(|place| rows.remove(place))?;
        let seen = Symptoms { broken: false, timed_out: false };
        Some(row.into_task(owner).map_err(|error| classify(error, seen)))
    };
    requests.iter().map(row_of).collect()
}

fn outcomes(tasks: Outcomes<Task>, outcome: impl Fn(Task) -> TaskOutcome) -> Outcomes<TaskOutcome> {
    tasks.into_iter().map(|task| task.map(|task| task.map(&outcome))).collect()
}

/// Writes by one statement. Where PostgreSQL refuses it, nothing was done and there are no rows: one of the requests is
/// at fault, and each one by itself will show which.
async fn all_or_none(
    store: &PgPool,
    write: impl AsyncFnOnce(&mut AsyncPgConnection) -> QueryResult<Vec<OwnedRow>>,
) -> Result<Vec<OwnedRow>, RepositoryError> {
    let mut refused = false;
    let outcome = store.run(async |connection| {
        let outcome = write(connection).await;
        refused = outcome.as_ref().is_err_and(is_refusal);
        outcome
    });
    match outcome.await {
        Err(_) if refused => Ok(Vec::new()),
        outcome => outcome,
    }
}

fn is_refusal(error: &Error) -> bool {
    use DatabaseErrorKind::{ClosedConnection, UnableToSendCommand};
    matches!(error, Error::DatabaseError(kind, _) if !matches!(kind, ClosedConnection | UnableToSendCommand))
}

async fn alone(
    store: &PgPool,
    owner: &UserId,
    command: &TaskCommand,
) -> Result<TaskOutcome, RepositoryError> {
    store.run(async |connection| statements::execute(connection, owner, command).await).await
}
