//! What tests do to a server with SQL, past the service.

use std::time::SystemTime;

use diesel::{QueryableByName, sql_types::Text};
use diesel_async::{AsyncPgConnection, RunQueryDsl as _, SimpleAsyncConnection as _};

use crate::postgres::database::Database;

pub(super) async fn lines(connection: &mut AsyncPgConnection, sql: &str) -> Vec<String> {
    #[derive(QueryableByName)]
    struct Line {
        #[diesel(sql_type = Text)]
        line: String,
    }
    diesel::sql_query(sql).load::<Line>(connection).await.unwrap().into_iter().map(|row| row.line).collect()
}

pub(super) async fn connect(database: &Database) -> AsyncPgConnection {
    database
        .connect()
        .await
        .unwrap_or_else(|error| panic!("the database of the tests does not answer: {error}"))
}

pub(super) async fn execute(connection: &mut AsyncPgConnection, sql: &str) {
    connection.batch_execute(sql).await.unwrap_or_else(|error| panic!("{sql}: {error}"));
}

pub(super) fn seconds_now() -> u64 {
    SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap().as_secs()
}
