//! How PostgreSQL carries out each statement, on 100,000 tasks of 1,000 users.
//!
//! A listing has to be one range of one index, already in order. A sort would read all tasks of a user to answer with
//! the first thousand; a filter after the fact would read all that are completed to find the few that are pending; a
//! sequential scan would read the tasks of all users. Each of them is fast on a small table, so that no other test
//! would notice.
//!
//! The statements are those that the program really sends: the server itself says what the pool's only connection
//! executed last. It is then prepared by hand, planned for all values at once as it is in the pool's sessions, and
//! carried out with some.

use diesel::{QueryableByName, sql_types::Text};
use diesel_async::{AsyncPgConnection, SimpleAsyncConnection};
use task_adapters::{PoolOptions, testing::pool_options};
use task_domain::{
    StatusFilter::{All, Completed, Pending},
    TaskOrder::{NewestFirst, Title},
    TaskRepository,
    testing::{task_id, user},
};

use crate::support::{STORES_CONNECTIONS, Store, changes, lines, query, session};

const TASKS_OF_MANY: &str = "
    INSERT INTO users (id, name, email, \"emailVerified\")
    SELECT 'user ' || n, n, n, true FROM generate_series(0, 999) AS n;
    INSERT INTO tasks (user_id, title, completed, created_at)
    SELECT 'user ' || n % 1000, 'title ' || n * 7919 % 100000, n / 1000 % 10 <> 0,
           timestamptz '2026-01-02' + n * 7907 % 100000 * interval '1 second'
    FROM generate_series(1, 100000) AS n;
    ANALYZE users, tasks";

/// A user with a hundred tasks, as all of them have.
const USER: &str = "user 500";

/// A store with a single connection, and a session in which its statements are explained.
struct Plans {
    store: Store,
    session: AsyncPgConnection,
}

impl Plans {
    /// With the tasks that `sql` makes.
    async fn of(sql: &str) -> Self {
        let store = Store::with(PoolOptions { max: 1, ..pool_options() }).await;
        store.db.execute(sql).await;
        let session = session(store.db.database(), "").await;
        Self { store, session }
    }

    /// What the store's connection executed last, as the server received it.
    async fn last_statement(&self) -> String {
        let sql = format!("SELECT query AS line FROM {STORES_CONNECTIONS}");
        let mut statements = self.store.db.lines(&sql).await;
        assert_eq!(statements.len(), 1, "{statements:?}");
        let statement = statements.remove(0);
        assert!(
            statement.len() < 1023,
            "the server shows no more of it (track_activity_query_size): {statement}"
        );
        statement
    }

    /// Asserts that the last statement of the store is nothing but one range of this index, and returns its plan. It is
    /// carried out with these values and taken back.
    async fn last_uses(&mut self, index: &str, values: &str) -> String {
        let statement = self.last_statement().await;
        let prepare = format!(
            "BEGIN; SET LOCAL plan_cache_mode = force_generic_plan; PREPARE statement AS {statement}"
        );
        self.session.batch_execute(&prepare).await.unwrap();
        let plan = explained(&mut self.session, &format!("EXECUTE statement({values})")).await;
        self.session.batch_execute("ROLLBACK; DEALLOCATE statement").await.unwrap();

        println!("{statement}\n{plan}\n");
        let uses = |way: &str| plan.contains(&format!("{way} using {index} on tasks"));
        assert!(uses("Index Scan") || uses("Index Scan Backward"), "{index} is not used:\n{plan}");
        assert_eq!(plan.matches("Scan").count(), 1, "something else is read too:\n{plan}");
        assert!(!plan.contains("never executed"), "there was nothing to do:\n{plan}");
        for costly in ["Seq Scan", "Sort", "Filter", "Rows Removed", "Bitmap"] {
            assert!(!plan.contains(costly), "{costly}:\n{plan}");
        }
        plan
    }
}

async fn explained(session: &mut AsyncPgConnection, statement: &str) -> String {
    #[derive(QueryableByName)]
    struct Row {
        #[diesel(sql_type = Text, column_name = "QUERY PLAN")]
        line: String,
    }
    let explain = format!("EXPLAIN (ANALYZE, COSTS OFF, TIMING OFF, SUMMARY OFF) {statement}");
    let rows: Vec<Row> = diesel_async::RunQueryDsl::load(diesel::sql_query(explain), session).await.unwrap();
    rows.into_iter().map(|row| row.line).collect::<Vec<_>>().join("\n")
}

#[tokio::test]
async fn every_statement_reads_one_range_of_one_index() {
    let mut plans = Plans::of(TASKS_OF_MANY).await;
    let owner = user(USER);

    for (status, order, index, values) in [
        (All, NewestFirst, "tasks_by_created", "1000"),
        (Pending, NewestFirst, "tasks_by_status_created", "false, 1000"),
        (Completed, NewestFirst, "tasks_by_status_created", "true, 1000"),
        (All, Title, "tasks_by_title", "1000"),
        (Pending, Title, "tasks_by_status_title", "false, 1000"),
        (Completed, Title, "tasks_by_status_title", "true, 1000"),
    ] {
        let list = plans.store.tasks.list(&owner, query(status, order)).await.unwrap();
        assert!(!list.is_empty());
        plans.last_uses(index, &format!("'{USER}', {values}")).await;
    }

    let id = plans.store.all(&owner).await[50].id;
    let key = format!("'{USER}', {}", id.get());
    plans.store.tasks.find(&owner, id).await.unwrap().unwrap();
    plans.last_uses("tasks_pkey", &key).await;
    let change = changes(Some("new"), Some("new"));
    plans.store.tasks.update(&owner, id, change).await.unwrap().unwrap();
    plans.last_uses("tasks_pkey", &format!("'newer', NULL, 'newer', NULL, '1 microsecond', {key}")).await;
    plans.store.tasks.toggle(&owner, id).await.unwrap().unwrap();
    plans.last_uses("tasks_pkey", &format!("'1 microsecond', {key}")).await;
    // Of a task that is not there, so that the plan of the deletion has one to delete.
    assert!(!plans.store.tasks.delete(&owner, task_id(i64::MAX)).await.unwrap());
    plans.last_uses("tasks_pkey", &key).await;
}

#[tokio::test]
async fn a_list_stops_reading_after_its_last_task() {
    let of_one = "INSERT INTO tasks (user_id, title) SELECT 'ada', n FROM generate_series(1, 5000) AS n; ANALYZE tasks";
    let mut plans = Plans::of(of_one).await;
    plans.store.tasks.list(&plans.store.ada, query(All, Title)).await.unwrap();
    let plan = plans.last_uses("tasks_by_title", "'ada', 1000").await;
    assert!(plan.contains("Index Scan using tasks_by_title on tasks (actual rows=1000 loops=1)"), "{plan}");
}

#[tokio::test]
async fn the_foreign_key_reads_no_whole_table() {
    let mut plans = Plans::of(TASKS_OF_MANY).await;
    // What it does is in no plan, but it is counted. `users.id` and `tasks.user_id` have different collations, and an
    // index with the wrong one would be passed over in silence.
    let work = format!(
        "BEGIN; DELETE FROM users WHERE id = '{USER}'; INSERT INTO tasks (user_id, title) VALUES ('ada', 't')"
    );
    plans.session.batch_execute(&work).await.unwrap();
    let counts = lines(
        &mut plans.session,
        "SELECT relname || ': ' || seq_scan || ' scans, ' || n_tup_del || ' deleted' AS line
         FROM pg_stat_xact_user_tables WHERE relname IN ('tasks', 'users') ORDER BY relname",
    );
    assert_eq!(counts.await, ["tasks: 0 scans, 100 deleted", "users: 0 scans, 1 deleted"]);
}
