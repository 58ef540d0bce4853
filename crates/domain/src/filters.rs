//! Filters of a list that name several values, joined by commas (`docs/api.md`, "Finding").

use crate::{
    list_limit::TooMany,
    priority::Priority,
    tags::{InvalidTag, Tag, Tags},
};

/// The priorities of which a listed task has one; `None` stands for a task without one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PriorityFilter(Vec<Option<Priority>>);

/// A text that is no [`PriorityFilter`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("must be \"high\", \"medium\", \"low\" or \"none\", or several of them joined by commas")]
pub struct InvalidPriorityFilter;

impl PriorityFilter {
    /// Takes words joined by commas. A word twice is as once.
    pub fn parse(text: &str) -> Result<Self, InvalidPriorityFilter> {
        let word = |word| match word {
            "none" => Ok(None),
            word => Priority::parse(word).map(Some).map_err(|_| InvalidPriorityFilter),
        };
        let mut priorities = text.split(',').map(word).collect::<Result<Vec<_>, _>>()?;
        priorities.sort_unstable();
        priorities.dedup();
        Ok(Self(priorities))
    }

    /// Each of them, none and the least first.
    #[must_use]
    pub fn iter(&self) -> impl ExactSizeIterator<Item = Option<Priority>> + '_ {
        self.0.iter().copied()
    }

    /// Whether a task of that priority is listed.
    #[must_use]
    pub fn lets_through(&self, priority: Option<Priority>) -> bool {
        self.0.contains(&priority)
    }
}

/// Why a text is no list of tags.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidTagFilter {
    /// One of them is no tag.
    #[error("each tag {0}")]
    Tag(InvalidTag),
    /// There are more than a task can have.
    #[error(transparent)]
    TooMany(#[from] TooMany),
}

impl Tags {
    /// Takes the tags of a query, joined by commas: those that a listed task has all of. A tag twice is as once.
    pub fn parse_list(text: &str) -> Result<Self, InvalidTagFilter> {
        TooMany::check(text.split(',').count(), Self::MAX)?;
        let tags =
            text.split(',').map(Tag::parse).collect::<Result<_, _>>().map_err(InvalidTagFilter::Tag)?;
        Ok(Self::new(tags)?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn priorities_are_words_joined_by_commas() {
        let filter = PriorityFilter::parse("none,high,none").unwrap();
        assert_eq!(filter.iter().collect::<Vec<_>>(), [None, Some(Priority::High)]);
        assert!(filter.lets_through(None) && !filter.lets_through(Some(Priority::Low)));
        for text in ["", ",", "high,", "high, low", "High", "null", "high;low"] {
            assert_eq!(PriorityFilter::parse(text), Err(InvalidPriorityFilter), "{text:?}");
        }
    }

    #[test]
    fn each_piece_of_a_list_of_tags_is_a_tag() {
        let keys =
            |text| Tags::parse_list(text).unwrap().iter().map(|tag| tag.key().to_owned()).collect::<Vec<_>>();
        assert_eq!(keys(" Work ,home,WORK"), ["home", "work"]);
        for text in ["", ",", "a,", "a,,b", "a, ,b"] {
            assert_eq!(Tags::parse_list(text), Err(InvalidTagFilter::Tag(InvalidTag::Empty)), "{text:?}");
        }
        assert_eq!(Tags::parse_list("a\0"), Err(InvalidTagFilter::Tag(InvalidTag::Control)));
        assert!(Tags::parse_list(&["a"; 20].join(",")).is_ok());
        let too_many = InvalidTagFilter::TooMany(TooMany { max: 20, actual: 21 });
        assert_eq!(Tags::parse_list(&["a"; 21].join(",")), Err(too_many));
        assert_eq!(InvalidTagFilter::Tag(InvalidTag::Comma).to_string(), "each tag must not contain a comma");
    }
}
