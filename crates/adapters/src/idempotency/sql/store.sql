-- Stores the receipt of a key.
UPDATE idempotency_keys SET receipt = :receipt WHERE user_id = :owner AND key = :key
