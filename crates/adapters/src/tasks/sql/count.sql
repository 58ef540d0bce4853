-- How many tasks of a user match.
SELECT count(*) FROM tasks WHERE user_id = :owner {conditions}
