//! Idempotency keys, and the foreign keys of both tables.

use diesel_async::SimpleAsyncConnection;
use task_domain::{
    Expectation, IdempotencyStore, TaskCommand, UserId,
    testing::{task_id, user},
};

use super::{
    prepared::{RECEIPTS, request},
    session::{MANY_KEYS, Plans, TASKS_OF_MANY, buffers, lines},
};

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

    let key = [("owner", "'user 3'"), ("key", "'key 3'"), ("receipt", "'receipt'"), ("limit", "50")];
    let plan = plans.plan("key_find", &key).await;
    assert!(plan.contains("Index Scan using idempotency_keys_pkey"), "{plan}");
    assert!(plan.contains("Index Cond: ((user_id = $1) AND (key = $2))"), "{plan}");
    assert_eq!(plan.matches("Scan").count(), 1, "{plan}");

    plans.range("key_store", &key, "idempotency_keys_pkey").await;

    let plan = plans.plan("key_forget", &key).await;
    assert!(plan.contains("Index Scan using idempotency_keys_by_created"), "{plan}");
    assert!(plan.contains("(actual rows=50 loops=1)") && plan.contains("Tid Scan"), "{plan}");
    for costly in ["Seq Scan", "Sort", "Rows Removed", "Bitmap"] {
        assert!(!plan.contains(costly), "{costly}:\n{plan}");
    }
    assert!(buffers(&plan) < 500, "it reads more than it deletes:\n{plan}");
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
