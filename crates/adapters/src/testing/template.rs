//! The databases that tests copy: made once, by the first test that needs one.

use std::hash::{DefaultHasher, Hash as _, Hasher as _};

use diesel::{
    QueryableByName,
    sql_types::{BigInt, Text},
};
use diesel_async::{AsyncPgConnection, RunQueryDsl as _, SimpleAsyncConnection as _};

use super::{
    sql::{connect, execute},
    users::{USERS, create_users_table},
    waiting::until,
};
use crate::{migrations, postgres::database::Database};

/// The advisory lock under which templates are made: the letters "tasktest" as a number.
const LOCK: i64 = 0x7461_736b_7465_7374;

/// Returns the name of the migrated template that these statements have filled. The first caller makes it while the
/// others wait.
pub(super) async fn named(
    server: &Database,
    connection: &mut AsyncPgConnection,
    statements: &[&str],
) -> String {
    let (migrated, filled) = (name_of(&[]), name_of(statements));
    if exists(connection, &filled).await {
        return filled;
    }
    execute(connection, &format!("SELECT pg_advisory_lock({LOCK})")).await;
    if !exists(connection, &migrated).await {
        make(server, connection, "template0", &migrated, async |database| {
            create_users_table(database).await.unwrap();
            migrations::run(database).await.unwrap();
        })
        .await;
    }
    if !exists(connection, &filled).await {
        make(server, connection, &migrated, &filled, async |database| {
            let mut session = connect(database).await;
            for statement in statements {
                execute(&mut session, statement).await;
            }
        })
        .await;
    }
    execute(connection, &format!("SELECT pg_advisory_unlock({LOCK})")).await;
    filled
}

/// Templates of other migrations or other statements have other names.
fn name_of(statements: &[&str]) -> String {
    let mut hasher = DefaultHasher::new();
    (USERS, env!("MIGRATIONS_FINGERPRINT"), statements).hash(&mut hasher);
    format!("task_api_template_{:016x}", hasher.finish())
}

/// Makes a template out of another one. It has its name only once it is complete.
async fn make(
    server: &Database,
    connection: &mut AsyncPgConnection,
    from: &str,
    name: &str,
    fill: impl AsyncFnOnce(&Database),
) {
    let unfinished = format!("{name}_unfinished");
    execute(connection, &format!("DROP DATABASE IF EXISTS {unfinished} WITH (FORCE)")).await;
    execute(connection, &format!("CREATE DATABASE {unfinished} TEMPLATE {from} STRATEGY file_copy")).await;
    fill(&server.with_name(&unfinished)).await;
    // The connections above are closed by their drivers a moment later; a rename waits for none of them.
    let close =
        format!("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{unfinished}'");
    execute(connection, &close).await;
    let rename = format!("ALTER DATABASE {unfinished} RENAME TO {name}");
    until("the template has no session any more", async || connection.batch_execute(&rename).await.is_ok())
        .await;
}

async fn exists(connection: &mut AsyncPgConnection, name: &str) -> bool {
    #[derive(QueryableByName)]
    struct Count {
        #[diesel(sql_type = BigInt)]
        count: i64,
    }
    let count = diesel::sql_query("SELECT count(*) AS count FROM pg_database WHERE datname = $1");
    count.bind::<Text, _>(name).get_result::<Count>(connection).await.unwrap().count > 0
}
