-- Changes several tasks, no two of them the same, whatever their versions, and tells their places among the requests.
--
-- A task that another statement is changing is passed over: no request waits for what another one needs, so that two of
-- these statements never wait for each other. The subquery and the ctid keep PostgreSQL from reading all of a table that
-- was small when it was last analyzed.
WITH new AS MATERIALIZED (
    SELECT asked.*, locked.tid
    FROM unnest(:owners::text[], :ids::bigint[], {change_arrays})
            WITH ORDINALITY AS asked (user_id, id, {change_columns}, place),
        LATERAL (
            SELECT tasks.ctid AS tid FROM tasks
            WHERE tasks.user_id = asked.user_id AND tasks.id = asked.id
            FOR NO KEY UPDATE SKIP LOCKED
        ) AS locked
)
UPDATE tasks SET {assignments}
FROM new
WHERE tasks.ctid = ANY (ARRAY(SELECT tid FROM new)) AND tasks.ctid = new.tid
RETURNING new.place, tasks.user_id, {columns}
