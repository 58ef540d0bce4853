-- What a toggle assigns: as `assignments.sql`, where only `completed` changes, and it always does.
completed = NOT tasks.completed,
completed_at = CASE
    WHEN NOT tasks.completed
        THEN greatest(statement_timestamp(), tasks.updated_at + INTERVAL '1 microsecond')
END,
version = tasks.version + 1,
updated_at = greatest(statement_timestamp(), tasks.updated_at + INTERVAL '1 microsecond')
