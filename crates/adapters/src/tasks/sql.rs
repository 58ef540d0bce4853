//! The statements on `tasks` that diesel cannot keep prepared. Each reads one range of one index, or one row of the key.

use chrono::{DateTime, Utc};
use diesel::sql_types::{Array, BigInt, Bool, Nullable, Text, Timestamptz};

use crate::postgres::statement::fixed_statement;

/// What is read of a task; see [`TaskRow`](super::row::TaskRow).
pub(crate) type TaskColumns = (
    BigInt,
    Text,
    Nullable<Text>,
    Timestamptz,
    Nullable<Timestamptz>,
    Nullable<BigInt>,
    Nullable<Timestamptz>,
);

/// The columns of a task as they are read. The owner is left out: whoever asks knows it.
///
/// To send a value costs PostgreSQL more than to find that it need not be sent, and there are a hundred tasks in a list.
/// So what follows from the others is null: `updated_at` of a task that is as it was created, and its version, which is
/// 1. That it is completed follows from when; the release before this one completes tasks without a word about when.
macro_rules! task_columns {
    () => {
        "tasks.id, tasks.title, tasks.description, tasks.created_at,
         nullif(tasks.updated_at, tasks.created_at) AS updated_at, nullif(tasks.version, 1) AS version,
         CASE WHEN tasks.completed THEN coalesce(tasks.completed_at, tasks.updated_at) END AS completed_at"
    };
}

fixed_statement! {
    /// One task.
    Find -> TaskColumns {
        (concat!("SELECT ", task_columns!(), " FROM tasks WHERE user_id = ")) owner: &'a str => Text,
        " AND id = " id: i64 => BigInt,
    }
}

fixed_statement! {
    /// A page of all tasks, the newest first, behind a position.
    NewestFirst -> TaskColumns {
        (concat!("SELECT ", task_columns!(), " FROM tasks WHERE user_id = ")) owner: &'a str => Text,
        " AND (created_at, id) < (" at: DateTime<Utc> => Timestamptz,
        ", " id: i64 => BigInt,
        ") ORDER BY created_at DESC, id DESC LIMIT " limit: i64 => BigInt,
    }
}

fixed_statement! {
    /// A page of pending or completed tasks, the newest first, behind a position.
    NewestFirstOfStatus -> TaskColumns {
        (concat!("SELECT ", task_columns!(), " FROM tasks WHERE user_id = ")) owner: &'a str => Text,
        " AND completed = " completed: bool => Bool,
        " AND (created_at, id) < (" at: DateTime<Utc> => Timestamptz,
        ", " id: i64 => BigInt,
        ") ORDER BY created_at DESC, id DESC LIMIT " limit: i64 => BigInt,
    }
}

fixed_statement! {
    /// A page of all tasks by title, behind a position.
    ByTitle -> TaskColumns {
        (concat!("SELECT ", task_columns!(), " FROM tasks WHERE user_id = ")) owner: &'a str => Text,
        " AND (title, id) > (" title: &'a str => Text,
        ", " id: i64 => BigInt,
        ") ORDER BY title, id LIMIT " limit: i64 => BigInt,
    }
}

fixed_statement! {
    /// A page of pending or completed tasks by title, behind a position.
    ByTitleOfStatus -> TaskColumns {
        (concat!("SELECT ", task_columns!(), " FROM tasks WHERE user_id = ")) owner: &'a str => Text,
        " AND completed = " completed: bool => Bool,
        " AND (title, id) > (" title: &'a str => Text,
        ", " id: i64 => BigInt,
        ") ORDER BY title, id LIMIT " limit: i64 => BigInt,
    }
}

fixed_statement! {
    /// Creates a task; all that is not said of it is the table's to say.
    Create -> TaskColumns {
        "INSERT INTO tasks (user_id, title, description) VALUES (" owner: &'a str => Text,
        ", " title: &'a str => Text,
        ", " description: Option<&'a str> => Nullable<Text>,
        (concat!(") RETURNING ", task_columns!())),
    }
}

/// What becomes of `completed`: it is set, flipped or kept.
macro_rules! whether_completed {
    () => {
        "coalesce(new.completed, tasks.completed <> new.flip)"
    };
}

