use super::text::{char_count, has_nul};

/// A task's description: at most [`Description::MAX_CHARS`] characters, kept as they were sent. It may be empty.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Description(String);

/// Why a text is no description.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidDescription {
    /// It has more than [`Description::MAX_CHARS`] characters.
    #[error("must be at most {max} characters long; it has {actual}", max = Description::MAX_CHARS)]
    TooLong {
        /// How many characters it has.
        actual: usize,
    },
    /// U+0000 is in it.
    #[error("must not contain U+0000")]
    Nul,
}

impl Description {
    /// The greatest length, in Unicode scalar values.
    pub const MAX_CHARS: usize = 10_000;

    /// Checks `text` and takes it as it is.
    pub fn parse(text: String) -> Result<Self, InvalidDescription> {
        Self::check(&text)?;
        Ok(Self(text))
    }

    /// Says whether `text` would make a description, without making one.
    pub fn check(text: &str) -> Result<(), InvalidDescription> {
        if has_nul(text) {
            return Err(InvalidDescription::Nul);
        }
        match char_count(text) {
            actual if actual > Self::MAX_CHARS => Err(InvalidDescription::TooLong { actual }),
            _ => Ok(()),
        }
    }

    /// The description as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The description as an owned text.
    #[must_use]
    pub fn into_string(self) -> String {
        self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_description_is_kept_as_it_was_sent() {
        for text in ["", "  two spaces  ", "e\u{301}", "\u{feff}\r\n\u{7f}"] {
            let description = Description::parse(text.to_owned()).unwrap();
            assert_eq!(description.as_str(), text);
            assert_eq!(description.into_string(), text);
        }
    }

    #[test]
    fn the_limit_counts_unicode_scalar_values() {
        for unit in ["a", "🦀"] {
            assert!(Description::parse(unit.repeat(Description::MAX_CHARS)).is_ok());
            assert_eq!(
                Description::parse(unit.repeat(Description::MAX_CHARS + 1)),
                Err(InvalidDescription::TooLong { actual: 10_001 })
            );
        }
    }

    #[test]
    fn u0000_is_refused() {
        assert_eq!(Description::parse("a\0b".to_owned()), Err(InvalidDescription::Nul));
    }

    #[test]
    fn each_refusal_says_what_is_wrong_and_by_how_much() {
        assert_eq!(
            InvalidDescription::TooLong { actual: 10_001 }.to_string(),
            "must be at most 10000 characters long; it has 10001"
        );
        assert_eq!(InvalidDescription::Nul.to_string(), "must not contain U+0000");
    }

    proptest! {
        #[test]
        fn every_text_without_u0000_comes_back_unchanged(text in "[^\\x00]{0,300}") {
            prop_assert_eq!(Description::parse(text.clone()).unwrap().into_string(), text);
        }
    }
}
