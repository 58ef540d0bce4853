-- expected: nothing
CREATE TABLE notes (
    user_id TEXT COLLATE "C" NOT NULL,
    id BIGINT GENERATED ALWAYS AS IDENTITY,
    CONSTRAINT notes_pkey PRIMARY KEY (user_id, id),
    CONSTRAINT notes_user_id_fkey FOREIGN KEY (user_id) REFERENCES users (id) ON DELETE CASCADE
);
CREATE INDEX notes_by_id ON notes (id);
