-- Completes a task that is pending, and makes one pending that is completed, if it is of an expected version.
UPDATE tasks SET {toggled}
WHERE tasks.user_id = :owner AND tasks.id = :id AND (:any_version OR tasks.version = ANY (:versions))
RETURNING {columns}
