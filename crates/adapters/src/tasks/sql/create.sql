-- Creates a task; the table's defaults supply the rest.
INSERT INTO tasks (user_id, {members}) VALUES (:owner, {values}) RETURNING {columns}
