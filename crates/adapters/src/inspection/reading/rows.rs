//! The rows of the questions.

use diesel::{
    prelude::*,
    sql_types::{Array, Bool, Double, Integer, Nullable, Text},
};

#[expect(clippy::struct_excessive_bools, reason = "each is a fact of its own")]
#[derive(QueryableByName)]
pub(crate) struct Server {
    #[diesel(sql_type = Text)]
    pub(crate) version: String,
    #[diesel(sql_type = Integer)]
    pub(crate) version_number: i32,
    #[diesel(sql_type = Bool)]
    pub(crate) read_only: bool,
    #[diesel(sql_type = Bool)]
    pub(crate) encrypted: bool,
    #[diesel(sql_type = Double)]
    pub(crate) clock: f64,
    #[diesel(sql_type = Text)]
    pub(crate) encoding: String,
    #[diesel(sql_type = Text)]
    pub(crate) replication_role: String,
    #[diesel(sql_type = Text)]
    pub(crate) role: String,
    #[diesel(sql_type = Nullable<Text>)]
    pub(crate) schema: Option<String>,
    #[diesel(sql_type = Bool)]
    pub(crate) may_create: bool,
    #[diesel(sql_type = Bool)]
    pub(crate) may_read_migrations: bool,
}

#[expect(clippy::struct_excessive_bools, reason = "each is a fact of its own")]
#[derive(QueryableByName)]
pub(crate) struct Users {
    #[diesel(sql_type = Text)]
    pub(crate) full_name: String,
    #[diesel(sql_type = Text)]
    pub(crate) relation_kind: String,
    #[diesel(sql_type = Nullable<Text>)]
    pub(crate) id_type: Option<String>,
    #[diesel(sql_type = Bool)]
    pub(crate) is_deterministic: bool,
    #[diesel(sql_type = Bool)]
    pub(crate) is_unique: bool,
    #[diesel(sql_type = Bool)]
    pub(crate) may_read: bool,
    #[diesel(sql_type = Bool)]
    pub(crate) may_refer: bool,
}

#[derive(QueryableByName)]
pub(crate) struct Line {
    #[diesel(sql_type = Text)]
    pub(crate) line: String,
}

#[derive(QueryableByName)]
pub(crate) struct Occupied {
    #[diesel(sql_type = Text)]
    pub(crate) name: String,
    #[diesel(sql_type = Text)]
    pub(crate) kind: String,
}

#[derive(QueryableByName)]
pub(crate) struct Relation {
    #[diesel(sql_type = Text)]
    pub(crate) name: String,
    #[diesel(sql_type = Text)]
    pub(crate) full_name: String,
    #[diesel(sql_type = Bool)]
    pub(crate) is_table: bool,
    #[diesel(sql_type = Bool)]
    pub(crate) is_unlogged: bool,
    #[diesel(sql_type = Bool)]
    pub(crate) is_filtered: bool,
    #[diesel(sql_type = Array<Text>)]
    pub(crate) lacks: Vec<String>,
    #[diesel(sql_type = Array<Text>)]
    pub(crate) foreign_keys: Vec<String>,
    #[diesel(sql_type = Array<Text>)]
    pub(crate) unique_keys: Vec<String>,
    #[diesel(sql_type = Array<Text>)]
    pub(crate) indexes: Vec<String>,
    #[diesel(sql_type = Array<Text>)]
    pub(crate) invalid_indexes: Vec<String>,
    #[diesel(sql_type = Array<Text>)]
    pub(crate) interventions: Vec<String>,
}

#[derive(Clone, QueryableByName)]
pub(crate) struct Column {
    #[diesel(sql_type = Text)]
    pub(crate) relation: String,
    #[diesel(sql_type = Text)]
    pub(crate) name: String,
    #[diesel(sql_type = Text)]
    pub(crate) data_type: String,
    #[diesel(sql_type = Bool)]
    pub(crate) is_required: bool,
    #[diesel(sql_type = Bool)]
    pub(crate) has_default: bool,
    #[diesel(sql_type = Nullable<Text>)]
    pub(crate) collation: Option<String>,
    #[diesel(sql_type = Bool)]
    pub(crate) is_deterministic: bool,
}

#[derive(QueryableByName)]
pub(crate) struct Strangers {
    #[diesel(sql_type = Text)]
    pub(crate) role: String,
    #[diesel(sql_type = Text)]
    pub(crate) relation: String,
    #[diesel(sql_type = Array<Text>)]
    pub(crate) rights: Vec<String>,
}
