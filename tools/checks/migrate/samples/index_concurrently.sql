-- expected: nothing
CREATE INDEX CONCURRENTLY tasks_by_note ON tasks (user_id, note, id);
