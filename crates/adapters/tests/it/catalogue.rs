//! Rules that every table of ours keeps, those of later migrations too.

use task_adapters::testing::TestDatabase;

/// What is not ours: `users` is Better Auth's, the other one diesel's.
const OURS: &str =
    "relnamespace = 'public'::regnamespace AND relname NOT IN ('users', '__diesel_schema_migrations')";

/// What holds nothing of any user.
const OF_USERS: &str = "relname <> 'service_keys'";

async fn offenders(sql: &str) -> Vec<String> {
    let db = TestDatabase::new().await;
    assert_eq!(
        db.lines(&format!(
            "SELECT relname::text AS line FROM pg_class WHERE relkind = 'r' AND {OURS} ORDER BY 1"
        ))
        .await,
        ["idempotency_keys", "service_keys", "tasks"]
    );
    db.lines(&sql.replace("OURS", OURS).replace("OF_USERS", OF_USERS)).await
}

#[tokio::test]
async fn every_primary_key_starts_with_the_owner() {
    let sql = "SELECT relname::text AS line FROM pg_class
        LEFT JOIN pg_constraint ON conrelid = pg_class.oid AND contype = 'p'
        LEFT JOIN pg_attribute ON attrelid = conrelid AND attnum = conkey[1]
        WHERE relkind = 'r' AND OURS AND OF_USERS AND attname IS DISTINCT FROM 'user_id'";
    assert_eq!(offenders(sql).await, [""; 0]);
}

#[tokio::test]
async fn every_owner_is_a_user_and_goes_with_the_account() {
    let sql = "SELECT relname::text AS line FROM pg_class
        WHERE relkind = 'r' AND OURS AND OF_USERS AND NOT EXISTS (
            SELECT FROM pg_constraint JOIN pg_attribute ON attrelid = conrelid AND attnum = conkey[1]
            WHERE conrelid = pg_class.oid AND contype = 'f' AND confrelid = 'users'::regclass
                AND attname = 'user_id' AND confdeltype = 'c' AND convalidated
        )";
    assert_eq!(offenders(sql).await, [""; 0]);
}

#[tokio::test]
async fn every_foreign_key_cascades_and_is_led_by_an_index() {
    let sql = "SELECT conname::text AS line FROM pg_constraint JOIN pg_class ON pg_class.oid = conrelid
        WHERE contype = 'f' AND OURS AND (confdeltype <> 'c' OR NOT EXISTS (
            SELECT FROM pg_index
            WHERE indrelid = conrelid AND indisvalid AND indpred IS NULL
                AND (indkey::int2[])[0:cardinality(conkey) - 1] @> conkey
        ))";
    assert_eq!(offenders(sql).await, [""; 0]);
}

#[tokio::test]
async fn every_text_that_is_ordered_or_compared_collates_by_code_point() {
    let sql = "SELECT indexrelid::regclass || ' ' || of_column::regcollation AS line
        FROM pg_index JOIN pg_class ON pg_class.oid = indrelid, unnest(indcollation::oid[]) AS of_column
        WHERE OURS AND of_column <> 0 AND of_column <> '\"C\"'::regcollation
        UNION ALL
        SELECT attname::text FROM pg_attribute JOIN pg_class ON pg_class.oid = attrelid
        WHERE relkind = 'r' AND OURS AND attname IN ('user_id', 'title', 'key') AND attcollation NOT IN (0, '\"C\"'::regcollation)";
    assert_eq!(offenders(sql).await, [""; 0]);
}

#[tokio::test]
async fn every_time_has_a_time_zone() {
    let sql = "SELECT relname || '.' || attname AS line FROM pg_attribute JOIN pg_class ON pg_class.oid = attrelid
        WHERE relkind = 'r' AND OURS AND attnum > 0
            AND (atttypid = 'timestamp'::regtype OR attname LIKE '%\\_at' AND atttypid <> 'timestamptz'::regtype)";
    assert_eq!(offenders(sql).await, [""; 0]);
}

#[tokio::test]
async fn every_index_is_valid_and_none_is_there_twice() {
    let sql = "SELECT min(indexrelid::regclass::text) AS line FROM pg_index JOIN pg_class ON pg_class.oid = indrelid
        WHERE OURS GROUP BY indrelid, indkey, coalesce(pg_get_expr(indpred, indrelid), '')
        HAVING count(*) > 1 OR NOT bool_and(indisvalid)";
    assert_eq!(offenders(sql).await, [""; 0]);
}
