-- What becomes of `completed`: a null that is set means the opposite of what it is, and one that is not set keeps it.
coalesce(new.completed, tasks.completed <> new.set_completed)
