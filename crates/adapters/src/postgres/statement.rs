//! Statements that are files of SQL.
//!
//! diesel prepares a statement anew for each execution if it believes that the text may change: every `UPDATE`, every
//! fragment of SQL, every `ON CONFLICT`. That costs a second round trip and a second plan. A [`Prepared`] statement is
//! text that does not change, so diesel prepares it once for each connection.
//!
//! A file names its parameters as pgbench does (`:owner`), so that pgbench can run it as well. What several files share
//! is a placeholder in them (`{columns}`).

use std::sync::LazyLock;

use diesel::{
    QueryResult,
    pg::Pg,
    query_builder::{AstPass, Query, QueryFragment, QueryId},
    result::Error,
};

/// A text that is made when it is first needed; the error says what is wrong with its file.
pub(crate) type LazyText = LazyLock<Result<SqlText, String>>;

/// The text of a statement, and what it is called.
#[cfg(feature = "testing")]
pub(crate) type NamedText = (String, Result<&'static SqlText, &'static str>);

/// The text of a statement, taken apart at its parameters.
#[derive(Debug)]
pub(crate) struct SqlText {
    parameters: Vec<Parameter>,
    /// The text behind the last parameter.
    end: String,
}

#[derive(Debug)]
struct Parameter {
    /// The text between the parameter before and this one.
    before: String,
    name: &'static str,
    /// The parameter's place in [`Parameters::NAMES`].
    index: usize,
}

/// Values for the parameters of a statement.
pub(crate) trait Parameters {
    /// What the files call them.
    const NAMES: &'static [&'static str];

    /// Binds the value with that place in [`Self::NAMES`].
    fn push<'b>(&'b self, index: usize, out: &mut AstPass<'_, 'b, Pg>) -> QueryResult<()>;
}

/// A statement with its values.
pub(crate) trait Statement {
    /// The SQL types of a row of its result.
    type Row;
    /// The key under which diesel keeps the prepared statement.
    type Id: 'static;
    /// Whether [`Self::Id`] has a single text. Otherwise the text itself is the key.
    const HAS_ONE_TEXT: bool;

    /// The statement's text; the error says what is wrong with its file.
    fn text(&self) -> Result<&SqlText, &str>;

    /// Binds the value of a parameter.
    fn push<'b>(&'b self, index: usize, out: &mut AstPass<'_, 'b, Pg>) -> QueryResult<()>;
}

/// Makes a query for diesel of a statement.
pub(crate) struct Prepared<S>(pub(crate) S);

impl<S: Statement> QueryFragment<Pg> for Prepared<S> {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        let text = self.0.text().map_err(|fault| Error::QueryBuilderError(fault.into()))?;
        for parameter in &text.parameters {
            out.push_sql(&parameter.before);
            self.0.push(parameter.index, &mut out)?;
        }
        out.push_sql(&text.end);
        Ok(())
    }
}

impl<S: Statement> QueryId for Prepared<S> {
    type QueryId = S::Id;
    const HAS_STATIC_QUERY_ID: bool = S::HAS_ONE_TEXT;
}

impl<S: Statement> Query for Prepared<S> {
    type SqlType = S::Row;
}

