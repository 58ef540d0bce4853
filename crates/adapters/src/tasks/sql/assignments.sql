-- What an update assigns. It counts as a change only if a value differs.
--
-- PostgreSQL evaluates this on the row as it is once the statement holds its lock, so that concurrent changes count too.
-- `updated_at` grows even if the clock stands still or is set back.
{set_members},
completed = {completed},
completed_at = CASE
    WHEN {completed} = tasks.completed
        -- A completed row without a time was written past this program.
        THEN CASE WHEN tasks.completed THEN coalesce(tasks.completed_at, tasks.updated_at) END
    WHEN NOT tasks.completed
        THEN greatest(statement_timestamp(), tasks.updated_at + INTERVAL '1 microsecond')
END,
version = CASE WHEN {is_changed} THEN tasks.version + 1 ELSE tasks.version END,
updated_at = CASE
    WHEN {is_changed} THEN greatest(statement_timestamp(), tasks.updated_at + INTERVAL '1 microsecond')
    ELSE tasks.updated_at
END
