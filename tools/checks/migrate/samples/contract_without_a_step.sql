-- expected: contract
-- contract: unneeded since 0.1.0
ALTER TABLE tasks ADD COLUMN note TEXT;
