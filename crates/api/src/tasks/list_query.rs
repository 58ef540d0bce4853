//! The query of a list. [`ListQuery`] declares its parameters; each is a [`Parameter`].

mod parameter;

use std::{
    collections::BTreeMap,
    future::{Ready, ready},
};

use actix_web::{FromRequest, HttpRequest, dev::Payload};
use task_domain::{PageLimit, StatusFilter, TaskOrder, TaskQuery, UserId};
use utoipa::{
    IntoParams,
    openapi::{
        Required,
        path::{self, ParameterBuilder, ParameterIn},
    },
};

use self::parameter::{Cursor, Parameter, Total};
use crate::{
    http::error::{ApiError, FieldError},
    tasks::cursor::CursorSeal,
};

/// Declares the parameters of a query: `name: Parameter`.
macro_rules! query {
    (
        $(#[$meta:meta])*
        $vis:vis struct $query:ident { $($name:ident: $parameter:ty),+ $(,)? }
    ) => {
        $(#[$meta])*
        $vis struct $query { $(pub(crate) $name: <$parameter as Parameter>::Value),+ }

        impl $query {
            const NAMES: &[&str] = &[$(stringify!($name)),+];

            fn set(&mut self, name: &str, text: &str) -> Result<(), &'static str> {
                match name {
                    $(stringify!($name) => self.$name = <$parameter>::parse(text)?,)+
                    _ => return Err(UNKNOWN),
                }
                Ok(())
            }

            /// The parameters by name, as they are written.
            fn pairs(&self) -> impl Iterator<Item = (&'static str, String)> {
                [$((stringify!($name), <$parameter>::write(&self.$name))),+]
                    .into_iter()
                    .filter_map(|(name, text)| Some((name, text?)))
            }
        }

        impl IntoParams for $query {
            fn into_params(_: impl Fn() -> Option<ParameterIn>) -> Vec<path::Parameter> {
                vec![$(describe::<$parameter>(stringify!($name))),+]
            }
        }
    };
}

const UNKNOWN: &str = "is not a known parameter";

fn describe<P: Parameter>(name: &str) -> path::Parameter {
    ParameterBuilder::new()
        .name(name)
        .parameter_in(ParameterIn::Query)
        .description(Some(P::ABOUT))
        .required(Required::False)
        .schema(Some(P::schema()))
        .build()
}

query! {
    /// The query of a list. An unknown, empty or repeated parameter is refused: ignored, it would silently make another
    /// list than the client meant.
    #[derive(Clone, Debug, Default, PartialEq, Eq)]
    pub(crate) struct ListQuery {
        status: StatusFilter,
        sort: TaskOrder,
        limit: PageLimit,
        cursor: Cursor,
        total: Total,
    }
}

impl ListQuery {
    /// What the user asks for, once the cursor is open.
    pub(crate) async fn open(&self, user: &UserId, seal: &CursorSeal) -> Result<TaskQuery, ApiError> {
        let mut query = match &self.cursor {
            None => TaskQuery::from_start(self.sort),
            Some(cursor) => TaskQuery::after(seal.open(user, self.status, self.sort, cursor).await?),
        };
        query.status = self.status;
        query.limit = self.limit;
        query.count_all = self.total;
        Ok(query)
    }

    /// The query of the next page: this one, from another cursor on.
    pub(crate) fn next(&self, cursor: &str) -> String {
        let mut pairs = form_urlencoded::Serializer::new(String::new());
        pairs.extend_pairs(self.pairs().filter(|(name, _)| *name != "cursor"));
        pairs.append_pair("cursor", cursor).finish()
    }
}

impl FromRequest for ListQuery {
    type Error = ApiError;
    type Future = Ready<Result<Self, ApiError>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        ready(parse(request.query_string()).map_err(ApiError::InvalidQuery))
    }
}

/// Reads a query, or names every parameter that is wrong.
pub(crate) fn parse(text: &str) -> Result<ListQuery, Vec<FieldError>> {
    let mut given: BTreeMap<_, Vec<_>> = BTreeMap::new();
    for (name, value) in form_urlencoded::parse(text.as_bytes()) {
        given.entry(name).or_default().push(value);
    }
    let mut query = ListQuery::default();
    let mut errors = Vec::new();
    for (name, values) in given {
        let outcome = match values.as_slice() {
            _ if !ListQuery::NAMES.contains(&&*name) => Err(UNKNOWN),
            [value] => query.set(&name, value),
            _ => Err("must be given once"),
        };
        if let Err(message) = outcome {
            errors.push(FieldError::new(name, message));
        }
    }
    if errors.is_empty() { Ok(query) } else { Err(errors) }
}

#[cfg(test)]
mod tests {
    use task_domain::{
        Position,
        testing::{task, user},
    };

    use super::*;
    use crate::tasks::cursor::testing::seal_with;

    fn errors(text: &str) -> Vec<(String, String)> {
        parse(text).unwrap_err().into_iter().map(|error| (error.field, error.message)).collect()
    }

