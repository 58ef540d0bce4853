//! What there is to know of a database.

use crate::{inspection::reading::rows, migrations::applied::Migration};

/// What was found in a database. [`faults`](Self::faults) judges it.
///
/// Names of roles and schemas, and full names of tables, are quoted as SQL writes them.
#[derive(Clone, Debug, PartialEq)]
pub struct Inspection {
    /// The server's version, as it writes it.
    pub version: String,
    /// The server's version as a number: 150003 for 15.3.
    pub version_number: i32,
    /// How the connection is protected.
    pub protection: Protection,
    /// Whether nothing can be written: a replica, or a setting of server, database or role.
    pub read_only: bool,
    /// The encoding of the database, as PostgreSQL names it.
    pub encoding: String,
    /// `session_replication_role`: with another value than `origin` no foreign key is kept.
    pub replication_role: String,
    /// The role that is connected.
    pub role: String,
    /// The schema in which a new table is made; `None` if the search path leads to none.
    pub schema: Option<String>,
    /// Whether the role may create tables in that schema.
    pub may_create: bool,
    /// The server's clock beside this machine's.
    pub clock: ClockDifference,
    /// The migrations that this program knows; `None` if the role may not see which are applied.
    pub migrations: Option<Vec<Migration>>,
    /// The table `users` that the service's tables refer to.
    pub users: Option<UsersTable>,
    /// Tables named `user`, and tables named `users` or as the service's that a name without a schema does not mean.
    pub elsewhere: Vec<String>,
    /// What has a name already, in [`schema`](Self::schema), that the migrations give.
    pub occupied: Vec<Occupied>,
    /// What the names of the service's tables mean, where they mean something.
    pub tables: Vec<OwnTable>,
    /// Rights of other roles on the service's tables.
    pub strangers: Vec<StrangersRights>,
}

/// How a connection is protected on its way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Protection {
    /// Not at all.
    Plain,
    /// It is encrypted, and the server's certificate was not checked.
    Encrypted,
    /// It is encrypted, and the server has shown a certificate for its name.
    Verified,
}

/// Another clock beside this machine's.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ClockDifference {
    /// By how many seconds the other clock is ahead of ours; negative if it is behind.
    pub ahead: f64,
    /// By how many seconds that may be wrong: half of the round trip.
    pub uncertainty: f64,
}

/// What `users` is.
#[expect(clippy::struct_excessive_bools, reason = "each is a fact of its own")]
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UsersTable {
    /// Its name with its schema.
    pub full_name: String,
    /// Whether it is a table, to which others can refer, and not a view or the like.
    pub is_table: bool,
    /// The type of its column `id`; `None` if there is no such column.
    pub id_type: Option<String>,
    /// Whether no two rows can have the same `id`.
    pub is_unique: bool,
    /// Whether ids are equal only if all their bytes are.
    pub is_deterministic: bool,
    /// Whether the connected role may read that column. The service itself does not have to.
    pub may_read: bool,
    /// Whether the connected role may make tables that refer to it. Only migrations have to.
    pub may_refer: bool,
}

/// Something that has a name which the migrations give.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Occupied {
    /// The name.
    pub name: String,
    /// What has it: `a table`, `a view`, `a materialized view`, `a foreign table`, `a sequence`, `an index` or `a type`.
    pub kind: String,
}

/// What the name of one of the service's tables means.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OwnTable {
    /// Its name.
    pub name: String,
    /// Its name with its schema.
    pub full_name: String,
    /// Whether it is a table, and not a view or the like.
    pub is_table: bool,
    /// Whether a crash of the server empties it.
    pub is_unlogged: bool,
    /// Whether row-level security filters what the role sees of it.
    pub is_filtered: bool,
    /// Which of `SELECT`, `INSERT`, `UPDATE`, `DELETE` the role lacks.
    pub lacks: Vec<String>,
    /// Its foreign keys from `user_id` to `users`.
    pub foreign_keys: Vec<ForeignKey>,
    /// Its columns.
    pub columns: Vec<Column>,
    /// The columns of each of its unique keys, in the order of their names, with `, ` in between.
    pub unique_keys: Vec<String>,
    /// Its valid indexes.
    pub indexes: Vec<String>,
    /// Its indexes that are not valid.
    pub invalid_indexes: Vec<String>,
    /// Triggers and rules that act on its rows.
    pub interventions: Vec<String>,
}

