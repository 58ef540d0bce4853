-- expected: ban-drop-table
DROP TABLE service_keys;
