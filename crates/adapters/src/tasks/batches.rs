//! Requests on tasks of any users, as one statement serves them together.
//!
//! The wall between users stands in each statement, which joins owner and id, and once more here: a row that is not of
//! the request's owner is dropped.

use std::sync::Arc;

use diesel::{
    QueryResult,
    result::{DatabaseErrorKind, Error},
};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use task_domain::{Expectation, RepositoryError, Task, TaskCommand, TaskId, TaskOutcome, UserId};

use super::{
    members::{NewValues, TaskRow, UpdateParams},
    sql::{CreateMany, FindMany, ToggleMany, UpdateMany},
    statements,
};
use crate::{
    batching::{Batchable, Outcomes},
    postgres::{
        error::{Symptoms, classify},
        pool::{PgPool, Read},
        statement::Prepared,
    },
};

/// A user asks for one of their tasks.
pub(super) struct FindRequest {
    pub(super) owner: UserId,
    pub(super) id: TaskId,
}

/// A user asks for a write.
pub(super) struct WriteRequest {
    pub(super) owner: UserId,
    pub(super) command: TaskCommand,
}

impl Batchable for FindRequest {
    type Output = Option<Task>;
    type Store = Arc<PgPool>;

    fn compatible_with(&self, _: &Self) -> bool {
        true
    }

    async fn execute_batch(
        store: &Arc<PgPool>,
        requests: &[Self],
    ) -> Result<Outcomes<Option<Task>>, RepositoryError> {
        let rows = store.read(FindAll(requests)).await?;
        let wanted = requests.iter().map(|request| Wanted { owner: &request.owner, id: Some(request.id) });
        let found = by_place(wanted, rows);
        // Without a row there is no such task.
        Ok(found.into_iter().map(|task| Some(task.transpose())).collect())
    }

    async fn execute_single(self, store: &Arc<PgPool>) -> Result<Option<Task>, RepositoryError> {
        store.read(self).await
    }
}

impl Read for FindRequest {
    type Output = Option<Task>;

    async fn read(&self, connection: &AsyncPgConnection) -> QueryResult<Option<Task>> {
        statements::find(connection, &self.owner, self.id).await
    }
}

struct FindAll<'a>(&'a [FindRequest]);

impl Read for FindAll<'_> {
    type Output = Vec<BatchRow>;

    async fn read(&self, mut connection: &AsyncPgConnection) -> QueryResult<Vec<BatchRow>> {
        let (owners, ids): (Vec<_>, Vec<_>) =
            self.0.iter().map(|request| (request.owner.as_str(), request.id.get())).unzip();
        Prepared(FindMany { owners: &owners, ids: &ids }).load(&mut connection).await
    }
}

/// Which requests a write can share a statement with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum WriteKind {
    /// With other creates.
    Create,
    /// With updates of other tasks.
    Update(TaskId),
    /// With none.
    Single,
}

impl WriteRequest {
    pub(super) fn kind(&self) -> WriteKind {
        match &self.command {
            TaskCommand::Create(_) => WriteKind::Create,
            TaskCommand::Update { id, expected: Expectation::Any, .. }
            | TaskCommand::Toggle { id, expected: Expectation::Any } => WriteKind::Update(*id),
            TaskCommand::Update { .. } | TaskCommand::Toggle { .. } | TaskCommand::Delete { .. } => {
                WriteKind::Single
            }
        }
    }
}

impl Batchable for WriteRequest {
    type Output = TaskOutcome;
    type Store = Arc<PgPool>;

    fn compatible_with(&self, other: &Self) -> bool {
        match (self.kind(), other.kind()) {
            (WriteKind::Create, WriteKind::Create) => true,
            (WriteKind::Update(id), WriteKind::Update(other_id)) => {
                id != other_id || self.owner != other.owner
            }
            _ => false,
        }
    }

    async fn execute_batch(
        store: &Arc<PgPool>,
        requests: &[Self],
    ) -> Result<Outcomes<TaskOutcome>, RepositoryError> {
        let (rows, outcome): (_, fn(Task) -> TaskOutcome) = match requests.first().map(Self::kind) {
            Some(WriteKind::Create) => (create_all(store, requests).await?, TaskOutcome::Created),
            Some(WriteKind::Update(_)) => (update_all(store, requests).await?, TaskOutcome::Updated),
            Some(WriteKind::Single) | None => (Vec::new(), TaskOutcome::Updated),
        };
        let wanted = requests.iter().map(|request| match request.kind() {
            WriteKind::Update(id) => Wanted { owner: &request.owner, id: Some(id) },
            WriteKind::Create | WriteKind::Single => Wanted { owner: &request.owner, id: None },
        });
        let tasks = by_place(wanted, rows).into_iter();
        Ok(tasks.map(|task| task.map(|task| task.map(outcome))).collect())
    }

