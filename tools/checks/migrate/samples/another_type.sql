-- expected: changing-column-type
ALTER TABLE tasks ALTER COLUMN version TYPE NUMERIC;
