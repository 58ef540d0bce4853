-- expected: ban-drop-index
DROP INDEX CONCURRENTLY tasks_by_title;
