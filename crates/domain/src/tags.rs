use unicode_normalization::UnicodeNormalization;

use crate::{folding::tag_key, list_limit::TooMany, task::text::char_count};

/// A word by which the owner groups tasks: 1 to [`Tag::MAX_CHARS`] characters in Unicode's form NFC, without white space at
/// either end, commas and control characters (`docs/api.md`, "More members").
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tag {
    name: String,
    key: String,
}

/// Why a text is not a tag.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidTag {
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
    /// It contains a comma, which separates tags in a query.
    #[error("must not contain a comma")]
    Comma,
    /// It contains a control character (Unicode's category Cc).
    #[error("must not contain a control character")]
    Control,
}

impl Tag {
    /// The greatest length, in Unicode scalar values.
    pub const MAX_CHARS: usize = 50;

    /// Trims white space (Unicode `White_Space`) from both ends of `text`, brings what is left into NFC and checks it.
    pub fn parse(text: &str) -> Result<Self, InvalidTag> {
        let text = text.trim();
        if text.is_empty() {
            return Err(InvalidTag::Empty);
        }
        // No character of NFC stands for more than four, so that what is far too long need not be composed.
        let max = Self::MAX_CHARS;
        if text.chars().nth(max * 4).is_some() {
            return Err(InvalidTag::TooLong { max, actual: char_count(text) });
        }
        let name: String = text.nfc().collect();
        if name.chars().any(char::is_control) {
            return Err(InvalidTag::Control);
        }
        if name.contains(',') {
            return Err(InvalidTag::Comma);
        }
        match char_count(&name) {
            actual if actual > max => Err(InvalidTag::TooLong { max, actual }),
            _ => Ok(Self { key: tag_key(&name), name }),
        }
    }

    /// The tag as its owner spells it.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.name
    }

    /// What it is compared by: two tags of one key are the same tag.
    #[must_use]
    pub fn key(&self) -> &str {
        &self.key
    }
}

/// The tags of a task: at most [`Tags::MAX`], no two of them the same, in code point order of their keys (`docs/api.md`,
/// "More members").
///
/// The same tags in another order are equal; another spelling of one is another value.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Tags(Vec<Tag>);

impl Tags {
    /// How many there may be, as they are sent.
    pub const MAX: usize = 20;

    /// Takes the tags that were sent. Of those that are the same, the first one stays.
    pub fn new(mut sent: Vec<Tag>) -> Result<Self, TooMany> {
        TooMany::check(sent.len(), Self::MAX)?;
        // Both keep the order of what is equal, so the first spelling is the one that stays.
        sent.sort_by(|one, other| one.key.cmp(&other.key));
        sent.dedup_by(|later, earlier| later.key == earlier.key);
        Ok(Self(sent))
    }

    /// Each tag, in the order of keys.
    #[must_use]
    pub fn iter(&self) -> impl ExactSizeIterator<Item = &Tag> {
        self.0.iter()
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether each of `others` is among them, in whatever spelling.
    #[must_use]
    pub fn contain_all(&self, others: &Self) -> bool {
        others.iter().all(|other| self.iter().any(|tag| tag.key == other.key))
    }
}

#[cfg(test)]
mod tests {
    use proptest::{collection::vec, prelude::*};

    use super::*;

    fn tag(text: &str) -> Tag {
        Tag::parse(text).unwrap()
    }

    fn tags(texts: &[&str]) -> Tags {
        Tags::new(texts.iter().map(|text| tag(text)).collect()).unwrap()
    }

    fn names(tags: &Tags) -> Vec<&str> {
        tags.iter().map(Tag::as_str).collect()
    }

    #[test]
    fn a_tag_is_trimmed_and_composed() {
        assert_eq!(tag("\u{3000} an\u{303}o nuevo\n").as_str(), "año nuevo");
        assert_eq!(tag("a\u{2028}b").as_str(), "a\u{2028}b");
    }

    #[test]
    fn the_limit_counts_scalar_values_after_trimming_and_composing() {
        for unit in ["a", "e\u{301}", "語", "🦀"] {
            assert!(Tag::parse(&format!(" {} ", unit.repeat(50))).is_ok(), "{unit}");
            let too_long = Err(InvalidTag::TooLong { max: 50, actual: 51 });
            assert_eq!(Tag::parse(&unit.repeat(51)), too_long, "{unit}");
        }
        // U+0958 is not composed again: one character becomes two.
        assert_eq!(Tag::parse(&"\u{958}".repeat(26)), Err(InvalidTag::TooLong { max: 50, actual: 52 }));
    }

