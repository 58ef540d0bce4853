-- The foreign key locks `users` for a moment against writes, as that of every table that belongs to users.
CREATE TABLE notes (
    user_id TEXT COLLATE "C" NOT NULL,
    id BIGINT GENERATED ALWAYS AS IDENTITY,
    CONSTRAINT notes_pkey PRIMARY KEY (user_id, id),
    CONSTRAINT notes_user_id_fkey FOREIGN KEY (user_id) REFERENCES users (id) ON DELETE CASCADE
);
