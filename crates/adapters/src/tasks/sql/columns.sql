-- The columns of a task as they are read. The owner is left out: the caller knows it.
--
-- To send a value costs PostgreSQL more than to find that it need not be sent, and a list has a hundred tasks. So what
-- follows from the others is null: `updated_at` if the task never changed, and the version if it is 1. A time of
-- completion says that the task is completed.
tasks.id, {read_members}, tasks.created_at,
nullif(tasks.updated_at, tasks.created_at) AS updated_at,
nullif(tasks.version, 1) AS version,
-- A completed row without a time was written past this program.
CASE WHEN tasks.completed THEN coalesce(tasks.completed_at, tasks.updated_at) END AS completed_at
