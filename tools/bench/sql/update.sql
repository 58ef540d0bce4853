-- New title and description: `Update` in crates/adapters/src/tasks/sql.rs. A test there compares the two.
\set id random(1, :tasks)
\set user :before_first_user + (:id - 1) % :users + 1
-- A title like no other, so that an update changes something and its indexes.
\set title random(100000000000000000, 999999999999999999)
UPDATE tasks SET title = coalesce(new.title, tasks.title),
    description = CASE WHEN new.keep_description THEN tasks.description ELSE new.description END,
    completed = coalesce(new.completed, tasks.completed <> new.flip),
    completed_at = CASE
        WHEN coalesce(new.completed, tasks.completed <> new.flip) = tasks.completed
            THEN CASE WHEN tasks.completed THEN coalesce(tasks.completed_at, tasks.updated_at) END
        WHEN NOT tasks.completed
            THEN greatest(statement_timestamp(), tasks.updated_at + INTERVAL '1 microsecond')
    END,
    version = CASE WHEN (coalesce(new.title, tasks.title),
            CASE WHEN new.keep_description THEN tasks.description ELSE new.description END,
            coalesce(new.completed, tasks.completed <> new.flip)) IS DISTINCT FROM (tasks.title, tasks.description, tasks.completed) THEN tasks.version + 1 ELSE tasks.version END,
    updated_at = CASE
        WHEN (coalesce(new.title, tasks.title),
            CASE WHEN new.keep_description THEN tasks.description ELSE new.description END,
            coalesce(new.completed, tasks.completed <> new.flip)) IS DISTINCT FROM (tasks.title, tasks.description, tasks.completed) THEN greatest(statement_timestamp(), tasks.updated_at + INTERVAL '1 microsecond')
        ELSE tasks.updated_at
    END
FROM (SELECT :title::text AS title, :description::text AS description, :no::boolean AS keep_description,
    NULL::boolean AS completed, :no::boolean AS flip) AS new
WHERE tasks.user_id = :user AND tasks.id = :id AND (:yes OR tasks.version = ANY (:none))
RETURNING tasks.id, tasks.title, tasks.description, tasks.created_at,
    nullif(tasks.updated_at, tasks.created_at) AS updated_at, nullif(tasks.version, 1) AS version,
    CASE WHEN tasks.completed THEN coalesce(tasks.completed_at, tasks.updated_at) END AS completed_at;
