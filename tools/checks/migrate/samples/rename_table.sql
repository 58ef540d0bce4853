-- expected: renaming-table
ALTER TABLE tasks RENAME TO todos;
