-- expected: nothing
ALTER TABLE tasks
    ADD COLUMN note TEXT,
    ADD COLUMN priority BIGINT NOT NULL DEFAULT 0;
