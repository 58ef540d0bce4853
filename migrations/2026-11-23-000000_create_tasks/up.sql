-- `users` belongs to Better Auth: it is referred to here and never made, changed or dropped.
CREATE TABLE tasks (
    -- The owner leads every key, so that one index serves look-ups and the wall between users, and so that the table
    -- can be spread over a distributed PostgreSQL by `user_id` as it is. An opaque id is compared byte by byte.
    user_id TEXT COLLATE "C" NOT NULL,
    -- At most 2^53 - 1, which every JSON parser reads exactly. An identity never hands out a number twice.
    id BIGINT GENERATED ALWAYS AS IDENTITY (MAXVALUE 9007199254740991),
    -- In UTF-8 the byte order of "C" is the order of code points: the same on every machine.
    title TEXT COLLATE "C" NOT NULL,
    description TEXT,
    completed BOOLEAN NOT NULL DEFAULT FALSE,
    -- Both are the start of the one statement that inserts the row, and so they are equal.
    created_at TIMESTAMPTZ NOT NULL DEFAULT statement_timestamp(),
    updated_at TIMESTAMPTZ NOT NULL DEFAULT statement_timestamp(),
    CONSTRAINT tasks_pkey PRIMARY KEY (user_id, id),
    -- Without the cascade Better Auth's deletion of an account would fail half-way.
    CONSTRAINT tasks_user_id_fkey FOREIGN KEY (user_id) REFERENCES users (id) ON DELETE CASCADE,
    -- The last line of defence; the API checks the same limits and says more about it.
    CONSTRAINT tasks_title_length CHECK (char_length(title) BETWEEN 1 AND 200),
    CONSTRAINT tasks_description_length CHECK (char_length(description) <= 10000)
);

-- One index for each listing. The columns up to the order are compared for equality, so a listing is one range of its
-- index, already in order: no sort, and no reading past the rows of the answer. A filter on `completed` after the fact
-- would read all of a user's completed tasks to find the few that are pending.

-- All tasks, the newest first (read backwards).
CREATE INDEX tasks_by_created ON tasks (user_id, created_at, id);
-- Pending or completed tasks, the newest first (read backwards).
CREATE INDEX tasks_by_status_created ON tasks (user_id, completed, created_at, id);
-- All tasks by title.
CREATE INDEX tasks_by_title ON tasks (user_id, title, id);
-- Pending or completed tasks by title.
CREATE INDEX tasks_by_status_title ON tasks (user_id, completed, title, id);
