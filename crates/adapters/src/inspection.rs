//! A look at a database: what it is, what it has, and whether that fits. Everything is read in a transaction that
//! PostgreSQL itself keeps from writing.

use std::{
    future::Future,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use diesel::{
    prelude::*,
    sql_types::{Array, Bool, Double, Integer, Nullable, Text},
};
use diesel_async::{AsyncPgConnection, RunQueryDsl, SimpleAsyncConnection};
use task_domain::BoxError;

use crate::{
    migrations::{self, Migration},
    postgres::{
        database::{Database, error::ConnectError},
        pool::options::PoolOptions,
    },
};

/// The server and what it says of this connection.
const SERVER: &str = "
    SELECT current_setting('server_version') AS version,
        current_setting('server_version_num')::int AS version_number,
        pg_is_in_recovery() OR current_setting('default_transaction_read_only')::bool AS read_only,
        coalesce((SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()), false) AS encrypted,
        extract(epoch FROM clock_timestamp())::float8 AS clock,
        current_user::text AS role,
        coalesce(has_table_privilege(to_regclass('__diesel_schema_migrations'), 'SELECT'), true)
            AS may_read_migrations";
/// The `users` that a name without a schema means, and its `id`.
const USERS: &str = "
    SELECT format_type(atttypid, NULL) AS id_type,
        coalesce(has_column_privilege(table_oid, attnum, 'SELECT'), false) AS may_read
    FROM (SELECT to_regclass('users') AS table_oid) AS named
        LEFT JOIN pg_attribute ON attrelid = table_oid AND attname = 'id' AND NOT attisdropped
    WHERE table_oid IS NOT NULL";
/// Tables of Better Auth's two names for users, but for the `users` above.
const OTHERS: &str = "
    SELECT format('%I.%I', nspname, relname) AS name
    FROM pg_class JOIN pg_namespace ON pg_namespace.oid = relnamespace
    WHERE relname IN ('user', 'users') AND relkind IN ('r', 'p') AND nspname <> 'information_schema'
        AND nspname NOT LIKE 'pg\\_%' AND pg_class.oid IS DISTINCT FROM to_regclass('users')
    ORDER BY 1";
/// The service's own tables: what it does with each, whether its rows belong to users, and what of that is not so.
const OWN_TABLES: &str = "
    SELECT name,
        ARRAY(SELECT wanted FROM unnest(needed) AS wanted
            WHERE NOT has_table_privilege(to_regclass(name), wanted)) AS lacks,
        of_users,
        (SELECT bool_or(confdeltype = 'c') FROM pg_constraint
            WHERE conrelid = to_regclass(name) AND confrelid = to_regclass('users') AND contype = 'f') AS cascades
    FROM (VALUES
        (1, 'tasks', ARRAY['SELECT', 'INSERT', 'UPDATE', 'DELETE'], true),
        (2, 'idempotency_keys', ARRAY['SELECT', 'INSERT', 'UPDATE', 'DELETE'], true),
        (3, 'service_keys', ARRAY['SELECT'], false)
    ) AS own (place, name, needed, of_users)
    WHERE to_regclass(name) IS NOT NULL
    ORDER BY place";

/// What was found in a database.
#[derive(Clone, Debug, PartialEq)]
pub struct Inspection {
    /// The server's version, as it writes it.
    pub version: String,
    /// The server's version as a number: 150003 for 15.3.
    pub version_number: i32,
    /// How the connection is protected.
    pub protection: Protection,
    /// Whether nothing can be written: a replica, or a setting of server, database or role.
    pub read_only: bool,
    /// The role that is connected.
    pub role: String,
    /// The server's clock beside this machine's.
    pub clock: ClockDifference,
    /// The migrations that this program knows; `None` if the role may not see which are applied.
    pub migrations: Option<Vec<Migration>>,
    /// The table `users` that the service's tables refer to.
    pub users: Option<UsersTable>,
    /// Other tables named `users` or `user`, each with its schema.
    pub other_users: Vec<String>,
    /// Those of the service's tables that are there.
    pub tables: Vec<OwnTable>,
}

/// How a connection is protected on its way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Protection {
    /// Not at all.
    Plain,
    /// It is encrypted, and the server's certificate was not checked.
    Encrypted,
    /// It is encrypted, and the server has shown a certificate for its name.
    Verified,
}

/// Another clock beside this machine's.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ClockDifference {
    /// By how many seconds the other clock is ahead of ours; negative if it is behind.
    pub ahead: f64,
    /// By how many seconds that may be wrong: half of the round trip.
    pub uncertainty: f64,
}

/// Better Auth's table of users.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UsersTable {
    /// The type of its column `id`; `None` if there is no such column.
    pub id_type: Option<String>,
    /// Whether the connected role may read that column. The service itself does not have to.
    pub may_read: bool,
}

/// A table of the service's own.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OwnTable {
    /// Its name.
    pub name: String,
    /// What the service does with it and the connected role may not: `SELECT`, `INSERT`, `UPDATE`, `DELETE`.
    pub lacks: Vec<String>,
    /// How its rows belong to users.
    pub reference: Reference,
}

