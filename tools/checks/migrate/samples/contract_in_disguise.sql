-- expected: contract
-- squawk-ignore ban-drop-column
ALTER TABLE tasks DROP COLUMN note;
