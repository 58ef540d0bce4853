use std::borrow::Cow;

use super::text::{self, InvalidText};

/// A task's title: 1 to [`Title::MAX_CHARS`] characters, with no white space at either end (`docs/api.md`,
/// "Rules").
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Title(String);

/// Why a text is not a title: what is left after trimming is empty, too long or contains U+0000.
pub type InvalidTitle = InvalidText;

impl Title {
    /// The greatest length, in Unicode scalar values.
    pub const MAX_CHARS: usize = 200;

    /// Trims white space (Unicode `White_Space`) from both ends of `text` and checks what is left. An owned text that has
    /// nothing to trim is taken as it is.
    pub fn parse<'a>(text: impl Into<Cow<'a, str>>) -> Result<Self, InvalidTitle> {
        let text = text.into();
        let trimmed = trimmed(&text)?;
        let is_whole = trimmed.len() == text.len();
        Ok(Self(match text {
            Cow::Owned(text) if is_whole => text,
            _ => trimmed.to_owned(),
        }))
    }

    /// The title as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The title as an owned text.
    #[must_use]
    pub fn into_string(self) -> String {
        self.0
    }
}

/// The part of `text` that is the title.
fn trimmed(text: &str) -> Result<&str, InvalidTitle> {
    let trimmed = text.trim();
    if trimmed.is_empty() {
        return Err(InvalidTitle::Empty);
    }
    text::check(trimmed, Title::MAX_CHARS)?;
    Ok(trimmed)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn white_space_at_both_ends_is_trimmed_and_kept_inside() {
        let title = Title::parse("\u{2003}\u{a0} buy \t milk\n\u{3000}").unwrap();
        assert_eq!(title.as_str(), "buy \t milk");
        assert_eq!(title.into_string(), "buy \t milk");
    }

    #[test]
    fn a_title_of_nothing_but_white_space_is_empty() {
        for text in ["", " ", "\t\r\n", "\u{85}\u{2028}\u{3000}"] {
            assert_eq!(Title::parse(text), Err(InvalidTitle::Empty), "{text:?}");
        }
    }

    #[test]
    fn the_zero_width_space_is_not_white_space() {
        assert_eq!(Title::parse("\u{200b}").unwrap().as_str(), "\u{200b}");
    }

    #[test]
    fn the_limit_counts_unicode_scalar_values_after_trimming() {
        for unit in ["a", "é", "語", "🦀"] {
            let longest = unit.repeat(Title::MAX_CHARS);
            assert_eq!(Title::parse(format!("  {longest}  ")).unwrap().as_str(), longest);
            let too_long = unit.repeat(Title::MAX_CHARS + 1);
            assert_eq!(Title::parse(too_long), Err(InvalidTitle::TooLong { max: 200, actual: 201 }));
        }
        let combined = "e\u{301}".repeat(100);
        assert!(Title::parse(&combined).is_ok(), "200 scalar values in 100 visible characters");
        assert!(Title::parse(format!("{combined}e")).is_err());
    }

    #[test]
    fn u0000_is_refused_wherever_it_stands() {
        for text in ["\0", "a\0", "\0a", "a\0b"] {
            assert_eq!(Title::parse(text), Err(InvalidTitle::Nul), "{text:?}");
        }
    }

    proptest! {
        #[test]
        fn every_accepted_title_is_trimmed_bounded_and_stable(text in "\\PC{0,250}|\\s{0,3}.{0,210}\\s{0,3}") {
            match Title::parse(text.as_str()) {
                Ok(title) => {
                    prop_assert_eq!(title.as_str(), text.trim());
                    prop_assert!((1..=Title::MAX_CHARS).contains(&title.as_str().chars().count()));
                    prop_assert_eq!(Title::parse(title.as_str()), Ok(title.clone()));
                    prop_assert_eq!(Title::parse(text), Ok(title));
                }
                Err(InvalidTitle::Empty) => prop_assert!(text.trim().is_empty()),
                Err(InvalidTitle::TooLong { max, actual }) => {
                    prop_assert_eq!((max, actual), (Title::MAX_CHARS, text.trim().chars().count()));
                }
                Err(InvalidTitle::Nul) => prop_assert!(text.contains('\0')),
            }
        }
    }
}
