//! Segments are decoded as RFC 3986 says, once; an id is written in one way only; and what `Location` writes is read again.

use std::borrow::Cow;

use task_api::parsers::{decode, encode, task_id};
use task_domain::TaskId;

pub(crate) fn read(input: &[u8]) -> bool {
    let Ok(segment) = std::str::from_utf8(input) else { return false };
    let decoded = decode(segment);
    assert_eq!(decoded.as_deref(), plainly_decoded(segment).as_deref(), "{segment:?}");
    if let Some(text) = &decoded {
        write_and_read(text);
    }
    // The path of any user id leads to that user.
    write_and_read(segment);

    let id = task_id(segment);
    let number = segment.parse().ok().filter(|number: &i64| *number > 0 && number.to_string() == segment);
    assert_eq!(id.map(TaskId::get), number, "{segment:?}");
    id.is_some() || decoded.is_some_and(|text| text != segment)
}

fn write_and_read(text: &str) {
    let written = encode(text);
    assert!(written.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-._~%".contains(&byte)));
    assert_eq!(decode(&written), Some(Cow::Borrowed(text)));
}

/// The same, byte by byte.
fn plainly_decoded(segment: &str) -> Option<String> {
    let (mut bytes, mut decoded) = (segment.bytes(), Vec::new());
    while let Some(byte) = bytes.next() {
        decoded.push(if byte == b'%' { digit(bytes.next()?)? << 4 | digit(bytes.next()?)? } else { byte });
    }
    String::from_utf8(decoded).ok()
}

fn digit(byte: u8) -> Option<u8> {
    match byte {
        b'0'..=b'9' => Some(byte - b'0'),
        b'a'..=b'f' => Some(byte - b'a' + 10),
        b'A'..=b'F' => Some(byte - b'A' + 10),
        _ => None,
    }
}
