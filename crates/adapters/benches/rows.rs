//! What it costs to make tasks of the rows that PostgreSQL sent: `cargo bench -p task-adapters --bench rows`, with
//! `TEST_DATABASE_URL` naming a server on which a database may be made.
#![allow(clippy::unwrap_used, missing_docs, reason = "a benchmark that cannot go on panics")]

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use task_adapters::testing::{ReceivedRows, TestDatabase};
use tokio::runtime::Runtime;

const OWNER: &str = "alice";
const TASKS: u64 = 100;

fn rows(criterion: &mut Criterion) {
    let runtime = Runtime::new().unwrap();
    let (_database, rows) = runtime.block_on(async {
        let database = TestDatabase::new().await;
        database.insert_user(OWNER).await;
        // Every other one has been completed, and every third one has no description.
        let fill = format!(
            "INSERT INTO tasks (user_id, title, description, completed, completed_at, updated_at)
             SELECT '{OWNER}', 'Replace the kitchen tap washer ' || n,
                    CASE WHEN n % 3 > 0 THEN 'The old one has worn thin and drips at night' END,
                    n % 2 = 0, CASE WHEN n % 2 = 0 THEN now() + interval '1 hour' END,
                    now() + n % 2 * interval '1 hour'
             FROM generate_series(1, {TASKS}) AS n"
        );
        database.execute(&fill).await;
        let rows = ReceivedRows::of(database.database(), OWNER).await;
        (database, rows)
    });
    assert_eq!(rows.decode().len(), usize::try_from(TASKS).unwrap());
    let mut group = criterion.benchmark_group("rows");
    group.throughput(Throughput::Elements(TASKS));
    group.bench_function("a list of 100", |bencher| bencher.iter(|| rows.decode()));
    group.finish();
}

criterion_group!(benches, rows);
criterion_main!(benches);