    #[test]
    fn without_parameters_everything_is_listed_newest_first() {
        for text in ["", "&", "&&"] {
            assert_eq!(parse(text), Ok(ListQuery::default()), "{text:?}");
        }
    }

    #[test]
    fn every_value_is_understood_in_any_order() {
        for (status_text, status) in [
            ("all", StatusFilter::All),
            ("pending", StatusFilter::Pending),
            ("completed", StatusFilter::Completed),
        ] {
            for (sort_text, order) in [("created", TaskOrder::NewestFirst), ("title", TaskOrder::Title)] {
                let expected = Ok(ListQuery { status, sort: order, ..ListQuery::default() });
                assert_eq!(parse(&format!("status={status_text}&sort={sort_text}")), expected);
                assert_eq!(parse(&format!("sort={sort_text}&status={status_text}")), expected);
            }
        }
        assert_eq!(parse("st%61tus=pend%69ng").map(|query| query.status), Ok(StatusFilter::Pending));
    }

    #[test]
    fn unknown_empty_and_repeated_parameters_are_refused_by_name() {
        let unknown = "is not a known parameter";
        assert_eq!(errors("stat=completed"), [("stat".to_owned(), unknown.to_owned())]);
        assert_eq!(errors("=x"), [(String::new(), unknown.to_owned())]);
        assert_eq!(errors("offset="), [("offset".to_owned(), unknown.to_owned())]);
        for text in ["status", "status=", "status=ALL", "status=%20all", "status=done", "status=%ff"] {
            assert_eq!(errors(text), [("status".to_owned(), "must be all, pending or completed".to_owned())]);
        }
        assert_eq!(errors("sort=id"), [("sort".to_owned(), "must be created or title".to_owned())]);
        assert_eq!(errors("sort=title&sort=title"), [("sort".to_owned(), "must be given once".to_owned())]);
    }

    #[test]
    fn a_limit_is_plain_digits_from_one_to_a_thousand() {
        for (text, limit) in [("limit=1", 1), ("limit=1000", 1000), ("", 1000)] {
            assert_eq!(parse(text).unwrap().limit.get(), limit, "{text}");
        }
        for text in ["0", "1001", "-1", "+1", "01", "1.0", "1e2", "x", "", "99999999999999999999"] {
            let message = "must be a whole number from 1 to 1000, in plain digits".to_owned();
            assert_eq!(errors(&format!("limit={text}")), [("limit".to_owned(), message)], "{text}");
        }
    }

    #[test]
    fn a_cursor_is_not_empty_and_a_total_is_true_or_false() {
        assert_eq!(parse("cursor=a.b").unwrap().cursor.as_deref(), Some("a.b"));
        assert_eq!(errors("cursor="), [("cursor".to_owned(), "must not be empty".to_owned())]);
        for (text, total) in [("total=true", true), ("total=false", false), ("", false)] {
            assert_eq!(parse(text).unwrap().total, total, "{text}");
        }
        for text in ["total", "total=1", "total=TRUE"] {
            assert_eq!(errors(text), [("total".to_owned(), "must be true or false".to_owned())], "{text}");
        }
        for text in ["limit=1&limit=1", "cursor=a&cursor=a", "total=true&total=true"] {
            assert_eq!(errors(text)[0].1, "must be given once", "{text}");
        }
    }

    #[test]
    fn the_next_page_keeps_all_but_the_cursor() {
        for text in [
            "status=pending&sort=title&limit=7&total=true&cursor=x",
            "status=all&sort=created&limit=1000&cursor=x",
        ] {
            let query = parse(text).unwrap();
            assert_eq!(query.next("x"), text);
            assert_eq!(parse(&query.next("y")).unwrap(), ListQuery { cursor: Some("y".to_owned()), ..query });
        }
    }

    #[tokio::test]
    async fn a_cursor_opens_for_its_own_list_only() {
        let (alice, seal) = (user("alice"), seal_with([7; 32]));
        let position = Position::of(&task(&alice, 7), TaskOrder::Title);
        let cursor = seal.seal(&alice, StatusFilter::Pending, &position).await.unwrap();
        let list = |text: &str| parse(&format!("{text}&cursor={cursor}")).unwrap();
        let query = list("status=pending&sort=title&limit=3&total=true").open(&alice, &seal).await.unwrap();
        assert_eq!((query.position(), query.status), (Some(&position), StatusFilter::Pending));
        assert_eq!((query.limit.get(), query.count_all), (3, true));
        for (user, text) in
            [(&alice, "sort=title"), (&alice, "status=pending"), (&user("bob"), "status=pending&sort=title")]
        {
            let outcome = list(text).open(user, &seal).await;
            assert!(matches!(outcome, Err(ApiError::InvalidCursor)), "{text}");
        }
    }

    #[test]
    fn every_parameter_that_is_wrong_is_named_at_once() {
        let fields: Vec<_> =
            errors("x=1&status=&sort=&y=2&x=3").into_iter().map(|(field, _)| field).collect();
        assert_eq!(fields, ["sort", "status", "x", "y"]);
    }
}
