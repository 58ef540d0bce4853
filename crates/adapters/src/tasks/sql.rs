//! The statements on `tasks`, but for lists. Each reads one row of the key, or one for each request.

use diesel::sql_types::{Array, BigInt, Bool, Text};

use super::members::{ManyNewValues, ManyUpdateParams, NewValues, TaskColumns, UpdateParams, placeholders};
use crate::postgres::statement::prepared_statements;

/// The place of a request among those of a batch, the owner of its task, and the task.
type BatchColumns = (BigInt, Text, TaskColumns);

prepared_statements! {
    placeholders: placeholders();

    Find("find") -> TaskColumns {
        owner: &'a str => Text,
        id: i64 => BigInt,
    }

    FindMany("find_many") -> BatchColumns {
        owners: &'a [&'a str] => Array<Text>,
        ids: &'a [i64] => Array<BigInt>,
    }

    Create("create") -> TaskColumns {
        owner: &'a str => Text,
        ..new: NewValues
    }

    CreateMany("create_many") -> (Text, TaskColumns) {
        owners: &'a [&'a str] => Array<Text>,
        ..new: ManyNewValues
    }

    Update("update") -> TaskColumns {
        owner: &'a str => Text,
        id: i64 => BigInt,
        any_version: bool => Bool,
        versions: &'a [i64] => Array<BigInt>,
        ..changes: UpdateParams
    }

    UpdateMany("update_many") -> BatchColumns {
        owners: &'a [&'a str] => Array<Text>,
        ids: &'a [i64] => Array<BigInt>,
        ..changes: ManyUpdateParams
    }

    Toggle("toggle") -> TaskColumns {
        owner: &'a str => Text,
        id: i64 => BigInt,
        any_version: bool => Bool,
        versions: &'a [i64] => Array<BigInt>,
    }

    ToggleMany("toggle_many") -> BatchColumns {
        owners: &'a [&'a str] => Array<Text>,
        ids: &'a [i64] => Array<BigInt>,
    }

    Delete("delete") -> () {
        owner: &'a str => Text,
        id: i64 => BigInt,
        any_version: bool => Bool,
        versions: &'a [i64] => Array<BigInt>,
    }
}