    async fn execute_single(self, store: &Arc<PgPool>) -> Result<TaskOutcome, RepositoryError> {
        let Self { owner, command } = &self;
        store.run(async |connection| statements::execute(connection, owner, command).await).await
    }
}

async fn create_all(store: &PgPool, requests: &[WriteRequest]) -> Result<Vec<BatchRow>, RepositoryError> {
    let owners: Vec<_> = requests.iter().map(|request| request.owner.as_str()).collect();
    let new = requests.iter().filter_map(|request| match &request.command {
        TaskCommand::Create(new) => Some(NewValues::of(new)),
        _ => None,
    });
    let create = Prepared(CreateMany { owners: &owners, new: new.collect() });
    let rows = all_or_none(store, async |connection| create.load(connection).await).await?;
    if !rows.is_empty() && rows.len() != requests.len() {
        // Then the rank of an id says nothing. No constraint leaves out a row; a trigger past this program might.
        let (created, asked) = (rows.len(), requests.len());
        let reason = format!("{asked} tasks were to be created by one statement, and {created} were");
        return Err(RepositoryError::Unexpected(reason.into()));
    }
    Ok(by_rank(rows))
}

/// The places of new tasks. Their ids were drawn in the order of the requests.
fn by_rank(mut rows: Vec<(String, TaskRow)>) -> Vec<BatchRow> {
    rows.sort_unstable_by_key(|(_, row)| row.id);
    (1..).zip(rows).map(|(place, (owner, row))| (place, owner, row)).collect()
}

async fn update_all(store: &PgPool, requests: &[WriteRequest]) -> Result<Vec<BatchRow>, RepositoryError> {
    let owners: Vec<_> = requests.iter().map(|request| request.owner.as_str()).collect();
    if let Some(ids) = toggles(requests) {
        let toggle = Prepared(ToggleMany { owners: &owners, ids: &ids });
        return all_or_none(store, async |connection| toggle.load(connection).await).await;
    }
    let updates = requests.iter().filter_map(|request| match &request.command {
        TaskCommand::Update { id, changes, .. } => Some((id.get(), UpdateParams::of(changes))),
        TaskCommand::Toggle { id, .. } => Some((id.get(), UpdateParams::toggle())),
        TaskCommand::Create(_) | TaskCommand::Delete { .. } => None,
    });
    let (ids, changes): (Vec<_>, Vec<_>) = updates.unzip();
    let changes = changes.into_iter().collect();
    let update = Prepared(UpdateMany { owners: &owners, ids: &ids, changes });
    all_or_none(store, async |connection| update.load(connection).await).await
}

/// The ids of the tasks, if all requests are toggles.
fn toggles(requests: &[WriteRequest]) -> Option<Vec<i64>> {
    let id = |request: &WriteRequest| match &request.command {
        TaskCommand::Toggle { id, .. } => Some(id.get()),
        TaskCommand::Create(_) | TaskCommand::Update { .. } | TaskCommand::Delete { .. } => None,
    };
    requests.iter().map(id).collect()
}

/// The place of a request in its batch, counted from 1, the owner of the row, and the row.
type BatchRow = (i64, String, TaskRow);

/// What the row of a request must be.
struct Wanted<'a> {
    owner: &'a UserId,
    /// `None` if the task is new.
    id: Option<TaskId>,
}

impl Wanted<'_> {
    fn is(&self, (_, owner, row): &BatchRow) -> bool {
        owner == self.owner.as_str() && self.id.is_none_or(|id| id.get() == row.id)
    }
}

