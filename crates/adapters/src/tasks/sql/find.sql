-- One task.
SELECT {columns} FROM tasks WHERE user_id = :owner AND id = :id
