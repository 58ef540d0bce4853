//! What the query of a list may ask for.

use std::{
    collections::BTreeMap,
    future::{Ready, ready},
};

use actix_web::{FromRequest, HttpRequest, dev::Payload};
use task_domain::{StatusFilter, TaskOrder, TaskQuery};
use utoipa::{IntoParams, ToSchema};

use crate::error::{ApiError, Fault};

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
#[derive(Clone, Copy, Debug)]
pub(crate) struct ListQuery(pub(crate) TaskQuery);

impl FromRequest for ListQuery {
    type Error = ApiError;
    type Future = Ready<Result<Self, ApiError>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        ready(parse(request.query_string()).map(Self).map_err(ApiError::InvalidQuery))
    }
}

fn parse(text: &str) -> Result<TaskQuery, Vec<Fault>> {
    let mut given: BTreeMap<_, Vec<_>> = BTreeMap::new();
    for (name, value) in form_urlencoded::parse(text.as_bytes()) {
        given.entry(name).or_default().push(value);
    }
    let mut query = TaskQuery::default();
    let mut faults = Vec::new();
    for (name, values) in given {
        let outcome = match (&*name, values.as_slice()) {
            ("status" | "sort", [_, _, ..]) => Err("must be given once"),
            ("status", [value]) => status(value).map(|status| query.status = status),
            ("sort", [value]) => order(value).map(|order| query.order = order),
            _ => Err("is not a known parameter"),
        };
        if let Err(message) = outcome {
            faults.push(Fault::new(name, message));
        }
    }
    if faults.is_empty() { Ok(query) } else { Err(faults) }
}

fn status(value: &str) -> Result<StatusFilter, &'static str> {
    match value {
        "all" => Ok(StatusFilter::All),
        "pending" => Ok(StatusFilter::Pending),
        "completed" => Ok(StatusFilter::Completed),
        _ => Err("must be all, pending or completed"),
    }
}

fn order(value: &str) -> Result<TaskOrder, &'static str> {
    match value {
        "created" => Ok(TaskOrder::NewestFirst),
        "title" => Ok(TaskOrder::Title),
        _ => Err("must be created or title"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn faults(text: &str) -> Vec<(String, String)> {
        parse(text).unwrap_err().into_iter().map(|fault| (fault.field, fault.message)).collect()
    }

    #[test]
    fn without_parameters_everything_is_listed_newest_first() {
        for text in ["", "&", "&&"] {
            assert_eq!(parse(text), Ok(TaskQuery::default()), "{text:?}");
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
                let expected = Ok(TaskQuery { status, order });
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
        assert_eq!(faults("limit="), [("limit".to_owned(), unknown.to_owned())]);
        for text in ["status", "status=", "status=ALL", "status=%20all", "status=done", "status=%ff"] {
            assert_eq!(faults(text), [("status".to_owned(), "must be all, pending or completed".to_owned())]);
        }
        assert_eq!(faults("sort=id"), [("sort".to_owned(), "must be created or title".to_owned())]);
        assert_eq!(faults("sort=title&sort=title"), [("sort".to_owned(), "must be given once".to_owned())]);
    }

    #[test]
    fn all_faults_are_named_at_once() {
        let fields: Vec<_> =
            faults("x=1&status=&sort=&y=2&x=3").into_iter().map(|(field, _)| field).collect();
        assert_eq!(fields, ["sort", "status", "x", "y"]);
    }
}
