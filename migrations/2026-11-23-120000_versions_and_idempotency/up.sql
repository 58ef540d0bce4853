-- Only adds, so that the release before this one goes on working on the new schema: what it does not write has a
-- default or may be null. A constant default does not rewrite the table.
ALTER TABLE tasks
    -- 1 at creation, one more at every change: what `If-Match` compares.
    ADD COLUMN version BIGINT NOT NULL DEFAULT 1,
    -- When the task was completed. It counts only while `completed`; the release before leaves it as it is.
    ADD COLUMN completed_at TIMESTAMPTZ;

-- The answers to requests that carried an idempotency key, so that a repeated request gets the same one.
CREATE TABLE idempotency_keys (
    -- The owner leads the key, as in `tasks`: keys of different users never meet, and both tables can be spread over a
    -- distributed PostgreSQL alike.
    user_id TEXT COLLATE "C" NOT NULL,
    key TEXT COLLATE "C" NOT NULL,
    -- SHA-256 of what was asked: the same key with another request is a mistake of the client.
    fingerprint BYTEA NOT NULL,
    -- The answer, as the API wrote it.
    receipt BYTEA NOT NULL,
    created_at TIMESTAMPTZ NOT NULL DEFAULT statement_timestamp(),
    CONSTRAINT idempotency_keys_pkey PRIMARY KEY (user_id, key),
    -- A deleted user's keys go with them.
    CONSTRAINT idempotency_keys_user_id_fkey FOREIGN KEY (user_id) REFERENCES users (id) ON DELETE CASCADE,
    CONSTRAINT idempotency_keys_key_length CHECK (char_length(key) BETWEEN 1 AND 255),
    CONSTRAINT idempotency_keys_fingerprint_length CHECK (octet_length(fingerprint) = 32)
);

-- Finds the expired keys, the oldest first, without reading the others.
CREATE INDEX idempotency_keys_by_created ON idempotency_keys (created_at);
