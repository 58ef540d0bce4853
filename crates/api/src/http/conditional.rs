//! Conditional requests (RFC 9110, section 13): versions as entity tags.

use std::future::{Ready, ready};

use actix_web::{
    FromRequest, HttpRequest,
    dev::Payload,
    http::header::{self, HeaderMap, HeaderName, HeaderValue},
};
use task_domain::{Expectation, Version};

use crate::http::error::ApiError;

pub(crate) const MALFORMED_IF_MATCH: &str = "If-Match must be `*` or a list of entity tags, such as \"3\".";
pub(crate) const MALFORMED_IF_NONE_MATCH: &str =
    "If-None-Match must be `*` or a list of entity tags, such as \"3\".";

/// The strong entity tag of a version: the version in double quotes.
pub(crate) fn etag(version: Version) -> String {
    format!("\"{}\"", version.get())
}

/// The versions that a write may act on, from `If-Match`.
#[derive(Debug)]
pub(crate) struct IfMatch(pub(crate) Expectation);

impl IfMatch {
    pub(crate) fn of(headers: &HeaderMap) -> Result<Self, ApiError> {
        match read(headers, &header::IF_MATCH) {
            Ok(tags) => Ok(Self(tags.map_or(Expectation::Any, Tags::expectation))),
            Err(Malformed) => Err(ApiError::InvalidHeader(MALFORMED_IF_MATCH)),
        }
    }
}

impl FromRequest for IfMatch {
    type Error = ApiError;
    type Future = Ready<Result<Self, ApiError>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        ready(Self::of(request.headers()))
    }
}

/// The versions that the client has already, from `If-None-Match`.
#[derive(Debug)]
pub(crate) struct IfNoneMatch(Option<Tags>);

impl IfNoneMatch {
    pub(crate) fn of(headers: &HeaderMap) -> Result<Self, ApiError> {
        let tags = read(headers, &header::IF_NONE_MATCH);
        tags.map(Self).map_err(|Malformed| ApiError::InvalidHeader(MALFORMED_IF_NONE_MATCH))
    }

    /// Whether the client has that version.
    pub(crate) fn has(&self, version: Version) -> bool {
        match &self.0 {
            None => false,
            Some(Tags::Any) => true,
            Some(Tags::Listed(tags)) => tags.iter().any(|tag| tag.version == Some(version)),
        }
    }
}

impl FromRequest for IfNoneMatch {
    type Error = ApiError;
    type Future = Ready<Result<Self, ApiError>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        ready(Self::of(request.headers()))
    }
}

/// The header is not a list of entity tags.
#[derive(Debug, PartialEq, Eq)]
struct Malformed;

/// The entity tags of a header.
#[derive(Debug, PartialEq, Eq)]
enum Tags {
    /// `*`: any version.
    Any,
    /// These.
    Listed(Vec<Tag>),
}

/// An entity tag.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Tag {
    weak: bool,
    /// The version that it stands for; a tag that this program never sent stands for none.
    version: Option<Version>,
}

impl Tags {
    /// By strong comparison (RFC 9110, section 8.8.3.2) a weak tag never matches.
    fn expectation(self) -> Expectation {
        match self {
            Self::Any => Expectation::Any,
            Self::Listed(tags) => Expectation::OneOf(
                tags.into_iter().filter(|tag| !tag.weak).filter_map(|tag| tag.version).collect(),
            ),
        }
    }
}

/// Reads a header, which may be spread over several lines; `None` if it is absent.
fn read(headers: &HeaderMap, name: &HeaderName) -> Result<Option<Tags>, Malformed> {
    let mut lines = headers.get_all(name).map(HeaderValue::as_bytes).peekable();
    if lines.peek().is_none() {
        return Ok(None);
    }
    parse(&lines.collect::<Vec<_>>().join(&b','))
}

fn parse(field: &[u8]) -> Result<Option<Tags>, Malformed> {
    if field.trim_ascii() == b"*" {
        return Ok(Some(Tags::Any));
    }
    let mut tags = Vec::new();
    let mut rest = field.trim_ascii_start();
    while !rest.is_empty() {
        // A list may have empty elements (RFC 9110, section 5.6.1.2).
        if rest[0] != b',' {
            let (tag, behind) = tag(rest)?;
            tags.push(tag);
            rest = behind.trim_ascii_start();
            if !rest.is_empty() && rest[0] != b',' {
                return Err(Malformed);
            }
        }
        rest = rest.get(1..).unwrap_or_default().trim_ascii_start();
    }
    if tags.is_empty() { Err(Malformed) } else { Ok(Some(Tags::Listed(tags))) }
}

