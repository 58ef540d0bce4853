-- A new task: `Create` in crates/adapters/src/tasks/sql.rs. A test there compares the two.
\set id random(1, :tasks)
\set user :before_first_user + (:id - 1) % :users + 1
-- A title like no other, so that an update changes something and its indexes.
\set title random(100000000000000000, 999999999999999999)
INSERT INTO tasks (user_id, title, description) VALUES (:user, :title, :description)
RETURNING tasks.id, tasks.title, tasks.description, tasks.created_at,
    nullif(tasks.updated_at, tasks.created_at) AS updated_at, nullif(tasks.version, 1) AS version,
    CASE WHEN tasks.completed THEN coalesce(tasks.completed_at, tasks.updated_at) END AS completed_at;
