/// How often a task has been written: 1 at creation, one more at every change (`docs/api.md`, "Versions").
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Version(i64);

impl Version {
    /// The version of a new task.
    pub const FIRST: Self = Self(1);

    /// Takes a positive number; `None` for all others.
    #[must_use]
    pub const fn new(value: i64) -> Option<Self> {
        if value > 0 { Some(Self(value)) } else { None }
    }

    /// The version as a number.
    #[must_use]
    pub const fn get(self) -> i64 {
        self.0
    }

    /// The version after one more change. The greatest one stays, as nothing can follow it; PostgreSQL refuses that write.
    #[must_use]
    pub const fn next(self) -> Self {
        Self(self.0.saturating_add(1))
    }
}

/// On which version of a task a write is meant to act: `If-Match` (`docs/api.md`, "Versions").
///
/// It is judged together with the write: of several writers that expect the same version one succeeds.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Expectation {
    /// On any version: the last write wins.
    #[default]
    Any,
    /// On one of these; on none if the list is empty.
    OneOf(Vec<Version>),
}

impl Expectation {
    /// Whether a task of that version is what is expected.
    #[must_use]
    pub fn is_met_by(&self, version: Version) -> bool {
        match self {
            Self::Any => true,
            Self::OneOf(versions) => versions.contains(&version),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_version_is_positive() {
        assert_eq!(Version::new(1), Some(Version::FIRST));
        assert_eq!(Version::new(7).map(Version::get), Some(7));
        for value in [0, -1] {
            assert_eq!(Version::new(value), None);
        }
    }

    #[test]
    fn the_next_version_is_one_more_up_to_the_greatest() {
        assert_eq!(Version::FIRST.next(), Version(2));
        assert_eq!(Version(i64::MAX).next(), Version(i64::MAX));
    }

    #[test]
    fn an_expectation_is_met_by_the_versions_that_it_names() {
        let (one, two) = (Version::FIRST, Version(2));
        assert!(Expectation::Any.is_met_by(two));
        assert!(Expectation::OneOf(vec![one, two]).is_met_by(two));
        assert!(!Expectation::OneOf(vec![one]).is_met_by(two));
        assert!(!Expectation::OneOf(Vec::new()).is_met_by(one));
        assert_eq!(Expectation::default(), Expectation::Any);
    }
}
