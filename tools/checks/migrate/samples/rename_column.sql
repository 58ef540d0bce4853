-- expected: renaming-column
ALTER TABLE tasks RENAME COLUMN title TO name;
