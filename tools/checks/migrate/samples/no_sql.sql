-- expected: syntax-error
ALTER TABLE tasks ADD COLUMM note TEXT;