/// The task of each request, in any order of the rows. A row that is not what its request wants is dropped; one that
/// breaks a rule fails its own request alone.
fn by_place<'a>(wanted: impl ExactSizeIterator<Item = Wanted<'a>>, rows: Vec<BatchRow>) -> Outcomes<Task> {
    let mut places: Vec<Option<BatchRow>> = std::iter::repeat_with(|| None).take(wanted.len()).collect();
    for row in rows {
        if let Some(place) = usize::try_from(row.0 - 1).ok().and_then(|index| places.get_mut(index)) {
            *place = Some(row);
        }
    }
    let task = |(wanted, row): (Wanted<'_>, Option<BatchRow>)| {
        let (_, _, row) = row.filter(|row| wanted.is(row))?;
        let seen = Symptoms { broken: false, timed_out: false };
        Some(row.into_task(wanted.owner).map_err(|error| classify(error, seen)))
    };
    wanted.zip(places).map(task).collect()
}

/// Writes by one statement. If PostgreSQL refuses it, nothing was done and there are no rows: one of the requests is at
/// fault, and each one by itself will show which.
async fn all_or_none<T>(
    store: &PgPool,
    write: impl AsyncFnOnce(&mut AsyncPgConnection) -> QueryResult<Vec<T>>,
) -> Result<Vec<T>, RepositoryError> {
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

#[cfg(test)]
mod tests {
    use chrono::{DateTime, Utc};
    use task_domain::testing::{new_task, task_id, user};

    use super::*;
    use crate::testing::TestDatabase;

    /// A task of that owner and id, and otherwise the same as all others.
    fn row(owner: &str, id: i64) -> (String, TaskRow) {
        let row = TaskRow {
            id,
            title: "buy milk".to_owned(),
            description: None,
            created_at: DateTime::<Utc>::UNIX_EPOCH,
            updated_at: None,
            version: None,
            completed_at: None,
        };
        (owner.to_owned(), row)
    }

    /// The ids of the tasks that requests of these owners, for these tasks, are given.
    fn given(wanted: &[(&str, Option<i64>)], rows: Vec<BatchRow>) -> Vec<Option<i64>> {
        let owners: Vec<_> = wanted.iter().map(|(owner, _)| user(owner)).collect();
        let wanted = owners.iter().zip(wanted);
        let wanted = wanted.map(|(owner, (_, id))| Wanted { owner, id: id.map(task_id) });
        let tasks = by_place(wanted, rows);
        tasks.into_iter().map(|task| task.map(|task| task.unwrap().id.get())).collect()
    }

    #[test]
    fn equal_new_tasks_go_to_the_requests_that_created_them_in_any_order_of_the_rows() {
        let wanted = [("ada", None), ("bob", None), ("ada", None), ("ada", None)];
        for order in [[0, 1, 2, 3], [3, 2, 1, 0], [2, 0, 3, 1]] {
            let rows = order.map(|index| row(wanted[index].0, 11 + i64::try_from(index).unwrap()));
            let given = given(&wanted, by_rank(rows.into()));
            assert_eq!(given, [Some(11), Some(12), Some(13), Some(14)], "{order:?}");
        }
    }

    #[test]
    fn a_row_of_another_owner_or_task_or_place_is_given_to_none() {
        for (place, owner, id, expected) in [
            (1, "bob", 11, None),
            (1, "ada", 12, None),
            (0, "ada", 11, None),
            (2, "ada", 11, None),
            (i64::MAX, "ada", 11, None),
            (1, "ada", 11, Some(11)),
        ] {
            let (owner, row) = row(owner, id);
            assert_eq!(given(&[("ada", Some(11))], vec![(place, owner, row)]), [expected]);
        }
    }

    #[tokio::test]
    async fn postgresql_draws_the_ids_of_a_batch_in_the_order_of_the_requests() {
        let db = TestDatabase::new().await;
        db.insert_user("ada").await;
        db.insert_user("bob").await;
        let pool = Arc::new(db.pool());
        // In no order of owner or title.
        let request = |number: u32| WriteRequest {
            owner: user(if number.is_multiple_of(3) { "bob" } else { "ada" }),
            command: TaskCommand::Create(new_task(&(number * 7919 % 64).to_string())),
        };
        let requests: Vec<_> = (0..64).map(request).collect();
        let outcomes = WriteRequest::execute_batch(&pool, &requests).await.unwrap();
        let mut last = None;
        for (request, outcome) in requests.iter().zip(outcomes) {
            let Some(Ok(TaskOutcome::Created(task))) = outcome else { panic!("{outcome:?}") };
            let TaskCommand::Create(new) = &request.command else { unreachable!() };
            assert_eq!((&task.owner, &task.title), (&request.owner, &new.title));
            assert!(last < Some(task.id), "{last:?} {:?}", task.id);
            last = Some(task.id);
        }
    }
}
