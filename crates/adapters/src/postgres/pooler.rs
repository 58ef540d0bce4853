//! A pooler between the service and PostgreSQL, such as PgBouncer: what kind it is, seen by what it does.
//!
//! In transaction mode a connection is given a session of PostgreSQL for the length of a transaction only, and afterwards
//! another one. So nothing stays with a connection that was `SET` on it, and a statement that was prepared on it is there
//! only if the pooler sees to that.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use tokio::time::timeout;
use tokio_postgres::{Client, SimpleQueryMessage, Statement, error::SqlState, types::Type};

use super::{
    database::{Database, error::ConnectError},
    pool::options::PoolOptions,
};

/// Which session of PostgreSQL carries out the statement.
///
/// Its number is unique on one server only, and there may be several.
const SESSION: &str = "SELECT pg_backend_pid() || ' ' || pg_postmaster_start_time()";
/// How long it may take in all to find out: a pooler without a free session lets clients wait, some for minutes.
const LIMIT: Duration = Duration::from_secs(15);
/// How often it is tried: another client of the pooler may get the session first.
const TIMES: usize = 3;
/// The settings among some that have PostgreSQL's own default in a new session, and the role as SQL writes it. The isolation is
/// wanted as PostgreSQL ships it, so there it is any other one.
const AS_SHIPPED: &str = "SELECT name, quote_ident(current_user) FROM pg_settings
    WHERE name = ANY (string_to_array($1, ','))
        AND (reset_val = boot_val) IS DISTINCT FROM (name = 'default_transaction_isolation')";
/// How long to wait for a session of the pooler: it may have only one.
const PATIENCE: Duration = Duration::from_secs(3);

/// A pooler in transaction mode.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pooler {
    /// It knows which statements a connection has prepared, and prepares them wherever it is carried out: PgBouncer 1.21
    /// or later with `max_prepared_statements`, and Neon.
    KeepsStatements,
    /// It does not, so that a statement is there at one time and not at another. The service cannot work with it.
    LosesStatements,
}

/// Looks for a pooler in transaction mode: two connections are open, and one is given the session that the other has just
/// had. Without a pooler that never happens. Changes nothing.
pub async fn find(database: &Database) -> Result<Option<Pooler>, ConnectError> {
    let (first, second) = (database.client().await?, database.client().await?);
    match timeout(LIMIT, watch(&first, &second)).await {
        Ok(Ok(found)) => Ok(found),
        Ok(Err(error)) if is_loss(&error) => Ok(Some(Pooler::LosesStatements)),
        Ok(Err(error)) => Err(error.into()),
        Err(_) => Err(ConnectError::no_answer_within(LIMIT)),
    }
}

/// Whether a session says so of the name of a statement: that it does not know it, that another client has given it
/// already, or that another client has given it to a statement with parameters.
///
/// Poolers use the code of the last one for all errors of their own, such as that PostgreSQL is down. Only PostgreSQL
/// names the routine in its source.
fn is_loss(error: &tokio_postgres::Error) -> bool {
    let Some(error) = error.as_db_error() else { return false };
    match *error.code() {
        SqlState::INVALID_SQL_STATEMENT_NAME | SqlState::DUPLICATE_PSTATEMENT => true,
        SqlState::PROTOCOL_VIOLATION => error.routine() == Some("exec_bind_message"),
        _ => false,
    }
}

/// What of [`PoolOptions::session`] is not set for the role or the database, as statements that set it. Behind a pooler in
/// transaction mode the service cannot set it. Changes nothing.
pub async fn unset(database: &Database, options: &PoolOptions) -> Result<Vec<String>, ConnectError> {
    let client = database.client().await?;
    let wanted = options.session();
    let names: Vec<_> = wanted.iter().map(|(name, _)| *name).collect();
    // A statement of its own each time, so that it does not matter whether it is kept.
    let rows = client.query_typed(AS_SHIPPED, &[(&names.join(","), Type::TEXT)]).await?;
    let mut statements = Vec::new();
    for row in rows {
        let (name, role): (String, String) = (row.try_get(0)?, row.try_get(1)?);
        if let Some((_, value)) = wanted.iter().find(|(wanted, _)| *wanted == name) {
            statements.push(format!("ALTER ROLE {role} SET {name} = '{value}'"));
        }
    }
    Ok(statements)
}

async fn watch(first: &Client, second: &Client) -> Result<Option<Pooler>, tokio_postgres::Error> {
    // Other processes give the same names, so the answer has to show whose statement was executed.
    let ours = unique();
    let statement = first.prepare(&format!("{SESSION}, '{ours}'")).await?;
    for _ in 0..TIMES {
        let Some(before) = session(first, &statement, &ours).await? else {
            return Ok(Some(Pooler::LosesStatements));
        };
        second.batch_execute("BEGIN").await?;
        // It is held by the transaction, so that the first connection has to be given another one.
        let held = simple_session(second).await?;
        let after = timeout(PATIENCE, session(first, &statement, &ours)).await;
        second.batch_execute("ROLLBACK").await?;
        let moved = match after {
            Ok(after) => match after? {
                Some(after) => after != before,
                None => return Ok(Some(Pooler::LosesStatements)),
            },
            // The pooler has no other session.
            Err(_) => false,
        };
        if moved || held == before {
            return Ok(Some(Pooler::KeepsStatements));
        }
    }
    Ok(None)
}

/// The session that has carried out our statement; `None` if it was another one of the same name.
async fn session(
    client: &Client,
    statement: &Statement,
    ours: &str,
) -> Result<Option<String>, tokio_postgres::Error> {
    let row = client.query_one(statement, &[]).await?;
    let is_ours = row.try_get(1).is_ok_and(|found: &str| found == ours);
    Ok(row.try_get(0).ok().filter(|_| is_ours))
}

/// A text that no other process has at any time.
fn unique() -> String {
    let time = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    format!("task-api {} {}", std::process::id(), time.as_nanos())
}

/// The same without anything prepared.
async fn simple_session(client: &Client) -> Result<String, tokio_postgres::Error> {
    let answer = client.simple_query(SESSION).await?;
    let row = answer.iter().find_map(|message| match message {
        SimpleQueryMessage::Row(row) => row.get(0).map(str::to_owned),
        _ => None,
    });
    // Nothing is equal to no session.
    Ok(row.unwrap_or_default())
}
/// The way to the database leads through a pooler with which the service cannot work.
#[derive(Debug, thiserror::Error)]
#[error(
    "DATABASE_URL leads through a pooler in transaction mode that does not keep prepared statements, with which the \
     service cannot work: use PgBouncer 1.21 or later with max_prepared_statements above 0, or connect to PostgreSQL itself"
)]
pub struct UnusablePooler;
