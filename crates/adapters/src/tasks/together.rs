//! Requests on tasks that one statement can serve together, of whichever users they are.
//!
//! The wall between users stands in each statement, which joins owner and id, and once more here: a row that is not of
//! who asked, or not what was asked for, is nobody's.

use std::{collections::VecDeque, sync::Arc};

use diesel::{QueryResult, result::DatabaseErrorKind, result::Error};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use task_domain::{
    Change, Description, Expectation, NewTask, RepositoryError, Task, TaskChanges, TaskCommand, TaskId,
    TaskOutcome, Title, UserId,
};

use super::{
    row::TaskRow,
    sql::{CreateTogether, FindTogether, ToggleTogether, UpdateTogether},
    statements,
};
use crate::{
    PgPool,
    error::{Symptoms, classify},
    gather::{Outcomes, Together},
    pool::Read,
};

/// One task is asked for.
pub(super) struct Find {
    pub(super) owner: UserId,
    pub(super) id: TaskId,
}

/// A task is to be created.
pub(super) struct Create {
    pub(super) owner: UserId,
    pub(super) new: NewTask,
}

/// A task is to be changed, whatever its version.
pub(super) struct Update {
    pub(super) owner: UserId,
    pub(super) id: TaskId,
    pub(super) changes: TaskChanges,
}

/// A task is to be toggled, whatever its version.
pub(super) struct Toggle {
    pub(super) owner: UserId,
    pub(super) id: TaskId,
}

impl Together for Find {
    type Output = Option<Task>;
    type Store = Arc<PgPool>;
    const AT_ONCE: usize = 1;

    fn goes_with(&self, _: &Self) -> bool {
        true
    }

    async fn carry_out(
        store: &Arc<PgPool>,
        requests: &[Self],
    ) -> Result<Outcomes<Option<Task>>, RepositoryError> {
        let rows = store.read(FindAll(requests)).await?;
        let asked = |number: usize| requests.get(number).map(|request| (&request.owner, request.id));
        let found = place(requests.len(), rows, asked);
        // Whoever is not among them has no such task.
        Ok(found.into_iter().map(|task| Some(task.transpose())).collect())
    }

    async fn carry_out_alone(self, store: &Arc<PgPool>) -> Result<Option<Task>, RepositoryError> {
        store.read(self).await
    }
}

impl Read for Find {
    type Output = Option<Task>;

    async fn read(&self, connection: &AsyncPgConnection) -> QueryResult<Option<Task>> {
        statements::find(connection, &self.owner, self.id).await
    }
}

struct FindAll<'a>(&'a [Find]);

impl Read for FindAll<'_> {
    type Output = Vec<NumberedRow>;

    async fn read(&self, mut connection: &AsyncPgConnection) -> QueryResult<Vec<NumberedRow>> {
        let (owners, ids) = keys(self.0.iter().map(|request| (&request.owner, request.id)));
        FindTogether { owners: &owners, ids: &ids }.load(&mut connection).await
    }
}

impl Together for Create {
    type Output = TaskOutcome;
    type Store = Arc<PgPool>;
    const AT_ONCE: usize = 2;

    fn goes_with(&self, _: &Self) -> bool {
        true
    }

    async fn carry_out(
        store: &Arc<PgPool>,
        requests: &[Self],
    ) -> Result<Outcomes<TaskOutcome>, RepositoryError> {
        let owners: Vec<_> = requests.iter().map(|request| request.owner.as_str()).collect();
        let titles: Vec<_> = requests.iter().map(|request| request.new.title.as_str()).collect();
        let descriptions: Vec<_> = requests
            .iter()
            .map(|request| request.new.description.as_ref().map(Description::as_str))
            .collect();
        let create = CreateTogether { owners: &owners, titles: &titles, descriptions: &descriptions };
        let Some(rows) = all_or_none(store, async |connection| create.load(connection).await).await? else {
            return Ok(none_of(requests));
        };
        // In practice the rows come in the order of the requests, but nobody promises it. Whose title and description
        // are the same may have each other's row.
        let mut rows = VecDeque::<(String, TaskRow)>::from(rows);
        let outcomes = requests.iter().map(|Create { owner, new }| {
            let is_theirs = |(user_id, row): &(String, TaskRow)| {
                user_id == owner.as_str()
                    && row.is(new.title.as_str(), new.description.as_ref().map(Description::as_str))
            };
            let (_, row) = rows.iter().position(is_theirs).and_then(|place| rows.remove(place))?;
            Some(task(row, owner).map(TaskOutcome::Created))
        });
        Ok(outcomes.collect())
    }

    async fn carry_out_alone(self, store: &Arc<PgPool>) -> Result<TaskOutcome, RepositoryError> {
        alone(store, &self.owner, &TaskCommand::Create(self.new)).await
    }
}

impl Together for Update {
    type Output = TaskOutcome;
    type Store = Arc<PgPool>;
    const AT_ONCE: usize = 2;

    fn goes_with(&self, other: &Self) -> bool {
        self.id != other.id || self.owner != other.owner
    }

