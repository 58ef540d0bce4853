/// How important a task is to its owner; a task without one has no priority, which is less than low (`docs/api.md`,
/// "More members").
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Priority {
    /// Above none, and below the others.
    Low,
    /// Between the others.
    Medium,
    /// Above the others.
    High,
}

/// A text that names no priority.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("must be \"high\", \"medium\" or \"low\"")]
pub struct InvalidPriority;

impl Priority {
    /// Each of them, the most important one first.
    pub const ALL: [Self; 3] = [Self::High, Self::Medium, Self::Low];

    /// Takes the word for it, in lower case.
    pub fn parse(text: &str) -> Result<Self, InvalidPriority> {
        Self::ALL.into_iter().find(|priority| priority.as_str() == text).ok_or(InvalidPriority)
    }

    /// The word for it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::High => "high",
            Self::Medium => "medium",
            Self::Low => "low",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_priority_is_one_of_three_words_in_lower_case() {
        for priority in Priority::ALL {
            assert_eq!(Priority::parse(priority.as_str()), Ok(priority));
        }
        for text in ["", "High", "LOW", "none", "1", " high", "high ", "urgent"] {
            assert_eq!(Priority::parse(text), Err(InvalidPriority), "{text:?}");
        }
    }

    #[test]
    fn high_is_more_than_medium_and_medium_more_than_low_and_low_more_than_none() {
        assert!(Some(Priority::High) > Some(Priority::Medium));
        assert!(Some(Priority::Medium) > Some(Priority::Low));
        assert!(Some(Priority::Low) > None);
    }
}
