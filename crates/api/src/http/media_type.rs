//! Media types by RFC 9110, sections 5.6.6 and 8.3.1. The `mime` crate refuses the white space and the empty parameters
//! that the RFC allows around `;`.

use actix_web::http::header::HeaderValue;

/// The media type of answers.
pub(crate) const JSON: HeaderValue = HeaderValue::from_static("application/json");

/// The media types that a route accepts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Media {
    /// `application/json`.
    Json,
    /// `application/merge-patch+json` (RFC 7396) and `application/json`.
    MergePatch,
}

impl Media {
    pub(crate) fn allows(self, content_type: &str) -> bool {
        let is_of = |essence| is(content_type, essence);
        is_of("application/json") || (self == Self::MergePatch && is_of("application/merge-patch+json"))
    }
}

/// Whether a `Content-Type` is well-formed and of the type `essence`, with any parameters.
fn is(content_type: &str, essence: &str) -> bool {
    let (own, parameters) = content_type.split_once(';').unwrap_or((content_type, ""));
    trim(own).eq_ignore_ascii_case(essence) && are_parameters(parameters)
}

/// Whether a text is a list of parameters, separated by semicolons. A parameter may be empty.
fn are_parameters(text: &str) -> bool {
    let mut rest = trim(text);
    while !rest.is_empty() {
        if let Some(after) = rest.strip_prefix(';') {
            rest = trim(after);
            continue;
        }
        let Some(after) = parameter(rest).map(trim) else { return false };
        if !after.is_empty() && !after.starts_with(';') {
            return false;
        }
        rest = after;
    }
    true
}

/// Takes `name=value` from the front of a text and returns the rest.
fn parameter(text: &str) -> Option<&str> {
    let value = token(text)?.strip_prefix('=')?;
    match value.strip_prefix('"') {
        Some(quoted) => quoted_string(quoted),
        None => token(value),
    }
}

/// Takes a token from the front of a text and returns the rest.
fn token(text: &str) -> Option<&str> {
    let is_token = |byte: u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte);
    let end = text.bytes().position(|byte| !is_token(byte)).unwrap_or(text.len());
    if end > 0 { text.get(end..) } else { None }
}

/// Takes a quoted string, behind its opening quote, from the front of a text and returns the rest.
fn quoted_string(text: &str) -> Option<&str> {
    let mut bytes = text.bytes().enumerate();
    while let Some((at, byte)) = bytes.next() {
        match byte {
            b'"' => return text.get(at + 1..),
            b'\\' => {
                bytes.next()?;
            }
            _ => {}
        }
    }
    None
}

fn trim(text: &str) -> &str {
    text.trim_matches([' ', '\t'])
}

#[cfg(test)]
mod tests {
    fn is_json(content_type: &str) -> bool {
        super::is(content_type, "application/json")
    }

    #[test]
    fn json_is_json_in_any_case_and_with_any_parameters() {
        for content_type in [
            "application/json",
            "Application/JSON",
            "application/json;charset=utf-8",
            "application/json; charset=\"utf-8\"",
            "application/json ; charset=utf-8 ;x=1",
            "application/json;",
            "application/json; ;;charset=latin1",
            r#"application/json; a="b;c\"d"; e=f"#,
        ] {
            assert!(is_json(content_type), "{content_type}");
        }
    }

    #[test]
    fn other_types_and_malformed_ones_are_not_json() {
        for content_type in [
            "",
            "json",
            "text/json",
            "application/jsonx",
            "application/merge-patch+json",
            "application/vnd.api+json",
            "application /json",
            "application/json, application/json",
            "application/json charset=utf-8",
            "application/json; charset",
            "application/json; charset=",
            "application/json; =utf-8",
            "application/json; charset = utf-8",
            "application/json; charset=\"utf-8",
            "application/json; charset=\"utf-8\\",
            "application/json; charset=utf-8 x",
            "application/json; charset=\"utf-8\"x=y",
        ] {
            assert!(!is_json(content_type), "{content_type}");
        }
    }
}
