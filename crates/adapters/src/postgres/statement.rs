//! Statements whose text never changes.
//!
//! diesel prepares a statement anew for each execution where it takes the text for one that may change: every `UPDATE`,
//! every fragment of SQL, every `ON CONFLICT`. That is a second round trip and a second plan. Those statements are
//! written here as text, so that each is prepared once for each connection.

/// Declares a statement: a struct of its values, which are written where they stand in the text. A text that is made of
/// others stands in parentheses.
macro_rules! fixed_statement {
    (
        $(#[$doc:meta])*
        $name:ident -> $row:ty { $( $text:tt $( $value:ident: $type:ty => $sql_type:ty )? ),+ $(,)? }
    ) => {
        $(#[$doc])*
        #[derive(Debug)]
        pub(crate) struct $name<'a> {
            $( $( pub(crate) $value: $type, )? )+
        }

        impl diesel::query_builder::QueryFragment<diesel::pg::Pg> for $name<'_> {
            fn walk_ast<'b>(
                &'b self,
                mut out: diesel::query_builder::AstPass<'_, 'b, diesel::pg::Pg>,
            ) -> diesel::QueryResult<()> {
                $(
                    out.push_sql($crate::postgres::statement::fixed_text!($text));
                    $( out.push_bind_param::<$sql_type, _>(&self.$value)?; )?
                )+
                Ok(())
            }
        }

        impl diesel::query_builder::QueryId for $name<'_> {
            type QueryId = $name<'static>;
            const HAS_STATIC_QUERY_ID: bool = true;
        }

        impl diesel::query_builder::Query for $name<'_> {
            type SqlType = $row;
        }
    };
}

macro_rules! fixed_text {
    (($text:expr)) => {
        $text
    };
    ($text:literal) => {
        $text
    };
}

pub(crate) use {fixed_statement, fixed_text};