    async fn carry_out(
        store: &Arc<PgPool>,
        requests: &[Self],
    ) -> Result<Outcomes<TaskOutcome>, RepositoryError> {
        let (owners, ids) = keys(requests.iter().map(|request| (&request.owner, request.id)));
        let changes = || requests.iter().map(|request| &request.changes);
        let titles: Vec<_> = changes().map(|changes| changes.title.as_ref().map(Title::as_str)).collect();
        let descriptions: Vec<_> = changes().map(statements::new_description).collect();
        let keep: Vec<_> = changes().map(|changes| changes.description == Change::Keep).collect();
        let completed: Vec<_> = changes().map(|changes| changes.completed).collect();
        let update = UpdateTogether {
            owners: &owners,
            ids: &ids,
            titles: &titles,
            descriptions: &descriptions,
            keep_descriptions: &keep,
            completed: &completed,
        };
        let rows = all_or_none(store, async |connection| update.load(connection).await).await?;
        let asked = |number: usize| requests.get(number).map(|request| (&request.owner, request.id));
        Ok(updated(place(requests.len(), rows.unwrap_or_default(), asked)))
    }

    async fn carry_out_alone(self, store: &Arc<PgPool>) -> Result<TaskOutcome, RepositoryError> {
        let Self { owner, id, changes } = self;
        alone(store, &owner, &TaskCommand::Update { id, expected: Expectation::Any, changes }).await
    }
}

impl Together for Toggle {
    type Output = TaskOutcome;
    type Store = Arc<PgPool>;
    const AT_ONCE: usize = 2;

    fn goes_with(&self, other: &Self) -> bool {
        self.id != other.id || self.owner != other.owner
    }

    async fn carry_out(
        store: &Arc<PgPool>,
        requests: &[Self],
    ) -> Result<Outcomes<TaskOutcome>, RepositoryError> {
        let (owners, ids) = keys(requests.iter().map(|request| (&request.owner, request.id)));
        let toggle = ToggleTogether { owners: &owners, ids: &ids };
        let rows = all_or_none(store, async |connection| toggle.load(connection).await).await?;
        let mut rows: Vec<(String, TaskRow)> = rows.unwrap_or_default();
        let outcomes = requests.iter().map(|Toggle { owner, id }| {
            let is_theirs =
                |(user_id, row): &(String, TaskRow)| row.id() == id.get() && user_id == owner.as_str();
            let (_, row) = rows.iter().position(is_theirs).map(|place| rows.swap_remove(place))?;
            Some(task(row, owner).map(TaskOutcome::Updated))
        });
        Ok(outcomes.collect())
    }

    async fn carry_out_alone(self, store: &Arc<PgPool>) -> Result<TaskOutcome, RepositoryError> {
        let Self { owner, id } = self;
        alone(store, &owner, &TaskCommand::Toggle { id, expected: Expectation::Any }).await
    }
}

/// A row with the place of who asked for it, counted from one, and its owner.
type NumberedRow = (i64, String, TaskRow);

fn keys<'a>(requests: impl Iterator<Item = (&'a UserId, TaskId)>) -> (Vec<&'a str>, Vec<i64>) {
    requests.map(|(owner, id)| (owner.as_str(), id.get())).unzip()
}

/// The rows at the places of those who asked for them. One that is not what was asked for there is left out.
fn place<'a>(
    requests: usize,
    rows: Vec<NumberedRow>,
    asked: impl Fn(usize) -> Option<(&'a UserId, TaskId)>,
) -> Vec<Option<Result<Task, RepositoryError>>> {
    let mut placed: Vec<_> = (0..requests).map(|_| None).collect();
    for (number, user_id, row) in rows {
        let Some(number) = usize::try_from(number).ok().and_then(|number| number.checked_sub(1)) else {
            continue;
        };
        if let (Some((owner, id)), Some(place)) = (asked(number), placed.get_mut(number))
            && owner.as_str() == user_id
            && row.id() == id.get()
        {
            *place = Some(task(row, owner));
        }
    }
    placed
}

/// A row that breaks a rule is told to who asked for it, and to nobody else.
fn task(row: TaskRow, owner: &UserId) -> Result<Task, RepositoryError> {
    row.into_task(owner).map_err(|error| classify(error, Symptoms { broken: false, timed_out: false }))
}

fn updated(tasks: Outcomes<Task>) -> Outcomes<TaskOutcome> {
    tasks.into_iter().map(|task| task.map(|task| task.map(TaskOutcome::Updated))).collect()
}

fn none_of<R, T>(requests: &[R]) -> Outcomes<T> {
    requests.iter().map(|_| None).collect()
}

/// Writes by one statement. `None` where PostgreSQL refused it, so that nothing was done: one of the requests is at fault,
/// and each one by itself will show which.
async fn all_or_none<T>(
    store: &PgPool,
    write: impl AsyncFnOnce(&mut AsyncPgConnection) -> QueryResult<Vec<T>>,
) -> Result<Option<Vec<T>>, RepositoryError> {
    let mut refused = false;
    let outcome = store.run(async |connection| {
        let outcome = write(connection).await;
        refused = outcome.as_ref().is_err_and(is_refusal);
        outcome
    });
    match outcome.await {
        Ok(rows) => Ok(Some(rows)),
        Err(_) if refused => Ok(None),
        Err(error) => Err(error),
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
