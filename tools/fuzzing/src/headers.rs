//! Headers of several lines mean what the lines joined mean; a key has one bare and one quoted form; a token is all that is
//! behind the scheme.

use actix_web::http::header::{AUTHORIZATION, HeaderMap, HeaderName, HeaderValue, IF_MATCH, IF_NONE_MATCH};
use task_api::parsers::{self, IDEMPOTENCY_KEY, bearer_token, etag, idempotency_key, is_media_type};
use task_domain::{Expectation, IdempotencyKey, Version};

/// Each line of an input is a line of a header.
pub(crate) fn read(input: &[u8]) -> bool {
    let lines: Option<Vec<_>> = input.split(|byte| *byte == b'\n').map(value).collect();
    let Some(lines) = lines else { return false };
    let (tags, key, token) = (tags(&lines), keys(&lines), tokens(&lines));
    tags || key || token || lines.iter().any(media)
}

fn value(line: &[u8]) -> Option<HeaderValue> {
    HeaderValue::from_bytes(line).ok()
}

fn headers(name: &HeaderName, lines: &[HeaderValue]) -> HeaderMap {
    let mut headers = HeaderMap::new();
    for line in lines {
        headers.append(name.clone(), line.clone());
    }
    headers
}

fn expectation(lines: &[HeaderValue]) -> Option<Expectation> {
    parsers::if_match(&headers(&IF_MATCH, lines))
}

fn known(lines: &[HeaderValue]) -> Option<impl Fn(Version) -> bool + use<>> {
    parsers::if_none_match(&headers(&IF_NONE_MATCH, lines))
}

fn tags(lines: &[HeaderValue]) -> bool {
    let field = lines.iter().map(HeaderValue::as_bytes).collect::<Vec<_>>().join(&b',');
    let whole = value(&field).into_iter().collect::<Vec<_>>();
    let expected = expectation(lines);
    assert_eq!(expectation(&whole), expected, "lines are the elements of one list");
    // The two headers are of one form. They differ in how tags are compared.
    let known = self::known(lines);
    assert_eq!(known.is_some(), expected.is_some());
    let (Some(expected), Some(known)) = (expected, known) else { return false };
    match &expected {
        Expectation::Any => {
            assert_eq!(field.trim_ascii(), b"*");
            assert!(known(Version::FIRST));
        }
        Expectation::OneOf(versions) => {
            assert_ne!(field.trim_ascii(), b"*");
            for version in versions {
                let tag = etag(*version);
                assert!(field.windows(tag.len()).any(|part| part == tag.as_bytes()), "{tag} is not there");
                assert!(known(*version), "what matches strongly matches weakly");
            }
            more(&field, versions);
        }
    }
    true
}

/// A further tag, however it is set apart, is one more version and changes nothing of the others.
fn more(field: &[u8], versions: &[Version]) {
    for further in [&b",\"77\""[..], b" ,\t,\"77\" ,"] {
        let lines: Vec<_> = value(&[field, further].concat()).into_iter().collect();
        let all = versions.iter().copied().chain(Version::new(77)).collect();
        assert_eq!(expectation(&lines), Some(Expectation::OneOf(all)));
    }
    let weak: Vec<_> = value(&[field, b", W/\"77\""].concat()).into_iter().collect();
    assert_eq!(expectation(&weak), Some(Expectation::OneOf(versions.to_vec())));
    assert!(Version::new(77).is_some_and(|version| known(&weak).is_some_and(|known| known(version))));
}

fn keys(lines: &[HeaderValue]) -> bool {
    let read = |lines: &[HeaderValue]| idempotency_key(&headers(&IDEMPOTENCY_KEY, lines));
    let [line] = lines else {
        assert!(read(lines).is_none(), "it was sent more than once");
        return false;
    };
    let text = line.to_str().unwrap_or_default();
    match read(lines) {
        Some(None) => unreachable!("a header that was sent is there"),
        Some(Some(key)) => {
            assert!(if text.starts_with('"') { text == quoted(&key) } else { text == key.as_str() });
            assert!((1..=255).contains(&key.as_str().len()));
            assert!(key.as_str().bytes().all(|byte| (0x21..=0x7e).contains(&byte)));
            let other_form: Vec<_> = value(quoted(&key).as_bytes()).into_iter().collect();
            assert_eq!(read(&other_form).flatten(), Some(key), "both forms are the same key");
            true
        }
        None => {
            let is_bare = !text.starts_with('"') && (1..=255).contains(&text.len());
            assert!(!(is_bare && text.bytes().all(|byte| (0x21..=0x7e).contains(&byte))), "{text:?}");
            false
        }
    }
}

/// A key as a structured-field string (RFC 9651, section 4.1.6).
fn quoted(key: &IdempotencyKey) -> String {
    format!("\"{}\"", key.as_str().replace('\\', "\\\\").replace('"', "\\\""))
}

fn tokens(lines: &[HeaderValue]) -> bool {
    let headers = headers(&AUTHORIZATION, lines);
    let Some(token) = bearer_token(&headers) else { return false };
    let [line] = lines else { unreachable!("a token was taken from several headers") };
    let (scheme, rest) = line.as_bytes().split_at(line.len() - token.len());
    assert!(scheme.eq_ignore_ascii_case(b"bearer ") && rest == token.as_bytes());
    assert!(!token.is_empty() && !token.starts_with(' '));
    true
}

fn media(line: &HeaderValue) -> bool {
    let Ok(text) = line.to_str() else { return false };
    let is_json = |text: &str| is_media_type(text, "application/json");
    if !is_json(text) {
        return false;
    }
    let essence = text.split(';').next().unwrap_or_default();
    assert!(essence.trim().eq_ignore_ascii_case("application/json"), "{text:?}");
    for same in [text.to_ascii_uppercase(), format!("{text};a=b"), format!("{text} ; a=\"\\\"\" ;; ")] {
        assert!(is_json(&same), "{same:?}");
    }
    assert!(!is_json(&format!("{text};a")) && !is_media_type(text, "application/merge-patch+json"));
    true
}
