-- Cursors that clients hold are of no use after this; they begin their lists again.
DROP TABLE service_keys;
