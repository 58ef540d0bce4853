-- expected: require-concurrent-index-creation
CREATE INDEX tasks_by_description ON tasks (user_id, description, id);
