-- Stores a key whose receipt is still to come, in place of an expired one; nothing if there is a fresh one.
INSERT INTO idempotency_keys AS known (user_id, key, fingerprint, receipt) VALUES (:owner, :key, :fingerprint, '')
ON CONFLICT (user_id, key) DO UPDATE
    SET fingerprint = excluded.fingerprint, receipt = excluded.receipt, created_at = excluded.created_at
    WHERE known.created_at <= statement_timestamp() - INTERVAL '24 hours'
