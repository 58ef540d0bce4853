//! How PostgreSQL carries out each statement, on many tasks of many users.
//!
//! A page has to be one range of one index, already in order, from its position on. A sort would read all tasks of a
//! user to answer with the first thousand; a filter after the fact would read all that are completed to find the few
//! that are pending, or all before a position to find those behind it; a sequential scan would read the tasks of all
//! users. Each of them is fast on a small table, so that no other test would notice.
//!
//! The statements are those that the program really sends: the pool's only connection says which ones it has prepared,
//! and carries them out once more with `EXPLAIN`, planned for all values at once as they always are in its session.

use std::sync::Arc;

use diesel::{QueryableByName, sql_types::Text};
use diesel_async::{AsyncPgConnection, SimpleAsyncConnection};
use futures_util::future::join_all;
use task_domain::{
    Change, Description, Expectation, Fingerprint, IdempotencyKey, KeyedRequest, OnceOnly, PageLimit,
    Position, Receipt, ReceiptWriter, StatusFilter, TaskChanges, TaskCommand, TaskOrder, TaskQuery,
    TaskRepository, Title, UserId, Version,
    testing::{new_task, task_id, user},
};

use crate::{
    PgOnceOnly, PgPool, PgTaskRepository, PoolOptions,
    testing::{TestDatabase, pool_options},
};

