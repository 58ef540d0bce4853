-- Changes a task, if it is of an expected version.
WITH new AS (SELECT {changes})
UPDATE tasks SET {assignments}
FROM new
WHERE tasks.user_id = :owner AND tasks.id = :id AND (:any_version OR tasks.version = ANY (:versions))
RETURNING {columns}
