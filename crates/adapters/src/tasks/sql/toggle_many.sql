-- Toggles several tasks, no two of them the same, whatever their versions, and tells their places among the requests: as
-- `update_many.sql`, without the values that a toggle does not have.
WITH new AS MATERIALIZED (
    SELECT asked.place, locked.tid
    FROM unnest(:owners::text[], :ids::bigint[]) WITH ORDINALITY AS asked (user_id, id, place),
        LATERAL (
            SELECT tasks.ctid AS tid FROM tasks
            WHERE tasks.user_id = asked.user_id AND tasks.id = asked.id
            FOR NO KEY UPDATE SKIP LOCKED
        ) AS locked
)
UPDATE tasks SET {toggled}
FROM new
WHERE tasks.ctid = ANY (ARRAY(SELECT tid FROM new)) AND tasks.ctid = new.tid
RETURNING new.place, tasks.user_id, {columns}