/// Whether an update changes anything.
macro_rules! is_changed {
    () => {
        concat!(
            "(coalesce(new.title, tasks.title),
                  CASE WHEN new.keep_description THEN tasks.description ELSE new.description END,
                  ",
            whether_completed!(),
            ") IS DISTINCT FROM (tasks.title, tasks.description, tasks.completed)"
        )
    };
}

/// What an update sets to what is new, and whether it counts as a change.
///
/// `updated_at` becomes greater than it was even when the clock stands still or was set back: PostgreSQL evaluates the
/// row as it is once the statement holds its lock, so that concurrent changes count too.
macro_rules! what_is_new {
    () => {
        concat!(
            "title = coalesce(new.title, tasks.title),
             description = CASE WHEN new.keep_description THEN tasks.description ELSE new.description END,
             completed = ",
            whether_completed!(),
            ", completed_at = CASE
                 WHEN ",
            whether_completed!(),
            " = tasks.completed
                     -- The release before this one completes tasks without a word about when.
                     THEN CASE WHEN tasks.completed THEN coalesce(tasks.completed_at, tasks.updated_at) END
                 WHEN NOT tasks.completed
                     THEN greatest(statement_timestamp(), tasks.updated_at + INTERVAL '1 microsecond')
             END,
             version = CASE WHEN ",
            is_changed!(),
            " THEN tasks.version + 1 ELSE tasks.version END,
             updated_at = CASE
                 WHEN ",
            is_changed!(),
            " THEN greatest(statement_timestamp(), tasks.updated_at + INTERVAL '1 microsecond')
                 ELSE tasks.updated_at
             END"
        )
    };
}

fixed_statement! {
    /// Sets what is new or flips whether it is completed, and counts it as a change only if something differs.
    Update -> TaskColumns {
        (concat!("UPDATE tasks SET ", what_is_new!(), " FROM (SELECT ")) title: Option<&'a str> => Nullable<Text>,
        "::text AS title, " description: Option<&'a str> => Nullable<Text>,
        "::text AS description, " keep_description: bool => Bool,
        "::boolean AS keep_description, " completed: Option<bool> => Nullable<Bool>,
        "::boolean AS completed, " flip: bool => Bool,
        "::boolean AS flip) AS new
         WHERE tasks.user_id = " owner: &'a str => Text,
        " AND tasks.id = " id: i64 => BigInt,
        " AND (" any_version: bool => Bool,
        " OR tasks.version = ANY (" versions: &'a [i64] => Array<BigInt>,
        (concat!(")) RETURNING ", task_columns!())),
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
        "SELECT found.* FROM unnest(" owners: &'a [&'a str] => Array<Text>,
        ", " ids: &'a [i64] => Array<BigInt>,
        (concat!(") AS asked (user_id, id),
             LATERAL (SELECT tasks.user_id, ", task_columns!(), " FROM tasks
                      WHERE tasks.user_id = asked.user_id AND tasks.id = asked.id OFFSET 0) AS found")),
    }
}

fixed_statement! {
    /// Creates several tasks, in the order in which they were asked for.
    CreateTogether -> OwnedColumns {
        "INSERT INTO tasks (user_id, title, description)
         SELECT new.user_id, new.title, new.description FROM unnest(" owners: &'a [&'a str] => Array<Text>,
        ", " titles: &'a [&'a str] => Array<Text>,
        ", " descriptions: &'a [Option<&'a str>] => Array<Nullable<Text>>,
        (concat!(") AS new (user_id, title, description) RETURNING tasks.user_id, ", task_columns!())),
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
        ", " flips: &'a [bool] => Array<Bool>,
        ") AS asked (user_id, id, title, description, keep_description, completed, flip),
                 LATERAL (SELECT tasks.ctid AS place FROM tasks
                          WHERE tasks.user_id = asked.user_id AND tasks.id = asked.id
                          FOR NO KEY UPDATE SKIP LOCKED) AS locked)",
        (concat!("UPDATE tasks SET ", what_is_new!(), " FROM new
         WHERE tasks.ctid = ANY (ARRAY(SELECT place FROM new)) AND tasks.ctid = new.place
         RETURNING tasks.user_id, ", task_columns!())),
    }
}
