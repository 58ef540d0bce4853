use std::sync::Arc;

use crate::task::text::char_count;

/// The opaque id that the identity provider gave a user.
///
/// It is compared byte by byte, and cheap to clone, because each task of a list carries it.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct UserId(Arc<str>);

/// Why a text is not a user id.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidUserId {
    /// It is empty or only white space.
    #[error("a user id must not be empty or only white space")]
    Blank,
    /// It has more than [`UserId::MAX_CHARS`] characters.
    #[error("a user id must be at most {max} characters long", max = UserId::MAX_CHARS)]
    TooLong,
    /// It has a control character.
    #[error("a user id must not contain control characters")]
    Control,
    /// It is `.` or `..`, which a URL cannot carry as a path segment (RFC 3986, section 5.2.4).
    #[error("a user id must not be a dot segment")]
    DotSegment,
}

impl UserId {
    /// The greatest length, in Unicode scalar values.
    pub const MAX_CHARS: usize = 255;

    /// Checks `text` and takes it as it is.
    pub fn parse(text: &str) -> Result<Self, InvalidUserId> {
        if text.trim().is_empty() {
            return Err(InvalidUserId::Blank);
        }
        if text.chars().any(char::is_control) {
            return Err(InvalidUserId::Control);
        }
        if text == "." || text == ".." {
            return Err(InvalidUserId::DotSegment);
        }
        if char_count(text) > Self::MAX_CHARS {
            return Err(InvalidUserId::TooLong);
        }
        Ok(Self(text.into()))
    }

    /// The id as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_is_opaque_and_kept_as_it_is() {
        for text in ["a", "0", "...", "a/b", "%2F", " x ", "用户", "🦀", "a b", "…"] {
            assert_eq!(UserId::parse(text).unwrap().as_str(), text);
        }
    }

    #[test]
    fn blank_ids_are_refused() {
        for text in ["", " ", "\u{a0}\u{3000}"] {
            assert_eq!(UserId::parse(text), Err(InvalidUserId::Blank), "{text:?}");
        }
    }

    #[test]
    fn control_characters_are_refused() {
        for text in ["a\0", "a\nb", "\u{7f}a", "a\u{85}b", "\u{9f}x"] {
            assert_eq!(UserId::parse(text), Err(InvalidUserId::Control), "{text:?}");
        }
    }

    #[test]
    fn dot_segments_are_refused() {
        for text in [".", ".."] {
            assert_eq!(UserId::parse(text), Err(InvalidUserId::DotSegment), "{text:?}");
        }
    }

    #[test]
    fn the_limit_counts_unicode_scalar_values() {
        assert!(UserId::parse(&"🦀".repeat(255)).is_ok());
        assert_eq!(UserId::parse(&"🦀".repeat(256)), Err(InvalidUserId::TooLong));
    }
}
