//! Rules by which a task comes again: a subset of RFC 5545, section 3.3.10 (`docs/api.md`, "Recurrence").

pub(crate) mod days;
pub(crate) mod month;
pub(crate) mod naming;
pub(crate) mod parse;
pub(crate) mod rule;
#[cfg(test)]
pub(crate) mod samples;
pub(crate) mod weekdays;

use self::rule::Rule;

/// From where the next occurrence counts (`docs/api.md`, "Recurrence").
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum RecurrenceFrom {
    /// From the due of the task, whenever it is completed.
    #[default]
    Due,
    /// From the day on which it is completed.
    Completion,
}

/// A text that is no [`RecurrenceFrom`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("must be \"due\" or \"completion\"")]
pub struct InvalidRecurrenceFrom;

impl RecurrenceFrom {
    /// Takes the word for it, in lower case.
    pub fn parse(text: &str) -> Result<Self, InvalidRecurrenceFrom> {
        [Self::Due, Self::Completion]
            .into_iter()
            .find(|from| from.as_str() == text)
            .ok_or(InvalidRecurrenceFrom)
    }

    /// The word for it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Due => "due",
            Self::Completion => "completion",
        }
    }
}

/// How a task comes again: by which rule, and from where it counts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Recurrence {
    /// The rule.
    pub rule: Rule,
    /// From where it counts.
    pub from: RecurrenceFrom,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_counts_from_one_of_two_words() {
        for from in [RecurrenceFrom::Due, RecurrenceFrom::Completion] {
            assert_eq!(RecurrenceFrom::parse(from.as_str()), Ok(from));
        }
        for text in ["", "Due", "completed", " due"] {
            assert_eq!(RecurrenceFrom::parse(text), Err(InvalidRecurrenceFrom), "{text:?}");
        }
    }
}
