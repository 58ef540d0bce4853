DROP TABLE idempotency_keys;

ALTER TABLE tasks
    DROP COLUMN completed_at,
    DROP COLUMN version;
