-- expected: ban-new-write-restriction
ALTER TABLE tasks ADD CONSTRAINT tasks_title_is_short CHECK (char_length(title) < 100) NOT VALID;