impl SqlText {
    /// Expands the placeholders of a file, and finds its parameters, each of which has a name out of `names`.
    pub(crate) fn parse(
        file: &str,
        placeholders: &[(&str, String)],
        names: &[&[&'static str]],
    ) -> Result<Self, String> {
        let sql = expand(file, placeholders)?;
        let names = names.concat();
        let (mut parameters, mut before, mut rest) = (Vec::new(), String::new(), sql.as_str());
        while let Some((text, after)) = rest.split_once(':') {
            before.push_str(text);
            if let Some(after) = after.strip_prefix(':') {
                // A cast.
                before.push_str("::");
                rest = after;
                continue;
            }
            let end = after.find(|c: char| !c.is_ascii_alphanumeric() && c != '_').unwrap_or(after.len());
            let name = &after[..end];
            let index = names.iter().position(|known| *known == name);
            let index = index.ok_or_else(|| format!("there is no value for :{name} of {sql}"))?;
            parameters.push(Parameter { before: std::mem::take(&mut before), name: names[index], index });
            rest = &after[end..];
        }
        let is_there = |name: &&str| parameters.iter().any(|parameter| parameter.name == *name);
        if let Some(missing) = names.iter().find(|name| !is_there(name)) {
            return Err(format!("there is no :{missing} in {sql}"));
        }
        Ok(Self { parameters, end: before + rest })
    }

    /// The names of the parameters, in the order of the text.
    #[cfg(test)]
    pub(crate) fn parameter_names(&self) -> Vec<&'static str> {
        self.parameters.iter().map(|parameter| parameter.name).collect()
    }

    /// The text with something else in place of each parameter, of which the name and the number are given.
    #[cfg(feature = "testing")]
    pub(crate) fn with(&self, parameter_as: impl Fn(&str, usize) -> String) -> String {
        let parameters = self.parameters.iter().zip(1..);
        let text = parameters.map(|(parameter, number)| {
            format!("{}{}", parameter.before, parameter_as(parameter.name, number))
        });
        text.collect::<String>() + &self.end
    }
}

/// The SQL of a file in one line, without comments.
fn expand(file: &str, placeholders: &[(&str, String)]) -> Result<String, String> {
    let mut sql = in_one_line(file);
    // What stands for a placeholder may have others.
    while let Some((before, rest)) = sql.split_once('{')
        && let Some((name, after)) = rest.split_once('}')
    {
        let known = placeholders.iter().find(|(placeholder, _)| *placeholder == name);
        let (_, text) = known.ok_or_else(|| format!("nothing is known of {{{name}}} in {sql}"))?;
        sql = in_one_line(&format!("{before}{text}{after}"));
    }
    Ok(sql)
}

fn in_one_line(sql: &str) -> String {
    let lines = sql.lines().map(|line| line.split("--").next().unwrap_or(line));
    lines.flat_map(str::split_whitespace).collect::<Vec<_>>().join(" ")
}

/// Declares the statements of a folder of SQL: for each file a struct of its values, and a function `all` that lists them.
/// `..new: NewValues` adds a group of parameters.
macro_rules! prepared_statements {
    (
        placeholders: $placeholders:expr;
        $(
            $(#[$doc:meta])*
            $name:ident($file:literal) -> $row:ty {
                $( $value:ident: $type:ty => $sql_type:ty, )*
                $( ..$group:ident: $group_type:ident $(,)? )?
            }
        )+
    ) => {
        $(
            $(#[$doc])*
            pub(crate) struct $name<'a> {
                $( pub(crate) $value: $type, )*
                $( pub(crate) $group: $group_type<'a>, )?
            }

            impl $name<'_> {
                const NAMES: &'static [&'static str] = &[$( stringify!($value) ),*];

                fn prepared_text() -> Result<&'static $crate::postgres::statement::SqlText, &'static str> {
                    static TEXT: $crate::postgres::statement::LazyText = std::sync::LazyLock::new(|| {
                        $crate::postgres::statement::SqlText::parse(
                            include_str!(concat!("sql/", $file, ".sql")),
                            &$placeholders,
                            &[
                                $name::NAMES,
                                $( <$group_type<'_> as $crate::postgres::statement::Parameters>::NAMES, )?
                            ],
                        )
                    });
                    TEXT.as_ref().map_err(String::as_str)
                }
            }

            impl $crate::postgres::statement::Statement for $name<'_> {
                type Row = $row;
                type Id = $name<'static>;
                const HAS_ONE_TEXT: bool = true;

                fn text(&self) -> Result<&$crate::postgres::statement::SqlText, &str> {
                    $name::prepared_text()
                }

                fn push<'b>(
                    &'b self,
                    index: usize,
                    out: &mut diesel::query_builder::AstPass<'_, 'b, diesel::pg::Pg>,
                ) -> diesel::QueryResult<()> {
                    #[expect(non_camel_case_types, reason = "named as the values are")]
                    enum Index { $( $value ),* }
                    $(
                        if index == Index::$value as usize {
                            return out.push_bind_param::<$sql_type, _>(&self.$value);
                        }
                    )*
                    $( $crate::postgres::statement::Parameters::push(
                        &self.$group, index - Self::NAMES.len(), out
                    )?; )?
                    Ok(())
                }
            }
        )+

        /// Every statement of the folder by the name of its file.
        #[cfg(feature = "testing")]
        pub(crate) fn all() -> Vec<$crate::postgres::statement::NamedText> {
            vec![$( ($file.to_owned(), $name::prepared_text()) ),+]
        }
    };
}

pub(crate) use prepared_statements;

#[cfg(test)]
mod tests {
    use super::*;

    fn text(sql: &str, names: &[&'static str]) -> Result<SqlText, String> {
        let placeholders = [("columns", "a,\n  {b}".to_owned()), ("b", "b -- c\n AS c".to_owned())];
        SqlText::parse(sql, &placeholders, &[names])
    }

    #[test]
    fn parameters_are_numbered_and_casts_are_left_alone() {
        let text =
            text("-- :no\nSELECT :x::text,\n  ':: ' || :long_1::text -- :no", &["long_1", "x"]).unwrap();
        let numbered = text.with(|_, number| format!("${number}"));
        assert_eq!(numbered, "SELECT $1::text, ':: ' || $2::text");
        assert_eq!(text.with(|name, _| name.to_owned()), "SELECT x::text, ':: ' || long_1::text");
        assert_eq!(text.parameters.iter().map(|parameter| parameter.index).collect::<Vec<_>>(), [1, 0]);
    }

    #[test]
    fn placeholders_may_hold_others() {
        assert_eq!(text("SELECT {columns} FROM t", &[]).unwrap().end, "SELECT a, b AS c FROM t");
    }

    #[test]
    fn a_name_that_only_one_side_knows_is_an_error() {
        for (sql, names, fault) in [
            ("SELECT :x", &["y"][..], "there is no value for :x of SELECT :x"),
            ("SELECT 1", &["y"], "there is no :y in SELECT 1"),
            ("SELECT {d}", &[], "nothing is known of {d} in SELECT {d}"),
        ] {
            assert_eq!(text(sql, names).unwrap_err(), fault);
        }
    }
}
