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

/// What an update sets to what is new, and whether it counts as a change.
///
/// `updated_at` becomes greater than it was even when the clock stands still or was set back: PostgreSQL evaluates the
/// row as it is once the statement holds its lock, so that concurrent changes count too.
macro_rules! what_is_new {
    () => {
        "title = coalesce(new.title, tasks.title),
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
             END"
    };
}

/// What a toggle sets. For `updated_at` see [`what_is_new`].
macro_rules! the_other_status {
    () => {
        "completed = NOT tasks.completed,
             completed_at = CASE
                 WHEN NOT tasks.completed
                     THEN greatest(statement_timestamp(), tasks.updated_at + INTERVAL '1 microsecond')
             END,
             version = tasks.version + 1,
             updated_at = greatest(statement_timestamp(), tasks.updated_at + INTERVAL '1 microsecond')"
    };
}

fixed_statement! {
    /// Sets what is new, and counts it as a change only if something differs.
    Update -> TaskColumns {
        (concat!("UPDATE tasks SET ", what_is_new!(), " FROM (SELECT ")) title: Option<&'a str> => Nullable<Text>,
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
    /// Completes a pending task, and reopens a completed one.
    Toggle -> TaskColumns {
        (concat!("UPDATE tasks SET ", the_other_status!(), " WHERE user_id = ")) owner: &'a str => Text,
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

/// A task of one of several owners.
type OwnedColumns = (Text, TaskColumns);

// The subqueries keep PostgreSQL from joining as it likes. For a table that is small it would rather read all of it than
// look up some keys, and goes on to do so for as long as nobody has counted the rows again.

fixed_statement! {
    /// Several tasks, each one of its owner.
    FindTogether -> OwnedColumns {
        "SELECT found.user_id, found.id, found.title, found.description, found.completed,
             found.created_at, found.updated_at, found.version, found.completed_at
         FROM unnest(" owners: &'a [&'a str] => Array<Text>,
        ", " ids: &'a [i64] => Array<BigInt>,
        ") AS asked (user_id, id),
             LATERAL (SELECT * FROM tasks
                      WHERE tasks.user_id = asked.user_id AND tasks.id = asked.id OFFSET 0) AS found",
    }
}

fixed_statement! {
    /// Creates several tasks, in the order in which they were asked for.
    CreateTogether -> OwnedColumns {
        "INSERT INTO tasks (user_id, title, description)
         SELECT new.user_id, new.title, new.description FROM unnest(" owners: &'a [&'a str] => Array<Text>,
        ", " titles: &'a [&'a str] => Array<Text>,
        ", " descriptions: &'a [Option<&'a str>] => Array<Nullable<Text>>,
        ") AS new (user_id, title, description)
         RETURNING user_id, id, title, description, completed, created_at, updated_at, version, completed_at",
    }
}

fixed_statement! {
    /// Updates several tasks, no two of them the same, as [`Update`] does one. A task that somebody else is changing is
    /// passed over: nobody waits for what another one needs, so that two of these never wait for one another.
    UpdateTogether -> OwnedColumns {
        "WITH new AS MATERIALIZED (
             SELECT asked.*, locked.place FROM unnest(" owners: &'a [&'a str] => Array<Text>,
        ", " ids: &'a [i64] => Array<BigInt>,
        ", " titles: &'a [Option<&'a str>] => Array<Nullable<Text>>,
        ", " descriptions: &'a [Option<&'a str>] => Array<Nullable<Text>>,
        ", " keep_descriptions: &'a [bool] => Array<Bool>,
        ", " completed: &'a [Option<bool>] => Array<Nullable<Bool>>,
        ") AS asked (user_id, id, title, description, keep_description, completed),
                 LATERAL (SELECT tasks.ctid AS place FROM tasks
                          WHERE tasks.user_id = asked.user_id AND tasks.id = asked.id
                          FOR NO KEY UPDATE SKIP LOCKED) AS locked)",
        (concat!("UPDATE tasks SET ", what_is_new!(), " FROM new
         WHERE tasks.ctid = ANY (ARRAY(SELECT place FROM new)) AND tasks.ctid = new.place
         RETURNING tasks.user_id, tasks.id, tasks.title, tasks.description, tasks.completed,
             tasks.created_at, tasks.updated_at, tasks.version, tasks.completed_at")),
    }
}

fixed_statement! {
    /// Toggles several tasks, no two of them the same, as [`Toggle`] does one, and as [`UpdateTogether`] waits for none.
    ToggleTogether -> OwnedColumns {
        "WITH asked AS MATERIALIZED (
             SELECT locked.place FROM unnest(" owners: &'a [&'a str] => Array<Text>,
        ", " ids: &'a [i64] => Array<BigInt>,
        ") AS asked (user_id, id),
                 LATERAL (SELECT tasks.ctid AS place FROM tasks
                          WHERE tasks.user_id = asked.user_id AND tasks.id = asked.id
                          FOR NO KEY UPDATE SKIP LOCKED) AS locked)",
        (concat!("UPDATE tasks SET ", the_other_status!(), "
         WHERE tasks.ctid = ANY (ARRAY(SELECT place FROM asked))
         RETURNING user_id, id, title, description, completed, created_at, updated_at, version, completed_at")),
    }
}