    #[test]
    fn what_is_far_too_long_is_refused_before_it_is_composed() {
        // Four characters that are one: the most that there are.
        let longest = "\u{3b1}\u{313}\u{300}\u{345}".repeat(50);
        assert_eq!(tag(&longest).as_str(), "\u{1f82}".repeat(50));
        let longer = format!("{longest}\u{301}");
        assert_eq!(Tag::parse(&longer), Err(InvalidTag::TooLong { max: 50, actual: 201 }));
    }

    #[test]
    fn nothing_commas_and_control_characters_are_refused() {
        for text in ["", "  ", "\u{2003}\n"] {
            assert_eq!(Tag::parse(text), Err(InvalidTag::Empty), "{text:?}");
        }
        for text in ["a,b", ",", "a,"] {
            assert_eq!(Tag::parse(text), Err(InvalidTag::Comma), "{text:?}");
        }
        for text in ["a\0", "a\tb", "\u{7f}", "a\u{85}b", "a\u{9f}"] {
            assert_eq!(Tag::parse(text), Err(InvalidTag::Control), "{text:?}");
        }
        assert_eq!(tag("a，b、c").as_str(), "a，b、c");
    }

    #[test]
    fn of_tags_that_are_the_same_the_first_spelling_stays() {
        assert_eq!(names(&tags(&["Work", "home", "WORK", "work"])), ["home", "Work"]);
        assert_eq!(names(&tags(&["STRASSE", "straße"])), ["STRASSE"]);
        assert_eq!(names(&tags(&["ano", "año"])), ["ano", "año"]);
    }

    #[test]
    fn tags_are_in_code_point_order_of_their_keys() {
        assert_eq!(
            names(&tags(&["b", "A", "é", "Z", "a b", "\u{ffee}", "🦀"])),
            ["A", "a b", "b", "Z", "é", "\u{ffee}", "🦀"]
        );
    }

    #[test]
    fn the_same_tags_in_another_order_are_equal_and_in_another_spelling_are_not() {
        assert_eq!(tags(&["a", "b"]), tags(&["b", "a", "A"]));
        assert_ne!(tags(&["a", "b"]), tags(&["A", "b"]));
    }

    #[test]
    fn there_are_at_most_twenty_as_they_are_sent() {
        let sent = |count| vec![tag("same"); count];
        assert_eq!(Tags::new(sent(20)).unwrap().iter().len(), 1);
        assert_eq!(Tags::new(sent(21)), Err(TooMany { max: 20, actual: 21 }));
        assert!(Tags::new(Vec::new()).unwrap().is_empty());
    }

    #[test]
    fn tags_contain_others_in_whatever_spelling() {
        assert!(tags(&["a", "b"]).contain_all(&tags(&["B"])));
        assert!(tags(&["a"]).contain_all(&tags(&[])));
        assert!(!tags(&["a"]).contain_all(&tags(&["a", "b"])));
    }

    proptest! {
        #[test]
        fn every_accepted_tag_is_stable(text in "\\PC{0,60}|\\s{0,3}.{0,60}\\s{0,3}") {
            if let Ok(tag) = Tag::parse(&text) {
                prop_assert!((1..=50).contains(&tag.as_str().chars().count()));
                prop_assert_eq!(tag.as_str().trim(), tag.as_str());
                prop_assert_eq!(Tag::parse(tag.as_str()), Ok(tag.clone()));
            }
        }

        #[test]
        fn tags_are_ascending_without_doubles_and_taking_them_again_changes_nothing(
            sent in vec("[abAB]{1,2}|\\PC{1,3}", 0..=20),
        ) {
            let sent: Vec<_> = sent.iter().filter_map(|text| Tag::parse(text).ok()).collect();
            let tags = Tags::new(sent.clone()).unwrap();
            prop_assert!(tags.0.windows(2).all(|pair| pair[0].key() < pair[1].key()));
            prop_assert_eq!(Tags::new(tags.0.clone()), Ok(tags.clone()));
            for tag in &sent {
                let first = sent.iter().find(|other| other.key() == tag.key()).unwrap();
                prop_assert!(tags.iter().any(|kept| kept == first));
            }
        }
    }
}
