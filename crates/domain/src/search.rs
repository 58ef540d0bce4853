use crate::{folding::fold, task::text::char_count};

/// The words that a listed task has in its title or its description: 1 to [`SearchWords::MAX`] of them (`docs/api.md`,
/// "Finding").
///
/// A word is in a text if the folded text contains it anywhere, so that languages without spaces are searched like others.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SearchWords(Vec<String>);

/// Why a text holds no words to search.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidSearchWords {
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
    /// It has more words than it may have.
    #[error("must be at most {max} words; it has {actual}")]
    TooMany {
        /// How many words it may have.
        max: usize,
        /// How many words it has.
        actual: usize,
    },
    /// It contains U+0000, which no task does.
    #[error("must not contain U+0000")]
    Nul,
    /// A word is made of accents only.
    #[error("must not have a word of which nothing is left without its accents")]
    OnlyAccents,
}

impl SearchWords {
    /// How many words there may be, doubles counted.
    pub const MAX: usize = 10;
    /// The greatest length, in Unicode scalar values.
    pub const MAX_CHARS: usize = 200;

    /// Trims white space (Unicode `White_Space`) from both ends of `text` and takes what white space separates.
    pub fn parse(text: &str) -> Result<Self, InvalidSearchWords> {
        let text = text.trim();
        if text.is_empty() {
            return Err(InvalidSearchWords::Empty);
        }
        if text.contains('\0') {
            return Err(InvalidSearchWords::Nul);
        }
        match char_count(text) {
            actual if actual > Self::MAX_CHARS => {
                return Err(InvalidSearchWords::TooLong { max: Self::MAX_CHARS, actual });
            }
            _ => {}
        }
        match text.split_whitespace().count() {
            actual if actual > Self::MAX => {
                return Err(InvalidSearchWords::TooMany { max: Self::MAX, actual });
            }
            _ => {}
        }
        let words: Vec<_> = text.split_whitespace().map(fold).collect();
        if words.iter().any(String::is_empty) {
            Err(InvalidSearchWords::OnlyAccents)
        } else {
            Ok(Self(words))
        }
    }

    /// Each word, folded, in the order in which they were sent.
    #[must_use]
    pub fn iter(&self) -> impl ExactSizeIterator<Item = &str> {
        self.0.iter().map(String::as_str)
    }

    /// Whether each word is in one of these texts.
    #[must_use]
    pub fn are_in(&self, title: &str, description: Option<&str>) -> bool {
        let texts = [fold(title), description.map(fold).unwrap_or_default()];
        self.iter().all(|word| texts.iter().any(|text| text.contains(word)))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn words(text: &str) -> SearchWords {
        SearchWords::parse(text).unwrap()
    }

    #[test]
    fn words_are_what_white_space_of_the_text_separates() {
        assert_eq!(words(" Café\u{3000}AU\tlait\n").iter().collect::<Vec<_>>(), ["cafe", "au", "lait"]);
        // What folds to a space, or to a text with spaces in it, is one word.
        assert_eq!(words("\u{fdfa}").iter().len(), 1);
        assert_eq!(words("a\u{a8}b").iter().collect::<Vec<_>>(), ["a b"]);
        assert_eq!(words("100% a_b \\ '\"").iter().collect::<Vec<_>>(), ["100%", "a_b", "\\", "'\""]);
    }

    #[test]
    fn there_are_one_to_ten_words_of_at_most_two_hundred_characters_together() {
        assert_eq!(SearchWords::parse(" \u{3000}"), Err(InvalidSearchWords::Empty));
        assert_eq!(words(&"a ".repeat(10)).iter().len(), 10);
        assert_eq!(
            SearchWords::parse(&"a ".repeat(11)),
            Err(InvalidSearchWords::TooMany { max: 10, actual: 11 })
        );
        assert!(SearchWords::parse(&format!(" {} ", "語".repeat(200))).is_ok());
        let too_long = Err(InvalidSearchWords::TooLong { max: 200, actual: 201 });
        assert_eq!(SearchWords::parse(&"語".repeat(201)), too_long);
    }

    #[test]
    fn u0000_and_words_of_accents_only_are_refused() {
        assert_eq!(SearchWords::parse("a\0b"), Err(InvalidSearchWords::Nul));
        for text in ["\u{301}", "a \u{300}\u{36f} b"] {
            assert_eq!(SearchWords::parse(text), Err(InvalidSearchWords::OnlyAccents), "{text:?}");
        }
        // Marks of other scripts stay.
        assert!(SearchWords::parse("\u{3099}").is_ok());
    }

    #[test]
    fn each_word_is_anywhere_in_the_title_or_the_description() {
        let found = |q: &str, title: &str, description: Option<&str>| words(q).are_in(title, description);
        assert!(found("milk BUY", "Buy oat milk", None));
        assert!(found("buy shop", "Buy milk", Some("at the shop")));
        assert!(!found("buy shop", "Buy milk", Some("at the market")));
        assert!(!found("buymilk", "buy milk", None));
        // No word is found over the end of the title.
        assert!(!found("ba", "b", Some("a")));
        assert!(
            found("物", "買い物リスト", None) && found("นม", "ซื้อนม", None) && found("장보", "시장보기", None)
        );
        assert!(found("σας", "ΣΑΣ", None) && found("strasse", "Große Straße", None));
    }

    proptest! {
        #[test]
        fn a_text_holds_each_of_its_own_words(text in "\\PC{1,60}") {
            if let Ok(words) = SearchWords::parse(&text) {
                prop_assert!(words.are_in(&text, None));
                prop_assert!(words.iter().all(|word| !word.is_empty() && fold(word) == word));
            }
        }
    }
}
