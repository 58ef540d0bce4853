-- What was asked and answered under a key that has not expired.
SELECT fingerprint, receipt FROM idempotency_keys
WHERE created_at > statement_timestamp() - INTERVAL '24 hours' AND user_id = :owner AND key = :key
