//! Reads what there is to know, in a transaction that PostgreSQL itself keeps from writing.

pub(crate) mod rows;

use std::{
    future::Future,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use diesel::{
    prelude::*,
    sql_types::{Array, Bool, Text},
};
use diesel_async::{AsyncPgConnection, RunQueryDsl, SimpleAsyncConnection};
use task_domain::BoxError;

use crate::{
    inspection::{
        facts::{ClockDifference, Inspection, OwnTable, Protection},
        shape::{self, TableShape},
    },
    migrations::applied::applied_and_pending,
    postgres::{
        database::{Database, error::ConnectError},
        pool::options::PoolOptions,
    },
};

/// Why a database could not be looked at.
#[derive(Debug, thiserror::Error)]
pub enum InspectionError {
    /// There is no connection.
    #[error(transparent)]
    Connect(#[from] ConnectError),
    /// It took too long.
    #[error("no answer within {0:?}")]
    Slow(Duration),
    /// A question was not answered.
    #[error("{0}")]
    Read(BoxError),
}

/// Looks at a database, with the limits that the service has for its own statements. Changes nothing.
pub async fn inspect(database: &Database, limits: &PoolOptions) -> Result<Inspection, InspectionError> {
    let mut connection = connect(database, limits).await?;
    within(limits.deadline, async {
        read_all(&mut connection, database).await.map_err(InspectionError::Read)
    })
    .await
}

/// Whether `users` has a row of that id. Changes nothing. Fails if the role may not read `users`.
pub async fn has_user(database: &Database, limits: &PoolOptions, id: &str) -> Result<bool, InspectionError> {
    #[derive(QueryableByName)]
    struct Found {
        #[diesel(sql_type = Bool)]
        found: bool,
    }
    let mut connection = connect(database, limits).await?;
    within(limits.deadline, async {
        let query = diesel::sql_query("SELECT EXISTS (SELECT FROM users WHERE id = $1) AS found");
        let row = query.bind::<Text, _>(id).get_result::<Found>(&mut connection).await;
        Ok(row.map_err(|error| InspectionError::Read(error.into()))?.found)
    })
    .await
}

/// Looks at a database on a connection that is there, in a transaction of its own that cannot write.
pub(crate) async fn inspect_on(
    connection: &mut AsyncPgConnection,
    database: &Database,
) -> Result<Inspection, BoxError> {
    // All questions see the same moment, also while a migration runs.
    connection.batch_execute("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY").await?;
    let read = read_all(connection, database).await;
    connection.batch_execute("ROLLBACK").await?;
    read
}

/// Opens a connection in a transaction that cannot write. It ends with the connection, and nothing of it is left.
async fn connect(database: &Database, limits: &PoolOptions) -> Result<AsyncPgConnection, InspectionError> {
    let mut connection = within(limits.wait, async { Ok(database.connect().await?) }).await?;
    let begin = format!(
        "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY; SET LOCAL row_security = off; SET LOCAL statement_timeout = {}; \
         SET LOCAL lock_timeout = {}",
        limits.statement_timeout.as_millis(),
        limits.lock_timeout.as_millis(),
    );
    within(limits.deadline, async {
        connection.batch_execute(&begin).await.map_err(|error| InspectionError::Read(error.into()))
    })
    .await?;
    Ok(connection)
}

async fn within<T>(
    limit: Duration,
    work: impl Future<Output = Result<T, InspectionError>>,
) -> Result<T, InspectionError> {
    tokio::time::timeout(limit, work).await.unwrap_or(Err(InspectionError::Slow(limit)))
}

async fn read_all(connection: &mut AsyncPgConnection, database: &Database) -> Result<Inspection, BoxError> {
    let before = now();
    let server: rows::Server =
        diesel::sql_query(include_str!("sql/server.sql")).get_result(connection).await?;
    let after = now();
    let migrations =
        if server.may_read_migrations { Some(applied_and_pending(connection).await?) } else { None };
    let users = diesel::sql_query(include_str!("sql/users.sql")).load::<rows::Users>(connection).await?;
    let tables: Vec<&str> = shape::TABLES.iter().map(|table| table.name).collect();
    let names: Vec<&str> = shape::TABLES.iter().flat_map(TableShape::names).collect();
    let elsewhere = about::<rows::Line>(connection, include_str!("sql/elsewhere.sql"), &tables).await?;
    let occupied = about::<rows::Occupied>(connection, include_str!("sql/occupied.sql"), &names).await?;
    let strangers = about::<rows::Strangers>(connection, include_str!("sql/strangers.sql"), &tables).await?;
    Ok(Inspection {
        protection: protection(database, server.encrypted),
        version: server.version,
        version_number: server.version_number,
        read_only: server.read_only,
        encoding: server.encoding,
        replication_role: server.replication_role,
        role: server.role,
        schema: server.schema,
        may_create: server.may_create,
        clock: ClockDifference {
            ahead: server.clock - f64::midpoint(before, after),
            uncertainty: (after - before) / 2.0,
        },
        migrations,
        users: users.into_iter().next().map(Into::into),
        elsewhere: elsewhere.into_iter().map(|row| row.line).collect(),
        occupied: occupied.into_iter().map(Into::into).collect(),
        tables: own_tables(connection, &tables).await?,
        strangers: strangers.into_iter().map(Into::into).collect(),
    })
}

async fn own_tables(connection: &mut AsyncPgConnection, names: &[&str]) -> Result<Vec<OwnTable>, BoxError> {
    let tables = about::<rows::Relation>(connection, include_str!("sql/tables.sql"), names).await?;
    let columns = about::<rows::Column>(connection, include_str!("sql/columns.sql"), names).await?;
    let with_columns = tables.into_iter().map(|table| {
        let own = columns.iter().filter(|column| column.relation == table.name).cloned();
        let columns = own.map(Into::into).collect();
        OwnTable::new(table, columns)
    });
    Ok(with_columns.collect())
}

/// Asks a question about the relations of these names.
async fn about<T>(
    connection: &mut AsyncPgConnection,
    sql: &'static str,
    names: &[&str],
) -> Result<Vec<T>, diesel::result::Error>
where
    T: QueryableByName<diesel::pg::Pg> + Send + 'static,
{
    diesel::sql_query(sql).bind::<Array<Text>, _>(names).load(connection).await
}

/// What the URL demands is certain. Otherwise the server has to say, and it knows nothing of a proxy that decrypts.
fn protection(database: &Database, encrypted: bool) -> Protection {
    match (database.is_verified(), encrypted) {
        (Some(true), _) => Protection::Verified,
        (None, true) => Protection::Encrypted,
        (Some(false), _) | (None, false) => Protection::Plain,
    }
}

fn now() -> f64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs_f64()
}
