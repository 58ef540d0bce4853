-- Removes expired keys, the oldest first. It passes over rows that another replica is removing. It finds rows by ctid,
-- because a join by the key would read the whole table.
DELETE FROM idempotency_keys WHERE ctid = ANY (ARRAY(
    SELECT ctid FROM idempotency_keys
    WHERE created_at <= statement_timestamp() - INTERVAL '24 hours'
    ORDER BY created_at LIMIT :limit
    FOR UPDATE SKIP LOCKED
))
