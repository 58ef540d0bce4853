-- expected: require-concurrent-index-creation
-- contract: unneeded since 0.1.0
ALTER TABLE tasks DROP COLUMN note;
CREATE INDEX tasks_by_priority ON tasks (user_id, priority, id);
