//! What is said to PostgreSQL of single tasks, each time in one statement that is prepared once for each connection.

use diesel::prelude::*;
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use task_domain::{Expectation, NewTask, Task, TaskCommand, TaskId, TaskOutcome, UserId, Version};

use super::{
    members::{NewValues, TaskRow, UpdateParams},
    sql::{Create, Delete, Find, Toggle, Update},
};
use crate::postgres::statement::Prepared;

pub(super) async fn find(
    mut connection: &AsyncPgConnection,
    owner: &UserId,
    id: TaskId,
) -> QueryResult<Option<Task>> {
    let find = Prepared(Find { owner: owner.as_str(), id: id.get() });
    task(owner, find.get_result(&mut connection).await.optional()?)
}

/// Carries out a write. Only if the version is not an expected one does it take a second statement, to see what is there.
pub(crate) async fn execute(
    connection: &mut AsyncPgConnection,
    owner: &UserId,
    command: &TaskCommand,
) -> QueryResult<TaskOutcome> {
    let (id, expected, written) = match command {
        TaskCommand::Create(new) => return create(connection, owner, new).await.map(TaskOutcome::Created),
        TaskCommand::Update { id, expected, changes } => {
            let task = update(connection, owner, *id, expected, UpdateParams::of(changes)).await?;
            (*id, expected, task.map(TaskOutcome::Updated))
        }
        TaskCommand::Toggle { id, expected } => {
            let task = toggle(connection, owner, *id, expected).await?;
            (*id, expected, task.map(TaskOutcome::Updated))
        }
        TaskCommand::Delete { id, expected } => {
            let deleted = delete(connection, owner, *id, expected).await?;
            (*id, expected, deleted.then_some(TaskOutcome::Deleted))
        }
    };
    match (written, expected) {
        (Some(outcome), _) => Ok(outcome),
        (None, Expectation::Any) => Ok(TaskOutcome::NotFound),
        (None, Expectation::OneOf(_)) => {
            let current = find(connection, owner, id).await?;
            Ok(current.map_or(TaskOutcome::NotFound, TaskOutcome::VersionMismatch))
        }
    }
}

async fn create(connection: &mut AsyncPgConnection, owner: &UserId, new: &NewTask) -> QueryResult<Task> {
    let create = Prepared(Create { owner: owner.as_str(), new: NewValues::of(new) });
    let row = only(create.load(connection).await?).ok_or(diesel::result::Error::NotFound)?;
    row.into_task(owner)
}

async fn update(
    connection: &mut AsyncPgConnection,
    owner: &UserId,
    id: TaskId,
    expected: &Expectation,
    changes: UpdateParams<'_>,
) -> QueryResult<Option<Task>> {
    let (any_version, versions) = versions(expected);
    let update = Update { owner: owner.as_str(), id: id.get(), any_version, versions: &versions, changes };
    let update = Prepared(update);
    task(owner, only(update.load(connection).await?))
}

async fn toggle(
    connection: &mut AsyncPgConnection,
    owner: &UserId,
    id: TaskId,
    expected: &Expectation,
) -> QueryResult<Option<Task>> {
    let (any_version, versions) = versions(expected);
    let toggle = Prepared(Toggle { owner: owner.as_str(), id: id.get(), any_version, versions: &versions });
    task(owner, only(toggle.load(connection).await?))
}

async fn delete(
    connection: &mut AsyncPgConnection,
    owner: &UserId,
    id: TaskId,
    expected: &Expectation,
) -> QueryResult<bool> {
    let (any_version, versions) = versions(expected);
    let delete = Prepared(Delete { owner: owner.as_str(), id: id.get(), any_version, versions: &versions });
    Ok(delete.execute(connection).await? > 0)
}

/// Whether any version will do, and otherwise which ones.
fn versions(expected: &Expectation) -> (bool, Vec<i64>) {
    match expected {
        Expectation::Any => (true, Vec::new()),
        Expectation::OneOf(versions) => (false, versions.iter().copied().map(Version::get).collect()),
    }
}

/// The only row of a write, once its answer has ended. PostgreSQL sends rows before it commits, and may crash in between:
/// taking the first row for the answer would acknowledge what is not there.
fn only(rows: Vec<TaskRow>) -> Option<TaskRow> {
    rows.into_iter().next()
}

fn task(owner: &UserId, row: Option<TaskRow>) -> QueryResult<Option<Task>> {
    row.map(|row| row.into_task(owner)).transpose()
}