/// A hundred tasks of each of a thousand users. Ten at a time have the same title or moment.
const TASKS_OF_MANY: &str = "
    INSERT INTO users (id, name, email, \"emailVerified\")
    SELECT 'user ' || n, n, n, true FROM generate_series(0, 999) AS n;
    INSERT INTO tasks (user_id, title, completed, created_at)
    SELECT 'user ' || n % 1000, 'title ' || n / 10 * 7919 % 100000, n / 1000 % 10 <> 0,
           timestamptz '2026-01-02' + n / 10 * 7907 % 100000 * interval '1 second'
    FROM generate_series(1, 100000) AS n";
/// 200,000 tasks of one more, every second one completed, so that there are a thousand pages of a hundred of either
/// status too; and of the others a few less.
const TASKS_OF_ONE_AND_OF_MANY: &str = "
    INSERT INTO users (id, name, email, \"emailVerified\")
    SELECT 'user ' || n, n, n, true FROM generate_series(0, 1000) AS n;
    INSERT INTO tasks (user_id, title, completed, created_at)
    SELECT 'user ' || CASE WHEN n <= 20000 THEN n % 1000 ELSE 1000 END, 'title ' || n / 10 * 7919 % 100000,
           n % 2 = n / 1000 % 2, timestamptz '2026-01-02' + n / 10 * 7907 % 100000 * interval '1 second'
    FROM generate_series(1, 220010) AS n";
/// One of those with a hundred tasks.
const USER: &str = "user 500";
/// The one with very many.
const BUSY_USER: &str = "user 1000";
/// How many tasks come before page 1,000 by 100.
const FAR_DOWN: usize = 99_900;

/// 20,000 keys of twenty users, a tenth of them expired.
const MANY_KEYS: &str = "
    INSERT INTO users (id, name, email, \"emailVerified\")
    SELECT 'user ' || n, n, n, true FROM generate_series(0, 19) AS n ON CONFLICT DO NOTHING;
    INSERT INTO idempotency_keys (user_id, key, fingerprint, receipt, created_at)
    SELECT 'user ' || n % 20, 'key ' || n, sha256(n::text::bytea), 'receipt', now() - n % 1000 * interval '96 seconds'
    FROM generate_series(1, 20000) AS n";

/// A pool of one connection.
struct Plans {
    // Before the database, so that it is closed when that is dropped.
    pool: Arc<PgPool>,
    _db: TestDatabase,
}

impl Plans {
    /// With what each SQL makes, and the tables in which it does. The rows fit together, and PostgreSQL would take longer
    /// to check each foreign key than for all else.
    async fn of(sql: &[(&str, &str)]) -> Self {
        let mut statements = vec!["SET session_replication_role = replica".to_owned()];
        for (made, known) in sql {
            statements.extend([(*made).to_owned(), format!("VACUUM ANALYZE {known}")]);
        }
        let statements: Vec<_> = statements.iter().map(String::as_str).collect();
        let db = TestDatabase::filled(&statements).await;
        let pool = PgPool::new(db.database(), PoolOptions { max: 1, ..pool_options() }).unwrap();
        Self { pool: Arc::new(pool), _db: db }
    }

    fn tasks(&self) -> PgTaskRepository {
        PgTaskRepository::new(Arc::clone(&self.pool))
    }

    fn once(&self) -> PgOnceOnly {
        PgOnceOnly::new(Arc::clone(&self.pool))
    }

    /// Every statement that the connection has prepared so far, with its name in front.
    async fn prepared(&self) -> Vec<String> {
        let sql = "SELECT name || ': ' || statement AS line FROM pg_prepared_statements
                   WHERE NOT statement LIKE '%pg_prepared_statements%' ORDER BY prepare_time";
        self.pool.run(async |connection| lines(connection, sql).await).await.unwrap()
    }

    /// The one statement of the text in `words` that the connection has prepared.
    async fn statement(&self, words: &[&str]) -> String {
        let mut prepared = self.prepared().await;
        prepared.retain(|statement| words.iter().all(|word| statement.contains(word)));
        assert_eq!(prepared.len(), 1, "{words:?}: {prepared:?}");
        prepared.remove(0)
    }

    /// How a prepared statement is carried out with these values. It is taken back.
    async fn plan(&self, statement: &str, values: &str) -> String {
        let name = statement.split(':').next().unwrap();
        let explain = format!("EXECUTE \"{name}\"({values})");
        let explained = self.pool.run(async |connection| {
            connection.batch_execute("BEGIN").await?;
            let plan = explained(connection, &explain).await?;
            connection.batch_execute("ROLLBACK").await?;
            Ok(plan)
        });
        let plan = explained.await.unwrap();
        println!("{statement}\n{plan}\n");
        plan
    }

    /// How it is carried out, which is nothing but one range of this index.
    async fn range(&self, statement: &str, values: &str, index: &str) -> String {
        let plan = self.plan(statement, values).await;
        assert_is_one_range(&plan, index);
        plan
    }
}

async fn lines(connection: &mut AsyncPgConnection, sql: &str) -> diesel::QueryResult<Vec<String>> {
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

fn assert_is_one_range(plan: &str, index: &str) {
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
fn buffers(plan: &str) -> u32 {
    let line = plan.lines().find(|line| line.trim_start().starts_with("Buffers:")).unwrap();
    let read =
        line.split_whitespace().filter_map(|word| word.strip_prefix("hit=").or(word.strip_prefix("read=")));
    read.map(|number| number.parse::<u32>().unwrap()).sum()
}

fn query(status: StatusFilter, order: TaskOrder) -> TaskQuery {
    let mut query = TaskQuery::from_start(order);
    (query.status, query.limit) = (status, PageLimit::new(100).unwrap());
    query
}

/// The values with which a page is asked for: behind that position, or from the start.
fn values(owner: &str, query: &TaskQuery) -> String {
    let position = match query.position() {
        Some(Position::Created { at, id }) => format!("'{}', {}", at.to_rfc3339(), id.get()),
        Some(Position::Title { title, id }) => format!("'{}', {}", title.as_str(), id.get()),
        None if query.order() == TaskOrder::Title => "'', 0".to_owned(),
        None => format!("'262142-12-31 23:59:59.999999Z', {}", i64::MAX),
    };
    let status = match query.status {
        StatusFilter::All => "",
        StatusFilter::Pending => "false, ",
        StatusFilter::Completed => "true, ",
    };
    format!("'{owner}', {status}{position}, {}", query.limit.get() + 1)
}

#[tokio::test]
async fn a_page_far_down_reads_one_range_of_one_index_as_the_first_one_does() {
    let plans = Plans::of(&[(TASKS_OF_ONE_AND_OF_MANY, "users, tasks")]).await;
    let (tasks, owner) = (plans.tasks(), user(BUSY_USER));
    let mut prepared = 0;
    for (status, order, index, condition) in [
        (
            StatusFilter::All,
            TaskOrder::NewestFirst,
            "tasks_by_created",
            "(ROW(created_at, id) < ROW($2, $3))",
        ),
        (
            StatusFilter::Pending,
            TaskOrder::NewestFirst,
            "tasks_by_status_created",
            "(completed = $2) AND (ROW(created_at, id) < ROW($3, $4))",
        ),
        (
            StatusFilter::Completed,
            TaskOrder::NewestFirst,
            "tasks_by_status_created",
            "(completed = $2) AND (ROW(created_at, id) < ROW($3, $4))",
        ),
        (StatusFilter::All, TaskOrder::Title, "tasks_by_title", "(ROW(title, id) > ROW($2, $3))"),
        (
            StatusFilter::Pending,
            TaskOrder::Title,
            "tasks_by_status_title",
            "(completed = $2) AND (ROW(title, id) > ROW($3, $4))",
        ),
        (
            StatusFilter::Completed,
            TaskOrder::Title,
            "tasks_by_status_title",
            "(completed = $2) AND (ROW(title, id) > ROW($3, $4))",
        ),
    ] {
        // To page 1,000 as a client gets there, though in longer strides.
        let mut query = query(status, order);
        let first = values(BUSY_USER, &query);
        let mut seen = 0;
        while seen < FAR_DOWN {
            query.limit = PageLimit::new((FAR_DOWN - seen).min(1000).try_into().unwrap()).unwrap();
            let page = tasks.list(&owner, &query).await.unwrap();
            seen += page.tasks.len();
            let position = Position::of(page.tasks.last().unwrap(), order);
            assert!(page.more);
            query = TaskQuery::after(position);
            query.status = status;
        }
        query.limit = PageLimit::new(100).unwrap();
        assert_eq!(tasks.list(&owner, &query).await.unwrap().tasks.len(), 100);

        // It is one statement on every page, and both statuses are one.
        let statements = plans.prepared().await;
        assert!(statements.len() <= prepared + 1, "{statements:?}");
        prepared = statements.len();
        let order_words =
            ["ORDER BY created_at DESC", "ORDER BY title"][usize::from(order == TaskOrder::Title)];
        let mut statements = statements.into_iter().filter(|statement| {
            statement.contains(order_words)
                && statement.contains("completed = $2") == (status != StatusFilter::All)
        });
        let statement = statements.next().unwrap();

        let near = plans.range(&statement, &first, index).await;
        let far = plans.range(&statement, &values(BUSY_USER, &query), index).await;
        for plan in [&near, &far] {
            assert!(plan.contains(&format!("Index Cond: ((user_id = $1) AND {condition})")), "{plan}");
            assert!(!plan.contains("Filter"), "{plan}");
            assert!(plan.contains("(actual rows=101 loops=1)"), "it reads on behind the page:\n{plan}");
        }
        let (near, far) = (buffers(&near), buffers(&far));
        println!("{status:?} {order:?}: {near} blocks for page 1, {far} for page 1,000");
        assert!(far <= near + near / 2 + 10, "{status:?} {order:?}: {near} {far}");

        // And so it is for a user with few tasks.
        let of_few = self::query(status, order);
        assert!(!tasks.list(&user(USER), &of_few).await.unwrap().tasks.is_empty());
        plans.range(&statement, &values(USER, &of_few), index).await;
    }
    assert_eq!(prepared, 4, "one for each index");
}

#[tokio::test]
async fn a_total_reads_the_tasks_of_one_user_and_no_others() {
    let plans = Plans::of(&[(TASKS_OF_MANY, "users, tasks")]).await;
    let tasks = plans.tasks();
    for (status, index, condition) in [
        (StatusFilter::All, "", "(user_id = $1)"),
        (StatusFilter::Pending, "tasks_by_status", "(user_id = $1) AND (completed = $2)"),
    ] {
        let mut query = query(status, TaskOrder::Title);
        query.count_all = true;
        let total = tasks.list(&user(USER), &query).await.unwrap().total.unwrap();
        let word = ["completed", "count"][usize::from(status == StatusFilter::All)];
        let mut statements = plans.prepared().await;
        statements.retain(|statement| {
            let lower = statement.to_lowercase();
            lower.contains("count(") && lower.contains(word)
        });
        let value = if status == StatusFilter::All { "" } else { ", false" };
        let plan = plans.plan(statements.last().unwrap(), &format!("'{USER}'{value}")).await;
        assert!(plan.contains("Index") && plan.contains(index) && plan.contains(condition), "{plan}");
        assert!(!plan.contains("Seq Scan") && !plan.contains("Filter:"), "{plan}");
        assert!(plan.contains(&format!("actual rows={total} ")), "{plan}");
    }
}

#[tokio::test]
async fn a_single_task_is_read_and_written_by_its_key() {
    let plans = Plans::of(&[(TASKS_OF_MANY, "users, tasks")]).await;
    let (tasks, owner) = (plans.tasks(), user(USER));
    let id = tasks.list(&owner, &query(StatusFilter::All, TaskOrder::Title)).await.unwrap().tasks[50].id;
    let key = format!("'{USER}', {}", id.get());

    tasks.find(&owner, id).await.unwrap().unwrap();
    let find = plans.statement(&["SELECT", "AND id = $2"]).await;
    plans.range(&find, &key, "tasks_pkey").await;

    let changes = TaskChanges {
        title: Title::parse("new").ok(),
        description: Change::Set(Description::parse("new".to_owned()).unwrap()),
        completed: Some(true),
    };
    for expected in [Expectation::Any, Expectation::OneOf(vec![Version::FIRST, Version::new(9).unwrap()])] {
        let outcomes = [
            TaskCommand::Update { id, expected: expected.clone(), changes: changes.clone() },
            TaskCommand::Toggle { id, expected: expected.clone() },
            TaskCommand::Delete { id: task_id(i64::MAX), expected },
        ];
        for command in outcomes {
            tasks.execute(&owner, command).await.unwrap();
        }
    }
    let (any, one_of) = ("true, '{}'", "false, '{9,2,1,3,4}'");
    for (words, first_values) in [
        (["UPDATE tasks", "keep_description"], "'newer', 'newer', false, false, true, "),
        (["DELETE FROM", "tasks"], ""),
    ] {
        let statement = plans.statement(&words).await;
        for expected in [any, one_of] {
            let values = format!("{first_values}{key}, {expected}");
            let plan = plans.range(&statement, &values, "tasks_pkey").await;
            assert!(plan.contains("Index Scan using tasks_pkey on tasks (actual rows=1 loops=1)"), "{plan}");
        }
    }
}

/// Each statement that serves several at once, with values for three. While the table is empty, PostgreSQL would read it
/// from end to end; the statement is the same when it has grown.
#[tokio::test]
async fn several_tasks_are_read_and_written_by_their_keys_however_small_the_table_is() {
    const FEW: &str =
        "INSERT INTO users (id, name, email, \"emailVerified\") VALUES ('user 500', 'n', 'e', true);
        INSERT INTO tasks (user_id, title) SELECT 'user 500', 'title ' || n FROM generate_series(1, 5) AS n";
    for made in [FEW, TASKS_OF_MANY] {
        let plans = Plans::of(&[(made, "tasks")]).await;
        let (tasks, owner) = (plans.tasks(), user(USER));
        let listed = tasks.list(&owner, &query(StatusFilter::All, TaskOrder::Title)).await.unwrap().tasks;
        let ids: Vec<_> = listed.iter().map(|task| task.id).take(3).collect();
        let changes = TaskChanges { title: Title::parse("new").ok(), ..TaskChanges::default() };
        let expected = Expectation::Any;
        let update = |id| TaskCommand::Update { id, expected: expected.clone(), changes: changes.clone() };
        let toggle = |id| TaskCommand::Toggle { id, expected: expected.clone() };
        let create = || TaskCommand::Create(new_task("t"));
        join_all(ids.iter().cycle().take(9).map(|id| tasks.find(&owner, *id))).await;
        join_all(ids.iter().cycle().take(9).map(|id| tasks.execute(&owner, update(*id)))).await;
        join_all(ids.iter().cycle().take(9).map(|id| tasks.execute(&owner, toggle(*id)))).await;
        join_all((0..9).map(|_| tasks.execute(&owner, create()))).await;

        let keys =
            format!("'{{{USER},{USER},{USER}}}', '{{{},{},{}}}'", ids[0].get(), ids[1].get(), ids[2].get());
        let by_key = "Index Scan using tasks_pkey on tasks";
        let by_place = "Tid Scan on tasks";
        for (words, values, writes) in [
            (["SELECT found.*", "unnest"], keys.clone(), false),
            (
                ["UPDATE tasks", "AS asked (user_id, id, title,"],
                format!("{keys}, '{{a,b,c}}', '{{d,NULL,e}}', '{{f,t,f}}', '{{NULL,NULL,t}}', '{{f,t,f}}'"),
                true,
            ),
        ] {
            let plan = plans.plan(&plans.statement(&words).await, &values).await;
            let looks_up = |line: &str| line.contains(by_key) && line.contains("(actual rows=1 loops=3)");
            assert!(plan.lines().any(looks_up), "{plan}");
            assert_eq!(plan.contains(by_place), writes, "{plan}");
            assert_eq!(plan.matches(" on tasks").count(), if writes { 3 } else { 1 }, "{plan}");
        }
        let insert = plans.statement(&["INSERT INTO tasks", "unnest"]).await;
        let plan = plans.plan(&insert, &format!("'{{{USER},{USER}}}', '{{a,b}}', '{{NULL,c}}'")).await;
        assert!(plan.contains("Function Scan on new (actual rows=2 loops=1)"), "{plan}");
    }
}

fn request(key: &str) -> KeyedRequest {
    KeyedRequest { key: IdempotencyKey::parse(key).unwrap(), fingerprint: Fingerprint([7; 32]) }
}

const RECEIPTS: ReceiptWriter = ReceiptWriter(|_| Receipt(b"receipt".to_vec()));

#[tokio::test]
async fn a_key_is_looked_up_and_stored_by_itself_and_the_expired_ones_are_found_by_their_age() {
    let plans = Plans::of(&[(MANY_KEYS, "users, idempotency_keys")]).await;
    let once = plans.once();
    let owner: UserId = user("user 3");
    for key in ["a", "b"] {
        assert_eq!(once.recall(&owner, &request(key)).await.unwrap(), None);
        let command = TaskCommand::Toggle { id: task_id(1), expected: Expectation::Any };
        once.execute_once(&owner, &request(key), command, RECEIPTS).await.unwrap();
    }
    assert_eq!(once.forget_expired(7).await.unwrap(), 7);

    let find = plans.statement(&["SELECT fingerprint, receipt"]).await;
    let plan = plans.plan(&find, "'user 3', 'key 3'").await;
    assert!(plan.contains("Index Scan using idempotency_keys_pkey"), "{plan}");
    assert!(plan.contains("Index Cond: ((user_id = $1) AND (key = $2))"), "{plan}");
    assert_eq!(plan.matches("Scan").count(), 1, "{plan}");

    let store = plans.statement(&["UPDATE idempotency_keys"]).await;
    plans.range(&store, "'receipt', 'user 3', 'key 3'", "idempotency_keys_pkey").await;

    let forget = plans.statement(&["DELETE FROM idempotency_keys"]).await;
    let plan = plans.plan(&forget, "50").await;
    assert!(plan.contains("Index Scan using idempotency_keys_by_created"), "{plan}");
    assert!(plan.contains("(actual rows=50 loops=1)") && plan.contains("Tid Scan"), "{plan}");
    for costly in ["Seq Scan", "Sort", "Rows Removed", "Bitmap"] {
        assert!(!plan.contains(costly), "{costly}:\n{plan}");
    }
    assert!(buffers(&plan) < 500, "it reads more than it deletes:\n{plan}");
}

#[tokio::test]
async fn each_statement_is_prepared_once_for_all_values() {
    let ada = "INSERT INTO users (id, name, email, \"emailVerified\") VALUES ('ada', 'n', 'e', true)";
    let plans = Plans::of(&[(ada, "users")]).await;
    let (tasks, once, ada) = (plans.tasks(), plans.once(), user("ada"));
    let mut prepared = Vec::new();
    for round in 0..3 {
        for (number, limit) in [1, 7, 1000].into_iter().enumerate() {
            let title = format!("t{round}{number}");
            let task = TaskCommand::Create(task_domain::testing::new_task(&title));
            tasks.execute(&ada, task.clone()).await.unwrap();
            once.execute_once(&ada, &request(&title), task, RECEIPTS).await.unwrap();
            once.recall(&ada, &request(&title)).await.unwrap();
            for status in [StatusFilter::All, StatusFilter::Pending, StatusFilter::Completed] {
                for order in [TaskOrder::NewestFirst, TaskOrder::Title] {
                    let mut query = query(status, order);
                    (query.limit, query.count_all) = (PageLimit::new(limit).unwrap(), true);
                    let page = tasks.list(&ada, &query).await.unwrap();
                    if let Some(task) = page.tasks.last() {
                        tasks.list(&ada, &TaskQuery::after(Position::of(task, order))).await.unwrap();
                    }
                }
            }
            let page = tasks.list(&ada, &TaskQuery::default()).await.unwrap();
            let expected = [
                Expectation::Any,
                Expectation::OneOf(vec![page.tasks[0].version]),
                Expectation::OneOf((1..9).filter_map(Version::new).collect()),
            ][number]
                .clone();
            let id = page.tasks[0].id;
            for changes in [
                TaskChanges { title: Title::parse(&title).ok(), ..TaskChanges::default() },
                TaskChanges { description: Change::Clear, ..TaskChanges::default() },
                TaskChanges { completed: Some(true), ..TaskChanges::default() },
            ] {
                let update = TaskCommand::Update { id, expected: expected.clone(), changes };
                tasks.execute(&ada, update).await.unwrap();
            }
            tasks.execute(&ada, TaskCommand::Toggle { id, expected: expected.clone() }).await.unwrap();
            tasks.find(&ada, id).await.unwrap();
            tasks.execute(&ada, TaskCommand::Delete { id, expected }).await.unwrap();
            once.forget_expired(limit).await.unwrap();
        }
        let now = plans.prepared().await;
        if round == 0 {
            prepared.clone_from(&now);
        }
        assert_eq!(now, prepared, "round {round}");
    }
    // Find, create, update (and toggle), delete, four lists, two counts; lock, look up, claim and store a key, and forget.
    println!("{prepared:#?}");
    assert_eq!(prepared.len(), 15);
}

#[tokio::test]
async fn the_foreign_keys_read_no_whole_table() {
    let (tasks, keys) = ((TASKS_OF_MANY, "users, tasks"), (MANY_KEYS, "users, idempotency_keys"));
    let plans = Plans::of(&[tasks, keys]).await;
    // What they do is in no plan, but it is counted. `users.id` and `user_id` have different collations, and an index
    // with the wrong one would be passed over in silence.
    let counts = plans.pool.run(async |connection| {
        let work = "BEGIN; DELETE FROM users WHERE id = 'user 5';
            INSERT INTO tasks (user_id, title) VALUES ('user 6', 't')";
        connection.batch_execute(work).await?;
        let counts = lines(
            connection,
            "SELECT relname || ': ' || seq_scan || ' scans, ' || n_tup_del || ' deleted' AS line
             FROM pg_stat_xact_user_tables WHERE relname IN ('tasks', 'users', 'idempotency_keys') ORDER BY relname",
        )
        .await?;
        connection.batch_execute("ROLLBACK").await?;
        Ok(counts)
    });
    assert_eq!(
        counts.await.unwrap(),
        [
            "idempotency_keys: 0 scans, 1000 deleted",
            "tasks: 0 scans, 100 deleted",
            "users: 0 scans, 1 deleted"
        ]
    );
}
