-- What becomes of `completed`: a null that is set means the opposite of what it is.
CASE WHEN new.set_completed THEN coalesce(new.completed, NOT tasks.completed) ELSE tasks.completed END
