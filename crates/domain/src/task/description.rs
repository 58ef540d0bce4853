use super::text::{self, InvalidText};

/// A task's description: at most [`Description::MAX_CHARS`] characters, kept as they were sent. It may be empty
/// (`docs/api.md`, "Rules").
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Description(String);

/// Why a text is not a description: it is too long or contains U+0000.
pub type InvalidDescription = InvalidText;

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
        text::check(text, Self::MAX_CHARS)
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
    use proptest::prelude::*;

    use super::*;

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
                Err(InvalidDescription::TooLong { max: 10_000, actual: 10_001 })
            );
        }
    }

    #[test]
    fn u0000_is_refused() {
        assert_eq!(Description::parse("a\0b".to_owned()), Err(InvalidDescription::Nul));
    }

    proptest! {
        #[test]
        fn every_text_without_u0000_comes_back_unchanged(text in "[^\\x00]{0,300}") {
            prop_assert_eq!(Description::parse(text.clone()).unwrap().into_string(), text);
        }
    }
}
