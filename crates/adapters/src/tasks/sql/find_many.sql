-- Several tasks, each of its owner, with their places among the requests.
--
-- OFFSET keeps PostgreSQL from joining as it likes: it would read all of a table that was small when it was last
-- analyzed.
SELECT found.*
FROM unnest(:owners::text[], :ids::bigint[]) WITH ORDINALITY AS asked (user_id, id, place),
    LATERAL (
        SELECT asked.place, tasks.user_id, {columns} FROM tasks
        WHERE tasks.user_id = asked.user_id AND tasks.id = asked.id OFFSET 0
    ) AS found
