-- expected: contract
-- contract: unneeded since 999.0.0
ALTER TABLE tasks DROP COLUMN note;
