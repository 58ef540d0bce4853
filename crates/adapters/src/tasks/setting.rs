//! What an update makes of a column: a value, and a flag that says whether it is set.

use diesel::{
    QueryResult,
    pg::Pg,
    query_builder::AstPass,
    serialize::ToSql,
    sql_types::{Array, Bool, HasSqlType},
};
use task_domain::Change;

/// What becomes of a column.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Setting<T> {
    value: Option<T>,
    /// Otherwise the column stays as it is.
    is_set: bool,
}

/// What becomes of a column of several tasks.
#[derive(Debug)]
pub(crate) struct Settings<T> {
    values: Vec<Option<T>>,
    are_set: Vec<bool>,
}

/// Each setting is two parameters of a statement, one behind the other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Part {
    Value,
    Flag,
}

impl Part {
    /// Which part the parameter with that index is.
    pub(crate) fn of(index: usize) -> Self {
        if index.is_multiple_of(2) { Self::Value } else { Self::Flag }
    }
}

impl<T> Setting<T> {
    const KEEP: Self = Self { value: None, is_set: false };

    pub(crate) fn to(value: Option<T>) -> Self {
        Self { value, is_set: true }
    }

    /// Sets the value if there is one.
    pub(crate) fn if_some(value: Option<T>) -> Self {
        Self { is_set: value.is_some(), value }
    }

    pub(crate) fn of<'a, M>(change: &'a Change<M>, as_value: impl FnOnce(&'a M) -> T) -> Self {
        match change {
            Change::Keep => Self::KEEP,
            Change::Clear => Self::to(None),
            Change::Set(value) => Self::to(Some(as_value(value))),
        }
    }

    pub(crate) fn push<'b, S: 'static>(&'b self, part: Part, out: &mut AstPass<'_, 'b, Pg>) -> QueryResult<()>
    where
        Pg: HasSqlType<S>,
        Option<T>: ToSql<S, Pg>,
    {
        match part {
            Part::Value => out.push_bind_param::<S, _>(&self.value),
            Part::Flag => out.push_bind_param::<Bool, _>(&self.is_set),
        }
    }
}

impl<T> Default for Setting<T> {
    fn default() -> Self {
        Self::KEEP
    }
}

impl<T> Settings<T> {
    pub(crate) fn add(&mut self, setting: Setting<T>) {
        self.values.push(setting.value);
        self.are_set.push(setting.is_set);
    }

    pub(crate) fn push<'b, S: 'static>(&'b self, part: Part, out: &mut AstPass<'_, 'b, Pg>) -> QueryResult<()>
    where
        Pg: HasSqlType<Array<S>>,
        Vec<Option<T>>: ToSql<Array<S>, Pg>,
    {
        match part {
            Part::Value => out.push_bind_param::<Array<S>, _>(&self.values),
            Part::Flag => out.push_bind_param::<Array<Bool>, _>(&self.are_set),
        }
    }
}

impl<T> Default for Settings<T> {
    fn default() -> Self {
        Self { values: Vec::new(), are_set: Vec::new() }
    }
}