/// How the rows of a table belong to users.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reference {
    /// They do not, and need not.
    None,
    /// They should, and the table does not refer to `users`.
    Missing,
    /// They do, and stand in the way when a user is deleted.
    Blocks,
    /// They do, and are deleted together with their user.
    Cascades,
}

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
        let before = now();
        let server: Server = one(&mut connection, SERVER).await?;
        let after = now();
        let clock = ClockDifference {
            ahead: server.clock - f64::midpoint(before, after),
            uncertainty: (after - before) / 2.0,
        };
        let migrations = if server.may_read_migrations {
            let all = migrations::applied_and_pending(&mut connection).await;
            Some(all.map_err(|error| InspectionError::Read(error.into()))?)
        } else {
            None
        };
        let users = all::<Users>(&mut connection, USERS).await?.into_iter().next();
        let others: Vec<Named> = all(&mut connection, OTHERS).await?;
        let tables: Vec<Table> = all(&mut connection, OWN_TABLES).await?;
        Ok(Inspection {
            protection: protection(database, server.encrypted),
            version: server.version,
            version_number: server.version_number,
            read_only: server.read_only,
            role: server.role,
            clock,
            migrations,
            users: users.map(|row| UsersTable { id_type: row.id_type, may_read: row.may_read }),
            other_users: others.into_iter().map(|row| row.name).collect(),
            tables: tables
                .into_iter()
                .map(|row| OwnTable { reference: row.reference(), name: row.name, lacks: row.lacks })
                .collect(),
        })
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
        Ok(row.map_err(read)?.found)
    })
    .await
}

/// Opens a connection in a transaction that cannot write. It ends with the connection, and nothing of it is left.
async fn connect(database: &Database, limits: &PoolOptions) -> Result<AsyncPgConnection, InspectionError> {
    let mut connection = within(limits.wait, async { Ok(database.connect().await?) }).await?;
    let begin = format!(
        "BEGIN READ ONLY; SET LOCAL statement_timeout = {}; SET LOCAL lock_timeout = {}",
        limits.statement_timeout.as_millis(),
        limits.lock_timeout.as_millis(),
    );
    within(limits.deadline, async { connection.batch_execute(&begin).await.map_err(read) }).await?;
    Ok(connection)
}

async fn within<T>(
    limit: Duration,
    work: impl Future<Output = Result<T, InspectionError>>,
) -> Result<T, InspectionError> {
    tokio::time::timeout(limit, work).await.unwrap_or(Err(InspectionError::Slow(limit)))
}

#[derive(QueryableByName)]
struct Server {
    #[diesel(sql_type = Text)]
    version: String,
    #[diesel(sql_type = Integer)]
    version_number: i32,
    #[diesel(sql_type = Bool)]
    read_only: bool,
    #[diesel(sql_type = Bool)]
    encrypted: bool,
    #[diesel(sql_type = Double)]
    clock: f64,
    #[diesel(sql_type = Text)]
    role: String,
    #[diesel(sql_type = Bool)]
    may_read_migrations: bool,
}

#[derive(QueryableByName)]
struct Users {
    #[diesel(sql_type = Nullable<Text>)]
    id_type: Option<String>,
    #[diesel(sql_type = Bool)]
    may_read: bool,
}

#[derive(QueryableByName)]
struct Named {
    #[diesel(sql_type = Text)]
    name: String,
}

#[derive(QueryableByName)]
struct Table {
    #[diesel(sql_type = Text)]
    name: String,
    #[diesel(sql_type = Array<Text>)]
    lacks: Vec<String>,
    #[diesel(sql_type = Bool)]
    of_users: bool,
    #[diesel(sql_type = Nullable<Bool>)]
    cascades: Option<bool>,
}

impl Table {
    fn reference(&self) -> Reference {
        match (self.of_users, self.cascades) {
            (false, _) => Reference::None,
            (true, None) => Reference::Missing,
            (true, Some(false)) => Reference::Blocks,
            (true, Some(true)) => Reference::Cascades,
        }
    }
}

async fn all<T>(connection: &mut AsyncPgConnection, sql: &'static str) -> Result<Vec<T>, InspectionError>
where
    T: QueryableByName<diesel::pg::Pg> + Send + 'static,
{
    diesel::sql_query(sql).load(connection).await.map_err(read)
}

async fn one<T>(connection: &mut AsyncPgConnection, sql: &'static str) -> Result<T, InspectionError>
where
    T: QueryableByName<diesel::pg::Pg> + Send + 'static,
{
    diesel::sql_query(sql).get_result(connection).await.map_err(read)
}

/// What the URL demands is certain. Otherwise the server has to say, and it knows nothing of a proxy that decrypts.
fn protection(database: &Database, encrypted: bool) -> Protection {
    match (database.is_verified(), encrypted) {
        (Some(true), _) => Protection::Verified,
        (None, true) => Protection::Encrypted,
        (Some(false), _) | (None, false) => Protection::Plain,
    }
}

fn read(error: diesel::result::Error) -> InspectionError {
    InspectionError::Read(error.into())
}

fn now() -> f64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs_f64()
}
