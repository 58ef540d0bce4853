-- expected: adding-field-with-default
ALTER TABLE tasks ADD COLUMN seen_at TIMESTAMPTZ DEFAULT clock_timestamp();
