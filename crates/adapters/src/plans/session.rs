//! A session of PostgreSQL with many rows, and the plans of the statements in it.

use std::sync::Arc;

use diesel::{QueryableByName, sql_types::Text};
use diesel_async::{AsyncPgConnection, SimpleAsyncConnection};

use crate::{
    idempotency::PgIdempotencyStore,
    postgres::{
        pool::{PgPool, options::PoolOptions},
        statement::SqlText,
    },
    tasks::repository::PgTaskRepository,
    testing::{TestDatabase, pool_options, statements},
};

/// A hundred tasks of each of two hundred users. Ten at a time have the same title or moment.
pub(super) const TASKS_OF_MANY: &str = "
    INSERT INTO users (id, name, email, \"emailVerified\")
    SELECT 'user ' || n, n, n, true FROM generate_series(0, 199) AS n;
    INSERT INTO tasks (user_id, title, completed, created_at)
    SELECT 'user ' || n % 200, 'title ' || n / 10 * 7919 % 100000, n / 200 % 10 <> 0,
           timestamptz '2026-01-02' + n / 10 * 7907 % 100000 * interval '1 second'
    FROM generate_series(1, 20000) AS n";
/// 20,000 tasks of one more, every second one completed, so that there are a thousand pages of ten of either status too; and
/// the others have as many together.
pub(super) const TASKS_OF_ONE_AND_OF_MANY: &str = "
    INSERT INTO users (id, name, email, \"emailVerified\")
    SELECT 'user ' || n, n, n, true FROM generate_series(0, 200) AS n;
    INSERT INTO tasks (user_id, title, completed, created_at)
    SELECT 'user ' || CASE WHEN n <= 20000 THEN n % 200 ELSE 200 END, 'title ' || n / 10 * 7919 % 100000,
           n % 2 = n / 200 % 2, timestamptz '2026-01-02' + n / 10 * 7907 % 100000 * interval '1 second'
    FROM generate_series(1, 40010) AS n";
/// One of those with a hundred tasks.
pub(super) const USER: &str = "user 100";
/// The one with very many.
pub(super) const BUSY_USER: &str = "user 200";

/// 20,000 keys of twenty users, a tenth of them expired.
pub(super) const MANY_KEYS: &str = "
    INSERT INTO users (id, name, email, \"emailVerified\")
    SELECT 'user ' || n, n, n, true FROM generate_series(0, 19) AS n ON CONFLICT DO NOTHING;
    INSERT INTO idempotency_keys (user_id, key, fingerprint, receipt, created_at)
    SELECT 'user ' || n % 20, 'key ' || n, sha256(n::text::bytea), 'receipt', now() - n % 1000 * interval '96 seconds'
    FROM generate_series(1, 20000) AS n";

fn text(name: &str) -> &'static SqlText {
    let known = statements().into_iter().find(|(known, _)| known == name);
    known.unwrap_or_else(|| panic!("no statement is named {name}")).1.unwrap()
}

/// A statement as PostgreSQL gets it.
pub(super) fn sent(text: &SqlText) -> String {
    text.with(|_, number| format!("${number}"))
}

/// A pool of one connection.
pub(super) struct Plans {
    // Before the database, so that it is closed when that is dropped.
    pub(super) pool: Arc<PgPool>,
    _db: TestDatabase,
}

impl Plans {
    /// With what each SQL makes, and the tables in which it does.
    pub(super) async fn of(sql: &[(&str, &str)]) -> Self {
        // The rows fit together, and PostgreSQL would take longer to check each foreign key than for all else.
        let mut statements = vec!["SET session_replication_role = replica".to_owned()];
        for (made, known) in sql {
            statements.extend([(*made).to_owned(), format!("VACUUM ANALYZE {known}")]);
        }
        let statements: Vec<_> = statements.iter().map(String::as_str).collect();
        let db = TestDatabase::filled(&statements).await;
        let pool = PgPool::new(db.database(), PoolOptions { max: 1, ..pool_options() }).unwrap();
        Self { pool: Arc::new(pool), _db: db }
    }

    pub(super) fn tasks(&self) -> PgTaskRepository {
        PgTaskRepository::new(Arc::clone(&self.pool))
    }

    pub(super) fn once(&self) -> PgIdempotencyStore {
        PgIdempotencyStore::new(Arc::clone(&self.pool))
    }

    /// Every statement that the connection has prepared so far, with its name in front.
    pub(super) async fn prepared(&self) -> Vec<(String, String)> {
        let sql = "SELECT name || ' ' || statement AS line FROM pg_prepared_statements
                   WHERE NOT statement LIKE '%pg_prepared_statements%' ORDER BY prepare_time";
        let lines = self.pool.run(async |connection| lines(connection, sql).await).await.unwrap();
        let split =
            |line: String| line.split_once(' ').map(|(name, text)| (name.to_owned(), text.to_owned()));
        lines.into_iter().filter_map(split).collect()
    }

    /// How the statement of that name is carried out with these values, given by the names of its parameters. What it did
    /// is taken back. The connection must have prepared it.
    pub(super) async fn plan(&self, name: &str, values: &[(&str, &str)]) -> String {
        let text = text(name);
        let sent = sent(text);
        let prepared = self.prepared().await;
        let known = prepared.iter().find(|(_, statement)| *statement == sent);
        let (prepared, _) = known.unwrap_or_else(|| panic!("{name} was not prepared: {prepared:#?}"));
        let value = |parameter: &&str| {
            let value = values.iter().find(|(name, _)| name == parameter);
            value.unwrap_or_else(|| panic!("{name} needs a value for {parameter}")).1
        };
        let values: Vec<_> = text.parameter_names().iter().map(value).collect();
        let explain = format!("EXECUTE \"{prepared}\"({})", values.join(", "));
        let explained = self.pool.run(async |connection| {
            connection.batch_execute("BEGIN").await?;
            let plan = explained(connection, &explain).await?;
            connection.batch_execute("ROLLBACK").await?;
            Ok(plan)
        });
        let plan = explained.await.unwrap();
        println!("{name}: {sent}\n{plan}\n");
        plan
    }

    /// How it is carried out, which is nothing but one range of this index.
    pub(super) async fn range(&self, name: &str, values: &[(&str, &str)], index: &str) -> String {
        let plan = self.plan(name, values).await;
        assert_is_one_range(&plan, index);
        plan
    }
}

pub(super) async fn lines(connection: &mut AsyncPgConnection, sql: &str) -> diesel::QueryResult<Vec<String>> {
    #[derive(QueryableByName)]
    struct Row {
        #[diesel(sql_type = Text)]
        line: String,
    }
    let rows: Vec<Row> = diesel_async::RunQueryDsl::load(diesel::sql_query(sql), connection).await?;
    Ok(rows.into_iter().map(|row| row.line).collect())
}

async fn explained(connection: &mut AsyncPgConnection, statement: &str) -> diesel::QueryResult<String> {
    #[derive(QueryableByName)]
    struct Row {
        #[diesel(sql_type = Text, column_name = "QUERY PLAN")]
        line: String,
    }
    let explain = format!("EXPLAIN (ANALYZE, BUFFERS, COSTS OFF, TIMING OFF, SUMMARY OFF) {statement}");
    let rows: Vec<Row> = diesel_async::RunQueryDsl::load(diesel::sql_query(explain), connection).await?;
    // From PostgreSQL 18 on rows are counted with two fraction digits.
    Ok(rows.into_iter().map(|row| row.line.replace(".00 ", " ")).collect::<Vec<_>>().join("\n"))
}

pub(super) fn assert_is_one_range(plan: &str, index: &str) {
    let uses = |way: &str| plan.contains(&format!("{way} using {index} on "));
    assert!(
        uses("Index Scan") || uses("Index Scan Backward") || uses("Index Only Scan"),
        "{index} is not used:\n{plan}"
    );
    assert_eq!(plan.matches("Scan").count(), 1, "something else is read too:\n{plan}");
    assert!(!plan.contains("never executed"), "there was nothing to do:\n{plan}");
    for costly in ["Seq Scan", "Sort", "Rows Removed", "Bitmap"] {
        assert!(!plan.contains(costly), "{costly}:\n{plan}");
    }
}

/// How many blocks the topmost node read, from memory or from the disk.
pub(super) fn buffers(plan: &str) -> u32 {
    let line = plan.lines().find(|line| line.trim_start().starts_with("Buffers:")).unwrap();
    let read =
        line.split_whitespace().filter_map(|word| word.strip_prefix("hit=").or(word.strip_prefix("read=")));
    read.map(|number| number.parse::<u32>().unwrap()).sum()
}
