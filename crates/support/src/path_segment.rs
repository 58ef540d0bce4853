//! Texts in paths.

use std::fmt::Display;

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

/// All but the unreserved characters of RFC 3986, section 2.3.
const RESERVED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// A text as one segment of a path: every byte but `A-Z a-z 0-9 - . _ ~` is percent-encoded.
#[must_use]
pub fn path_segment(text: &str) -> impl Display {
    utf8_percent_encode(text, RESERVED)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_byte_that_is_reserved_is_percent_encoded() {
        assert_eq!(path_segment("aZ09-._~").to_string(), "aZ09-._~");
        assert_eq!(path_segment("a/b?c#d %2F+é").to_string(), "a%2Fb%3Fc%23d%20%252F%2B%C3%A9");
    }
}
