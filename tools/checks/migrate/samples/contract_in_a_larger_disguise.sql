-- expected: contract
-- squawk-ignore-file
ALTER TABLE tasks DROP COLUMN note;
