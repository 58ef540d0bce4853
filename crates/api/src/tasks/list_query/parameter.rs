//! The parameters of a list's query: how each is parsed, written and described.

use task_domain::{PageLimit, StatusFilter, TaskOrder};
use utoipa::openapi::{
    KnownFormat, SchemaFormat,
    schema::{ObjectBuilder, Type},
};

/// A parameter of the query.
pub(crate) trait Parameter {
    /// What the query asks for with it; the default is what it asks for without it.
    type Value: Default;
    /// What it is for, in whole sentences.
    const ABOUT: &'static str;

    /// Parses it, or says what is wrong with it.
    fn parse(text: &str) -> Result<Self::Value, &'static str>;

    /// Writes it into the query of the next page; `None` leaves it out.
    fn write(value: &Self::Value) -> Option<String>;

    /// Its schema.
    fn schema() -> ObjectBuilder;
}

/// A parameter whose values have names.
pub(crate) trait Named: Copy + Default + PartialEq + 'static {
    const ABOUT: &'static str;
    const ALL: &'static [Self];
    /// The validation error of any other value.
    const EXPECTED: &'static str;

    /// How a query writes it.
    fn written(self) -> &'static str;
}

impl<T: Named> Parameter for T {
    type Value = T;
    const ABOUT: &'static str = <T as Named>::ABOUT;

    fn parse(text: &str) -> Result<T, &'static str> {
        T::ALL.iter().copied().find(|value| value.written() == text).ok_or(T::EXPECTED)
    }

    fn write(value: &T) -> Option<String> {
        Some(value.written().to_owned())
    }

    fn schema() -> ObjectBuilder {
        ObjectBuilder::new()
            .schema_type(Type::String)
            .enum_values(Some(T::ALL.iter().map(|value| value.written())))
            .default(Some(T::default().written().into()))
    }
}

impl Named for StatusFilter {
    const ABOUT: &'static str = "Which tasks: every one unless it is given.";
    const ALL: &'static [Self] = &Self::ALL;
    const EXPECTED: &'static str = "must be all, pending or completed";

    fn written(self) -> &'static str {
        self.name()
    }
}

impl Named for TaskOrder {
    const ABOUT: &'static str = "In what order: the newest first unless it is given, or by title in the order of Unicode \
                                 code points.";
    const ALL: &'static [Self] = &Self::ALL;
    const EXPECTED: &'static str = "must be created or title";

    fn written(self) -> &'static str {
        self.name()
    }
}

impl Parameter for PageLimit {
    type Value = Self;
    const ABOUT: &'static str = "How many tasks one page holds at the most.";

    fn parse(text: &str) -> Result<Self, &'static str> {
        let is_plain = text.bytes().all(|byte| byte.is_ascii_digit()) && !text.starts_with('0');
        let limit = if is_plain { text.parse().ok().and_then(Self::new) } else { None };
        limit.ok_or("must be a whole number from 1 to 1000, in plain digits")
    }

    fn write(limit: &Self) -> Option<String> {
        Some(limit.get().to_string())
    }

    fn schema() -> ObjectBuilder {
        ObjectBuilder::new()
            .schema_type(Type::Integer)
            .format(Some(SchemaFormat::KnownFormat(KnownFormat::Int32)))
            .minimum(Some(1))
            .maximum(Some(Self::MAX))
            .default(Some(Self::MAX.into()))
    }
}

/// The cursor, still sealed.
pub(crate) enum Cursor {}

impl Parameter for Cursor {
    type Value = Option<String>;
    const ABOUT: &'static str =
        "Where the page begins: the `next_cursor` of the page before it. The first page unless it is given.";

    fn parse(text: &str) -> Result<Option<String>, &'static str> {
        if text.is_empty() { Err("must not be empty") } else { Ok(Some(text.to_owned())) }
    }

    fn write(cursor: &Option<String>) -> Option<String> {
        cursor.clone()
    }

    fn schema() -> ObjectBuilder {
        ObjectBuilder::new().schema_type(Type::String).min_length(Some(1))
    }
}

/// Whether to count.
pub(crate) enum Total {}

impl Parameter for Total {
    type Value = bool;
    const ABOUT: &'static str = "Whether to count all the tasks that match.";

    fn parse(text: &str) -> Result<bool, &'static str> {
        text.parse().map_err(|_| "must be true or false")
    }

    fn write(total: &bool) -> Option<String> {
        total.then(|| "true".to_owned())
    }

    fn schema() -> ObjectBuilder {
        ObjectBuilder::new().schema_type(Type::Boolean).default(Some(false.into()))
    }
}
