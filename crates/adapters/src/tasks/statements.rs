//! What is said to PostgreSQL, each time in one statement that is prepared once for each connection.

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use task_domain::{
    Change, Description, Expectation, NewTask, Position, StatusFilter, Task, TaskChanges, TaskCommand,
    TaskId, TaskOrder, TaskOutcome, TaskPage, TaskQuery, Title, UserId, Version,
};

use super::{
    row::TaskRow,
    sql::{ByTitle, ByTitleOfStatus, Create, Delete, Find, NewestFirst, NewestFirstOfStatus, Update},
};
use crate::schema::tasks;

pub(super) async fn find(
    mut connection: &AsyncPgConnection,
    owner: &UserId,
    id: TaskId,
) -> QueryResult<Option<Task>> {
    let find = Find { owner: owner.as_str(), id: id.get() };
    task(owner, find.get_result(&mut connection).await.optional()?)
}

/// Carries out a write. Only where a version was expected in vain does it take a second statement, to see what is there.
pub(crate) async fn execute(
    connection: &mut AsyncPgConnection,
    owner: &UserId,
    command: &TaskCommand,
) -> QueryResult<TaskOutcome> {
    let (id, expected, written) = match command {
        TaskCommand::Create(new) => return create(connection, owner, new).await.map(TaskOutcome::Created),
        TaskCommand::Update { id, expected, changes } => {
            let task = update(connection, owner, *id, expected, &New::of(changes)).await?;
            (*id, expected, task.map(TaskOutcome::Updated))
        }
        TaskCommand::Toggle { id, expected } => {
            let task = update(connection, owner, *id, expected, &New::FLIPPED).await?;
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
            Ok(current.map_or(TaskOutcome::NotFound, TaskOutcome::Unexpected))
        }
    }
}

async fn create(connection: &mut AsyncPgConnection, owner: &UserId, new: &NewTask) -> QueryResult<Task> {
    let create =
        Create { owner: owner.as_str(), title: new.title.as_str(), description: description_of(new) };
    let row = only(create.load(connection).await?).ok_or(diesel::result::Error::NotFound)?;
    row.into_task(owner)
}

/// The description of a new task.
pub(super) fn description_of(new: &NewTask) -> Option<&str> {
    new.description.as_ref().map(Description::as_str)
}

/// What a task is to become, as the statements say it.
pub(super) struct New<'a> {
    /// `None` keeps it.
    pub(super) title: Option<&'a str>,
    /// What it becomes, unless it is kept.
    pub(super) description: Option<&'a str>,
    pub(super) keep_description: bool,
    /// `None` keeps it, or flips it.
    pub(super) completed: Option<bool>,
    pub(super) flip: bool,
}

impl<'a> New<'a> {
    /// Completed if it was pending, and pending if it was completed.
    pub(super) const FLIPPED: New<'static> =
        New { title: None, description: None, keep_description: true, completed: None, flip: true };

    pub(super) fn of(changes: &'a TaskChanges) -> Self {
        let (description, keep_description) = match &changes.description {
            Change::Keep => (None, true),
            Change::Clear => (None, false),
            Change::Set(description) => (Some(description.as_str()), false),
        };
        let title = changes.title.as_ref().map(Title::as_str);
        Self { title, description, keep_description, completed: changes.completed, flip: false }
    }
}

async fn update(
    connection: &mut AsyncPgConnection,
    owner: &UserId,
    id: TaskId,
    expected: &Expectation,
    new: &New<'_>,
) -> QueryResult<Option<Task>> {
    let (any_version, versions) = versions(expected);
    let &New { title, description, keep_description, completed, flip } = new;
    let update = Update {
        title,
        description,
        keep_description,
        completed,
        flip,
        owner: owner.as_str(),
        id: id.get(),
        any_version,
        versions: &versions,
    };
    task(owner, only(update.load(connection).await?))
}

async fn delete(
    connection: &mut AsyncPgConnection,
    owner: &UserId,
    id: TaskId,
    expected: &Expectation,
) -> QueryResult<bool> {
    let (any_version, versions) = versions(expected);
    let delete = Delete { owner: owner.as_str(), id: id.get(), any_version, versions: &versions };
    Ok(delete.execute(connection).await? > 0)
}

/// Whether every version will do, and which ones will.
fn versions(expected: &Expectation) -> (bool, Vec<i64>) {
    match expected {
        Expectation::Any => (true, Vec::new()),
        Expectation::OneOf(versions) => (false, versions.iter().copied().map(Version::get).collect()),
    }
}

/// The only row of a write that was answered to its end. PostgreSQL sends rows before it commits, and a server that
/// crashes in between sends them without: who takes the first row for the answer acknowledges what is not there.
fn only(rows: Vec<TaskRow>) -> Option<TaskRow> {
    rows.into_iter().next()
}

fn task(owner: &UserId, row: Option<TaskRow>) -> QueryResult<Option<Task>> {
    row.map(|row| row.into_task(owner)).transpose()
}

/// Reads a page, and one row more to see whether it is the last one.
pub(super) async fn list(
    connection: &AsyncPgConnection,
    owner: &UserId,
    query: &TaskQuery,
) -> QueryResult<TaskPage> {
    let limit = usize::from(query.limit.get());
    let mut rows = page_rows(connection, owner.as_str(), query).await?;
    let more = rows.len() > limit;
    rows.truncate(limit);
    let total = if query.count_all { Some(count(connection, owner, query.status).await?) } else { None };
    let tasks = rows.into_iter().map(|row| row.into_task(owner)).collect::<QueryResult<_>>()?;
    Ok(TaskPage { tasks, more, total })
}

/// One arm for each index of `tasks`.
///
/// A first page starts behind a position before all others, so that it is the same statement as the pages after it.
async fn page_rows(
    mut connection: &AsyncPgConnection,
    owner: &str,
    query: &TaskQuery,
) -> QueryResult<Vec<TaskRow>> {
    let limit = i64::from(query.limit.get()) + 1;
    let completed = is_completed(query.status);
    match query.order() {
        TaskOrder::NewestFirst => {
            let (at, id) = match query.position() {
                Some(Position::Created { at, id }) => (*at, id.get()),
                _ => (DateTime::<Utc>::MAX_UTC, i64::MAX),
            };
            match completed {
                None => NewestFirst { owner, at, id, limit }.load(&mut connection).await,
                Some(completed) => {
                    NewestFirstOfStatus { owner, completed, at, id, limit }.load(&mut connection).await
                }
            }
        }
        TaskOrder::Title => {
            let (title, id) = match query.position() {
                Some(Position::Title { title, id }) => (title.as_str(), id.get()),
                _ => ("", 0),
            };
            match completed {
                None => ByTitle { owner, title, id, limit }.load(&mut connection).await,
                Some(completed) => {
                    ByTitleOfStatus { owner, completed, title, id, limit }.load(&mut connection).await
                }
            }
        }
    }
}

async fn count(mut connection: &AsyncPgConnection, owner: &UserId, status: StatusFilter) -> QueryResult<u64> {
    let of_owner = tasks::table.filter(tasks::user_id.eq(owner.as_str())).count();
    let count: i64 = match is_completed(status) {
        None => of_owner.get_result(&mut connection).await?,
        Some(completed) => {
            of_owner.filter(tasks::completed.eq(completed)).get_result(&mut connection).await?
        }
    };
    Ok(count.unsigned_abs())
}

fn is_completed(status: StatusFilter) -> Option<bool> {
    match status {
        StatusFilter::All => None,
        StatusFilter::Pending => Some(false),
        StatusFilter::Completed => Some(true),
    }
}
