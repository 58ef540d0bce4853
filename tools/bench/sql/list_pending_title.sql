-- Pending tasks by title: `ByTitleOfStatus` in crates/adapters/src/tasks/sql.rs. A test there compares the two.
\set id random(1, :tasks)
\set user :before_first_user + (:id - 1) % :users + 1
SELECT tasks.id, tasks.title, tasks.description, tasks.created_at,
    nullif(tasks.updated_at, tasks.created_at) AS updated_at, nullif(tasks.version, 1) AS version,
    CASE WHEN tasks.completed THEN coalesce(tasks.completed_at, tasks.updated_at) END AS completed_at
FROM tasks WHERE user_id = :user AND completed = :no AND (title, id) > (:first_title, :first_id)
ORDER BY title, id LIMIT :rows;
