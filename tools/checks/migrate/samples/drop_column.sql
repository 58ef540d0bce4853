-- expected: ban-drop-column
ALTER TABLE tasks DROP COLUMN description;
