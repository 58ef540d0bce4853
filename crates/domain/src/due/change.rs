use super::{Due, date::DueDate, moment::DueAt};
use crate::change::Change;

/// What a body makes of a task's due (`docs/api.md`, "More members").
///
/// It has two members, `due_date` and `due_at`. To set one clears the other; to clear one that is not set changes nothing.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct DueChange(Kind);

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Kind {
    #[default]
    Keep,
    Clear {
        date: bool,
        at: bool,
    },
    Set(Due),
}

/// A body that sets both: a fault in each of the two members.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a task has `due_date` or `due_at`, and not both")]
pub struct BothDues;

impl DueChange {
    /// Leaves the due as it is.
    pub const KEEP: Self = Self(Kind::Keep);

    /// Sets that due.
    #[must_use]
    pub fn to(due: Due) -> Self {
        Self(Kind::Set(due))
    }

    /// What the two members of one body make together.
    pub fn of_members(date: Change<DueDate>, at: Change<DueAt>) -> Result<Self, BothDues> {
        Ok(Self(match (date, at) {
            (Change::Set(_), Change::Set(_)) => return Err(BothDues),
            (Change::Set(date), _) => Kind::Set(Due::On(date)),
            (_, Change::Set(at)) => Kind::Set(Due::At(at)),
            (Change::Keep, Change::Keep) => Kind::Keep,
            (date, at) => Kind::Clear { date: date == Change::Clear, at: at == Change::Clear },
        }))
    }

    /// Whether it leaves every due as it is.
    #[must_use]
    pub fn is_keep(self) -> bool {
        self == Self::KEEP
    }

    /// The due afterwards.
    #[must_use]
    pub fn apply(self, before: Option<Due>) -> Option<Due> {
        match (self.0, before) {
            (Kind::Set(due), _) => Some(due),
            (Kind::Clear { date: true, .. }, Some(Due::On(_)))
            | (Kind::Clear { at: true, .. }, Some(Due::At(_))) => None,
            (Kind::Keep | Kind::Clear { .. }, before) => before,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn date() -> DueDate {
        DueDate::parse("2026-01-31").unwrap()
    }

    fn at() -> DueAt {
        DueAt::parse("2026-01-31T09:00:00Z").unwrap()
    }

    #[test]
    fn a_body_that_sets_one_clears_the_other_and_null_for_one_that_is_not_set_changes_nothing() {
        use Change::{Clear, Keep, Set};
        let (on_date, at_moment) = (Some(Due::On(date())), Some(Due::At(at())));
        for (of_date, of_at, from_none, from_date, from_at) in [
            (Keep, Keep, None, on_date, at_moment),
            (Clear, Keep, None, None, at_moment),
            (Keep, Clear, None, on_date, None),
            (Clear, Clear, None, None, None),
            (Set(date()), Keep, on_date, on_date, on_date),
            (Set(date()), Clear, on_date, on_date, on_date),
            (Keep, Set(at()), at_moment, at_moment, at_moment),
            (Clear, Set(at()), at_moment, at_moment, at_moment),
        ] {
            let change = DueChange::of_members(of_date, of_at).unwrap();
            let after = [None, on_date, at_moment].map(|before| change.apply(before));
            assert_eq!(after, [from_none, from_date, from_at], "{change:?}");
        }
        assert!(DueChange::default().is_keep());
        assert_eq!(DueChange::to(Due::On(date())), DueChange::of_members(Set(date()), Keep).unwrap());
    }

    #[test]
    fn a_body_that_sets_both_is_refused() {
        assert_eq!(DueChange::of_members(Change::Set(date()), Change::Set(at())), Err(BothDues));
    }
}
