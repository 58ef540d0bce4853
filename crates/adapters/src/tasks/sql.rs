//! The statements on `tasks` that diesel cannot keep prepared. Each reads one range of one index, or one row of the key.

use chrono::{DateTime, Utc};
use diesel::sql_types::{Array, BigInt, Bool, Nullable, Text, Timestamptz};

use crate::fixed::fixed_statement;

/// What is read of a task; see [`TaskRow`](super::row::TaskRow).
type TaskColumns =
    (BigInt, Text, Nullable<Text>, Bool, Timestamptz, Timestamptz, BigInt, Nullable<Timestamptz>);

fixed_statement! {
    /// A page of all tasks, the newest first, behind a position.
    NewestFirst -> TaskColumns {
        "SELECT id, title, description, completed, created_at, updated_at, version, completed_at
         FROM tasks WHERE user_id = " owner: &'a str => Text,
        " AND (created_at, id) < (" at: DateTime<Utc> => Timestamptz,
        ", " id: i64 => BigInt,
        ") ORDER BY created_at DESC, id DESC LIMIT " limit: i64 => BigInt,
    }
}

fixed_statement! {
    /// A page of pending or completed tasks, the newest first, behind a position.
    NewestFirstOfStatus -> TaskColumns {
        "SELECT id, title, description, completed, created_at, updated_at, version, completed_at
         FROM tasks WHERE user_id = " owner: &'a str => Text,
        " AND completed = " completed: bool => Bool,
        " AND (created_at, id) < (" at: DateTime<Utc> => Timestamptz,
        ", " id: i64 => BigInt,
        ") ORDER BY created_at DESC, id DESC LIMIT " limit: i64 => BigInt,
    }
}

fixed_statement! {
    /// A page of all tasks by title, behind a position.
    ByTitle -> TaskColumns {
        "SELECT id, title, description, completed, created_at, updated_at, version, completed_at
         FROM tasks WHERE user_id = " owner: &'a str => Text,
        " AND (title, id) > (" title: &'a str => Text,
        ", " id: i64 => BigInt,
        ") ORDER BY title, id LIMIT " limit: i64 => BigInt,
    }
}

fixed_statement! {
    /// A page of pending or completed tasks by title, behind a position.
    ByTitleOfStatus -> TaskColumns {
        "SELECT id, title, description, completed, created_at, updated_at, version, completed_at
         FROM tasks WHERE user_id = " owner: &'a str => Text,
        " AND completed = " completed: bool => Bool,
        " AND (title, id) > (" title: &'a str => Text,
        ", " id: i64 => BigInt,
        ") ORDER BY title, id LIMIT " limit: i64 => BigInt,
    }
}

fixed_statement! {
    /// Sets what is new, and counts it as a change only if something differs.
    ///
    /// `updated_at` becomes greater than it was even when the clock stands still or was set back: PostgreSQL evaluates
    /// the row as it is once the statement holds its lock, so that concurrent changes count too.
    Update -> TaskColumns {
        "UPDATE tasks SET
             title = coalesce(new.title, tasks.title),
             description = CASE WHEN new.keep_description THEN tasks.description ELSE new.description END,
             completed = coalesce(new.completed, tasks.completed),
             completed_at = CASE
                 WHEN coalesce(new.completed, tasks.completed) = tasks.completed
                     -- The release before this one completes tasks without a word about when.
                     THEN CASE WHEN tasks.completed THEN coalesce(tasks.completed_at, tasks.updated_at) END
                 WHEN new.completed
                     THEN greatest(statement_timestamp(), tasks.updated_at + INTERVAL '1 microsecond')
             END,
             version = CASE
                 WHEN (coalesce(new.title, tasks.title),
                       CASE WHEN new.keep_description THEN tasks.description ELSE new.description END,
                       coalesce(new.completed, tasks.completed))
                     IS DISTINCT FROM (tasks.title, tasks.description, tasks.completed)
                     THEN tasks.version + 1
                 ELSE tasks.version
             END,
             updated_at = CASE
                 WHEN (coalesce(new.title, tasks.title),
                       CASE WHEN new.keep_description THEN tasks.description ELSE new.description END,
                       coalesce(new.completed, tasks.completed))
                     IS DISTINCT FROM (tasks.title, tasks.description, tasks.completed)
                     THEN greatest(statement_timestamp(), tasks.updated_at + INTERVAL '1 microsecond')
                 ELSE tasks.updated_at
             END
         FROM (SELECT " title: Option<&'a str> => Nullable<Text>,
        "::text AS title, " description: Option<&'a str> => Nullable<Text>,
        "::text AS description, " keep_description: bool => Bool,
        "::boolean AS keep_description, " completed: Option<bool> => Nullable<Bool>,
        "::boolean AS completed) AS new
         WHERE tasks.user_id = " owner: &'a str => Text,
        " AND tasks.id = " id: i64 => BigInt,
        " AND (" any_version: bool => Bool,
        " OR tasks.version = ANY (" versions: &'a [i64] => Array<BigInt>,
        ")) RETURNING tasks.id, tasks.title, tasks.description, tasks.completed, tasks.created_at, tasks.updated_at,
             tasks.version, tasks.completed_at",
    }
}

fixed_statement! {
    /// Completes a pending task, and reopens a completed one. For `updated_at` see [`Update`].
    Toggle -> TaskColumns {
        "UPDATE tasks SET
             completed = NOT completed,
             completed_at = CASE
                 WHEN NOT completed THEN greatest(statement_timestamp(), updated_at + INTERVAL '1 microsecond')
             END,
             version = version + 1,
             updated_at = greatest(statement_timestamp(), updated_at + INTERVAL '1 microsecond')
         WHERE user_id = " owner: &'a str => Text,
        " AND id = " id: i64 => BigInt,
        " AND (" any_version: bool => Bool,
        " OR version = ANY (" versions: &'a [i64] => Array<BigInt>,
        ")) RETURNING id, title, description, completed, created_at, updated_at, version, completed_at",
    }
}

fixed_statement! {
    /// Removes a task for good.
    Delete -> () {
        "DELETE FROM tasks WHERE user_id = " owner: &'a str => Text,
        " AND id = " id: i64 => BigInt,
        " AND (" any_version: bool => Bool,
        " OR version = ANY (" versions: &'a [i64] => Array<BigInt>,
        "))",
    }
}
