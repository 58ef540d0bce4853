-- expected: adding-required-field
ALTER TABLE tasks ADD COLUMN priority BIGINT NOT NULL;
