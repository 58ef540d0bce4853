//! What the query of a list may ask for.

use std::{
    collections::BTreeMap,
    future::{Ready, ready},
};

use actix_web::{FromRequest, HttpRequest, dev::Payload};
use task_domain::{PageLimit, StatusFilter, TaskOrder, TaskQuery, UserId};
use utoipa::{IntoParams, ToSchema};

use crate::{
    http::error::{ApiError, FieldError},
    tasks::cursor::CursorSeal,
};

/// The query of a list, as the OpenAPI document describes it.
#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
#[expect(dead_code, reason = "its members are only for the OpenAPI document")]
pub(crate) struct ListParams {
    /// Which tasks: every one unless it is given.
    #[param(inline, required = false)]
    status: StatusParam,
    /// In what order: the newest first unless it is given, or by title in the order of Unicode code points.
    #[param(inline, required = false)]
    sort: SortParam,
    /// How many tasks one page holds at the most.
    #[param(required = false, minimum = 1, maximum = 1000, default = 1000)]
    limit: u16,
    /// Where the page begins: the `next_cursor` of the page before it. The first page unless it is given.
    #[param(required = false, min_length = 1)]
    cursor: String,
    /// Whether to count all the tasks that match.
    #[param(required = false, default = false)]
    total: bool,
}

#[derive(ToSchema)]
#[schema(rename_all = "lowercase", default = "all")]
#[expect(dead_code, reason = "its variants are only for the OpenAPI document")]
enum StatusParam {
    All,
    Pending,
    Completed,
}

#[derive(ToSchema)]
#[schema(rename_all = "lowercase", default = "created")]
#[expect(dead_code, reason = "its variants are only for the OpenAPI document")]
enum SortParam {
    Created,
    Title,
}

/// What a list's query asks for. An unknown, empty or repeated parameter is refused: were it ignored, the list would
/// silently be another one than was meant.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct ListQuery {
    /// Which tasks.
    pub(crate) status: StatusFilter,
    /// In what order.
    pub(crate) order: TaskOrder,
    limit: PageLimit,
    cursor: Option<String>,
    total: bool,
}

impl ListQuery {
    /// What a user asks for, once the cursor has been opened.
    pub(crate) async fn open(&self, user: &UserId, seal: &CursorSeal) -> Result<TaskQuery, ApiError> {
        let mut query = match &self.cursor {
            None => TaskQuery::from_start(self.order),
            Some(cursor) => TaskQuery::after(seal.open(user, self.status, self.order, cursor).await?),
        };
        query.status = self.status;
        query.limit = self.limit;
        query.count_all = self.total;
        Ok(query)
    }

    /// The query of the next page: this one's, from another cursor on.
    pub(crate) fn next(&self, cursor: &str) -> String {
        let mut pairs = form_urlencoded::Serializer::new(String::new());
        pairs.append_pair("status", status_name(self.status)).append_pair("sort", order_name(self.order));
        pairs.append_pair("limit", &self.limit.get().to_string());
        if self.total {
            pairs.append_pair("total", "true");
        }
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

/// Reads a query, or names every parameter at fault.
pub(crate) fn parse(text: &str) -> Result<ListQuery, Vec<FieldError>> {
    let mut given: BTreeMap<_, Vec<_>> = BTreeMap::new();
    for (name, value) in form_urlencoded::parse(text.as_bytes()) {
        given.entry(name).or_default().push(value);
    }
    let mut query = ListQuery::default();
    let mut faults = Vec::new();
    for (name, values) in given {
        let outcome = match (&*name, values.as_slice()) {
            ("status" | "sort" | "limit" | "cursor" | "total", [_, _, ..]) => Err("must be given once"),
            ("status", [value]) => status(value).map(|status| query.status = status),
            ("sort", [value]) => order(value).map(|order| query.order = order),
            ("limit", [value]) => limit(value).map(|limit| query.limit = limit),
            ("cursor", [value]) => cursor(value).map(|cursor| query.cursor = Some(cursor)),
            ("total", [value]) => flag(value).map(|total| query.total = total),
            _ => Err("is not a known parameter"),
        };
        if let Err(message) = outcome {
            faults.push(FieldError::new(name, message));
        }
    }
    if faults.is_empty() { Ok(query) } else { Err(faults) }
}

fn status(value: &str) -> Result<StatusFilter, &'static str> {
    let all = [StatusFilter::All, StatusFilter::Pending, StatusFilter::Completed];
    all.into_iter().find(|status| status_name(*status) == value).ok_or("must be all, pending or completed")
}

fn status_name(status: StatusFilter) -> &'static str {
    match status {
        StatusFilter::All => "all",
        StatusFilter::Pending => "pending",
        StatusFilter::Completed => "completed",
    }
}

