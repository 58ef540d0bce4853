//! What the texts have in common.

/// Why a text is not valid as the member that it was given for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidText {
    /// It is empty once white space at both ends is trimmed.
    #[error("must not be empty or only white space")]
    Empty,
    /// It is longer than it may be.
    #[error("must be at most {max} characters long; it has {actual}")]
    TooLong {
        /// How many characters it may have.
        max: usize,
        /// How many characters it has.
        actual: usize,
    },
    /// It contains U+0000.
    #[error("must not contain U+0000")]
    Nul,
}

/// Refuses U+0000, which PostgreSQL's `text` cannot store, and more than `max` characters.
pub(super) fn check(text: &str, max: usize) -> Result<(), InvalidText> {
    if text.as_bytes().contains(&0) {
        return Err(InvalidText::Nul);
    }
    match char_count(text) {
        actual if actual > max => Err(InvalidText::TooLong { max, actual }),
        _ => Ok(()),
    }
}

/// How many Unicode scalar values `text` has: the unit of every length limit.
pub(crate) fn char_count(text: &str) -> usize {
    text.chars().count()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_refusal_says_what_is_wrong_and_by_how_much() {
        for (refusal, sentence) in [
            (InvalidText::Empty, "must not be empty or only white space"),
            (
                InvalidText::TooLong { max: 200, actual: 250 },
                "must be at most 200 characters long; it has 250",
            ),
            (InvalidText::Nul, "must not contain U+0000"),
        ] {
            assert_eq!(refusal.to_string(), sentence);
        }
    }
}
