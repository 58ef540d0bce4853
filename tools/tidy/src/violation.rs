//! What a rule is given, and what it finds.

use std::fmt;

/// A file of the checkout, its path relative to the root.
pub(crate) struct File {
    pub(crate) path: String,
    pub(crate) text: String,
}

/// A place where a rule is broken.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Violation {
    /// A file, with a line if that helps.
    pub(crate) place: String,
    /// The rule, and what breaks it.
    pub(crate) rule: String,
}

impl Violation {
    pub(crate) fn new(place: impl Into<String>, rule: impl Into<String>) -> Self {
        Self { place: place.into(), rule: rule.into() }
    }
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.place, self.rule)
    }
}
