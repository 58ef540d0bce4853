//! Which test a database belongs to, so that the next test can drop those whose test has ended.
//!
//! No test drops its own database. PostgreSQL waits with `DROP DATABASE` until every one of its processes has taken note,
//! and one that authenticates a client takes note only after the client has answered. A test that waited for its
//! `DROP DATABASE` on the thread of its runtime, while a connection of the same runtime was being opened, kept that
//! client from answering: both waited for `authentication_timeout`, a minute, and so did each other test that dropped
//! its database meanwhile.

use std::sync::Mutex;

use diesel_async::{AsyncPgConnection, SimpleAsyncConnection as _};

use super::sql::{execute, lines};

/// What the names of the databases of tests begin with.
pub(super) const PREFIX: &str = "task_api_test_";
/// The first half of the advisory locks that tests hold for their databases: the letters "test" as a number.
const OWNERS: i32 = 0x7465_7374;

/// A session that holds the advisory lock of a database, for as long as its test runs.
pub(super) struct Owner(Mutex<AsyncPgConnection>);

impl Owner {
    /// To be called before there is a database of that name.
    pub(super) async fn new(mut connection: AsyncPgConnection, name: &str) -> Self {
        let lock = format!("SELECT pg_advisory_lock({OWNERS}, hashtext('{name}'))");
        execute(&mut connection, &lock).await;
        Self(Mutex::new(connection))
    }

    pub(super) fn connection(&mut self) -> &mut AsyncPgConnection {
        self.0.get_mut().unwrap()
    }
}

/// Drops the databases of tests that have ended, however they did.
pub(super) async fn drop_abandoned(connection: &mut AsyncPgConnection) {
    // `CASE` keeps PostgreSQL from trying the locks of other databases.
    let abandoned = format!(
        "SELECT datname::text AS line FROM pg_database
         WHERE CASE WHEN starts_with(datname::text, '{PREFIX}')
                    THEN pg_try_advisory_lock({OWNERS}, hashtext(datname::text)) ELSE false END"
    );
    for name in lines(connection, &abandoned).await {
        // A server that several people share may have databases that we may not drop.
        let _ = connection.batch_execute(&format!("DROP DATABASE IF EXISTS {name} WITH (FORCE)")).await;
        execute(connection, &format!("SELECT pg_advisory_unlock({OWNERS}, hashtext('{name}'))")).await;
    }
}