/// A column of one of the service's tables.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Column {
    /// Its name.
    pub name: String,
    /// Its type, without a length.
    pub data_type: String,
    /// Whether it refuses null.
    pub is_required: bool,
    /// Whether it has a value of its own where none is given.
    pub has_default: bool,
    /// The name of its collation, if its type has one.
    pub collation: Option<String>,
    /// Whether texts are equal only if all their bytes are.
    pub is_deterministic: bool,
}

/// A foreign key from `user_id` to `users`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ForeignKey {
    /// Its name.
    pub name: String,
    /// What becomes of the rows of a deleted user.
    pub kind: ForeignKeyKind,
}

/// What a foreign key does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ForeignKeyKind {
    /// The rows stand in the way when their user is deleted.
    Blocks,
    /// It is switched off.
    Disabled,
    /// It deletes them, and has not been checked for older rows.
    Unvalidated,
    /// It deletes them.
    Cascades,
}

impl ForeignKey {
    fn parse(text: &str) -> Self {
        let (kind, name) = text.split_once(' ').unwrap_or(("", text));
        let kind = match kind {
            "blocks" => ForeignKeyKind::Blocks,
            "disabled" => ForeignKeyKind::Disabled,
            "unvalidated" => ForeignKeyKind::Unvalidated,
            _ => ForeignKeyKind::Cascades,
        };
        Self { name: name.to_owned(), kind }
    }
}

/// The rights of a role on one of the service's tables that is neither its owner nor connected.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StrangersRights {
    /// The role; `PUBLIC` is every role.
    pub role: String,
    /// The table.
    pub relation: String,
    /// The rights, such as `SELECT`, in the order of the alphabet.
    pub rights: Vec<String>,
}

impl From<rows::Users> for UsersTable {
    fn from(row: rows::Users) -> Self {
        Self {
            full_name: row.full_name,
            is_table: ["r", "p"].contains(&row.relation_kind.as_str()),
            id_type: row.id_type,
            is_unique: row.is_unique,
            is_deterministic: row.is_deterministic,
            may_read: row.may_read,
            may_refer: row.may_refer,
        }
    }
}

impl From<rows::Occupied> for Occupied {
    fn from(row: rows::Occupied) -> Self {
        Self { name: row.name, kind: row.kind }
    }
}

impl From<rows::Strangers> for StrangersRights {
    fn from(row: rows::Strangers) -> Self {
        Self { role: row.role, relation: row.relation, rights: row.rights }
    }
}

impl From<rows::Column> for Column {
    fn from(row: rows::Column) -> Self {
        Self {
            name: row.name,
            data_type: row.data_type,
            is_required: row.is_required,
            has_default: row.has_default,
            collation: row.collation,
            is_deterministic: row.is_deterministic,
        }
    }
}

impl OwnTable {
    /// The full name of something in the schema of this table.
    pub(crate) fn beside(&self, name: &str) -> String {
        let schema = self.full_name.strip_suffix(self.name.as_str()).unwrap_or_default();
        format!("{schema}{name}")
    }

    pub(crate) fn new(row: rows::Relation, columns: Vec<Column>) -> Self {
        Self {
            name: row.name,
            full_name: row.full_name,
            is_table: row.is_table,
            is_unlogged: row.is_unlogged,
            is_filtered: row.is_filtered,
            lacks: row.lacks,
            foreign_keys: row.foreign_keys.iter().map(|text| ForeignKey::parse(text)).collect(),
            columns,
            unique_keys: row.unique_keys,
            indexes: row.indexes,
            invalid_indexes: row.invalid_indexes,
            interventions: row.interventions,
        }
    }
}