/// Takes an entity tag (RFC 9110, section 8.8.3) from the front of a header and returns the rest.
fn tag(text: &[u8]) -> Result<(Tag, &[u8]), Malformed> {
    let (weak, quoted) = text.strip_prefix(b"W/").map_or((false, text), |behind| (true, behind));
    let opaque = quoted.strip_prefix(b"\"").ok_or(Malformed)?;
    let end = opaque.iter().position(|byte| *byte == b'"').ok_or(Malformed)?;
    let (opaque, behind) = opaque.split_at(end);
    if opaque.iter().any(|byte| *byte <= b' ' || *byte == 0x7f) {
        return Err(Malformed);
    }
    Ok((Tag { weak, version: version(opaque) }, &behind[1..]))
}

/// The version that a tag stands for, if it is written as [`etag`] writes it.
fn version(opaque: &[u8]) -> Option<Version> {
    let text = std::str::from_utf8(opaque).ok()?;
    let version = text.parse().ok().and_then(Version::new)?;
    (version.get().to_string() == text).then_some(version)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn listed(field: &str) -> Vec<(bool, Option<i64>)> {
        match parse(field.as_bytes()) {
            Ok(Some(Tags::Listed(tags))) => {
                tags.into_iter().map(|tag| (tag.weak, tag.version.map(Version::get))).collect()
            }
            other => unreachable!("{field}: {other:?}"),
        }
    }

    #[test]
    fn a_list_of_tags_is_read_in_all_its_forms() {
        assert_eq!(listed("\"3\""), [(false, Some(3))]);
        assert_eq!(listed(" W/\"3\" "), [(true, Some(3))]);
        assert_eq!(listed("\"1\",\"2\" ,\t\"3\""), [(false, Some(1)), (false, Some(2)), (false, Some(3))]);
        assert_eq!(listed(",, \"1\" ,,\"2\","), [(false, Some(1)), (false, Some(2))]);
        assert_eq!(listed("\"a,b\", \"\""), [(false, None), (false, None)]);
        assert_eq!(parse(b" * "), Ok(Some(Tags::Any)));
    }

    #[test]
    fn a_tag_that_was_never_sent_stands_for_no_version() {
        for tag in [
            "\"0\"",
            "\"-1\"",
            "\"+1\"",
            "\"01\"",
            "\"1.0\"",
            "\"x\"",
            "\"9223372036854775808\"",
            "\"\u{e9}\"",
        ] {
            assert_eq!(listed(tag), [(false, None)], "{tag}");
        }
    }

    #[test]
    fn a_header_that_is_no_list_of_tags_is_malformed() {
        for field in [
            "",
            " ",
            ",",
            "3",
            "\"3",
            "3\"",
            "w/\"3\"",
            "W/ \"3\"",
            "W/3",
            "\"1\" \"2\"",
            "*, \"1\"",
            "\"1\", *",
            "\"a b\"",
            "**",
        ] {
            assert_eq!(parse(field.as_bytes()), Err(Malformed), "{field:?}");
        }
    }

    #[test]
    fn a_write_never_matches_weak_tags() {
        let expectation = |field: &str| parse(field.as_bytes()).unwrap().unwrap().expectation();
        assert_eq!(expectation("*"), Expectation::Any);
        let two = Version::new(2).unwrap();
        assert_eq!(expectation("W/\"1\", \"2\", \"x\""), Expectation::OneOf(vec![two]));
        assert_eq!(expectation("W/\"1\""), Expectation::OneOf(Vec::new()));
    }

    #[test]
    fn weak_tags_match_like_strong_ones_in_if_none_match() {
        let has = |field: &str| IfNoneMatch(parse(field.as_bytes()).unwrap()).has(Version::FIRST);
        assert!(has("*") && has("\"1\"") && has("W/\"1\"") && has("\"7\", W/\"1\""));
        assert!(!has("\"2\"") && !has("\"x\""));
        assert!(!IfNoneMatch(None).has(Version::FIRST));
    }

    #[test]
    fn an_etag_is_the_version_in_double_quotes() {
        assert_eq!(etag(Version::FIRST), "\"1\"");
        assert_eq!(listed(&etag(Version::new(42).unwrap())), [(false, Some(42))]);
    }
}
