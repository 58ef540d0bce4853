-- A page of a user's tasks behind a position. A first page starts behind a position before all others, so that it is
-- the same statement as the pages after it. tasks/page.rs has the ranges, conditions and orders.
SELECT {columns} FROM tasks WHERE user_id = :owner {conditions} AND {range} ORDER BY {order} LIMIT :rows
