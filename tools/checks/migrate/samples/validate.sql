-- expected: nothing
ALTER TABLE tasks VALIDATE CONSTRAINT tasks_note_length;
