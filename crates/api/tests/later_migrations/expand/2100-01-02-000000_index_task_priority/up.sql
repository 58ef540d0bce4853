CREATE INDEX CONCURRENTLY tasks_by_priority ON tasks (user_id, priority, id);
