-- expected: ban-new-write-restriction, constraint-missing-not-valid
ALTER TABLE tasks ADD CONSTRAINT tasks_title_is_short CHECK (char_length(title) < 100);
