-- expected: renaming-object
ALTER TABLE tasks RENAME CONSTRAINT tasks_user_id_fkey TO tasks_owner;
