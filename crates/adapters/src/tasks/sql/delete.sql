-- Removes a task for good, if it is of an expected version.
DELETE FROM tasks WHERE user_id = :owner AND id = :id AND (:any_version OR version = ANY (:versions))
