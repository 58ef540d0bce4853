-- Creates several tasks.
--
-- RETURNING cannot name a column of the SELECT, and PostgreSQL promises no order of the rows that it returns. But it
-- draws the ids in the order of the SELECT, so the rank of an id among the new ones is the place of its request.
INSERT INTO tasks (user_id, {members})
SELECT new.user_id, {new_members}
FROM unnest(:owners::text[], {value_arrays}) WITH ORDINALITY AS new (user_id, {members}, place)
ORDER BY new.place
RETURNING tasks.user_id, {columns}
