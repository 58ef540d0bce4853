ALTER TABLE tasks
    DROP COLUMN priority,
    DROP COLUMN note;
