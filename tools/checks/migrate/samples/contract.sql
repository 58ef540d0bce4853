-- expected: nothing
-- contract: unneeded since 0.1.0
ALTER TABLE tasks
    DROP COLUMN note,
    ALTER COLUMN priority SET NOT NULL;