fn order(value: &str) -> Result<TaskOrder, &'static str> {
    let all = [TaskOrder::NewestFirst, TaskOrder::Title];
    all.into_iter().find(|order| order_name(*order) == value).ok_or("must be created or title")
}

fn order_name(order: TaskOrder) -> &'static str {
    match order {
        TaskOrder::NewestFirst => "created",
        TaskOrder::Title => "title",
    }
}

fn limit(value: &str) -> Result<PageLimit, &'static str> {
    let plain = value.bytes().all(|byte| byte.is_ascii_digit()) && !value.starts_with('0');
    let limit = if plain { value.parse().ok().and_then(PageLimit::new) } else { None };
    limit.ok_or("must be a whole number from 1 to 1000, in plain digits")
}

fn cursor(value: &str) -> Result<String, &'static str> {
    if value.is_empty() { Err("must not be empty") } else { Ok(value.to_owned()) }
}

fn flag(value: &str) -> Result<bool, &'static str> {
    match value {
        "true" => Ok(true),
        "false" => Ok(false),
        _ => Err("must be true or false"),
    }
}

#[cfg(test)]
mod tests {
    use task_domain::{
        Position,
        testing::{task, user},
    };

    use super::*;
    use crate::tasks::cursor::testing::seal_with;

    fn faults(text: &str) -> Vec<(String, String)> {
        parse(text).unwrap_err().into_iter().map(|fault| (fault.field, fault.message)).collect()
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
                let expected = Ok(ListQuery { status, order, ..ListQuery::default() });
                assert_eq!(parse(&format!("status={status_text}&sort={sort_text}")), expected);
                assert_eq!(parse(&format!("sort={sort_text}&status={status_text}")), expected);
            }
        }
        assert_eq!(parse("st%61tus=pend%69ng").map(|query| query.status), Ok(StatusFilter::Pending));
    }

    #[test]
    fn unknown_empty_and_repeated_parameters_are_refused_by_name() {
        let unknown = "is not a known parameter";
        assert_eq!(faults("stat=completed"), [("stat".to_owned(), unknown.to_owned())]);
        assert_eq!(faults("=x"), [(String::new(), unknown.to_owned())]);
        assert_eq!(faults("offset="), [("offset".to_owned(), unknown.to_owned())]);
        for text in ["status", "status=", "status=ALL", "status=%20all", "status=done", "status=%ff"] {
            assert_eq!(faults(text), [("status".to_owned(), "must be all, pending or completed".to_owned())]);
        }
        assert_eq!(faults("sort=id"), [("sort".to_owned(), "must be created or title".to_owned())]);
        assert_eq!(faults("sort=title&sort=title"), [("sort".to_owned(), "must be given once".to_owned())]);
    }

    #[test]
    fn a_limit_is_plain_digits_from_one_to_a_thousand() {
        for (text, limit) in [("limit=1", 1), ("limit=1000", 1000), ("", 1000)] {
            assert_eq!(parse(text).unwrap().limit.get(), limit, "{text}");
        }
        for text in ["0", "1001", "-1", "+1", "01", "1.0", "1e2", "x", "", "99999999999999999999"] {
            let message = "must be a whole number from 1 to 1000, in plain digits".to_owned();
            assert_eq!(faults(&format!("limit={text}")), [("limit".to_owned(), message)], "{text}");
        }
    }

    #[test]
    fn a_cursor_is_not_empty_and_a_total_is_asked_for_or_not() {
        assert_eq!(parse("cursor=a.b").unwrap().cursor.as_deref(), Some("a.b"));
        assert_eq!(faults("cursor="), [("cursor".to_owned(), "must not be empty".to_owned())]);
        for (text, total) in [("total=true", true), ("total=false", false), ("", false)] {
            assert_eq!(parse(text).unwrap().total, total, "{text}");
        }
        for text in ["total", "total=1", "total=TRUE"] {
            assert_eq!(faults(text), [("total".to_owned(), "must be true or false".to_owned())], "{text}");
        }
        for text in ["limit=1&limit=1", "cursor=a&cursor=a", "total=true&total=true"] {
            assert_eq!(faults(text)[0].1, "must be given once", "{text}");
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
    fn all_faults_are_named_at_once() {
        let fields: Vec<_> =
            faults("x=1&status=&sort=&y=2&x=3").into_iter().map(|(field, _)| field).collect();
        assert_eq!(fields, ["sort", "status", "x", "y"]);
    }
}
