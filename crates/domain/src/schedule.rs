//! When a task is due, and when it comes again.

pub(crate) mod changes;
pub(crate) mod next;
pub(crate) mod succession;

use std::borrow::Cow;

use chrono::NaiveDateTime;

use crate::{due::Due, recurrence::Recurrence, zone::ZoneName};

/// The members of a task that depend on each other: its due, its time zone and its recurrence (`docs/api.md`, "More
/// members").
///
/// A schedule that recurs has a due, and one that counts from completion has a rule that names no days.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Schedule {
    pub(crate) due: Option<Due>,
    pub(crate) time_zone: Option<ZoneName>,
    pub(crate) recurrence: Option<Recurrence>,
    /// What the clock was meant to show at a `due_at`, if it shows another time.
    pub(crate) intended: Option<NaiveDateTime>,
}

/// What a [`Schedule`] is made of, as it is stored.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ScheduleParts {
    /// The due.
    pub due: Option<Due>,
    /// The zone in which the times of the task are meant.
    pub time_zone: Option<ZoneName>,
    /// How it comes again.
    pub recurrence: Option<Recurrence>,
    /// The local time that was meant by a `due_at`, if the clock was put forward over it on that day.
    pub intended: Option<NaiveDateTime>,
}

impl Schedule {
    /// The due.
    #[must_use]
    pub fn due(&self) -> Option<Due> {
        self.due
    }

    /// The zone in which the times of the task are meant.
    #[must_use]
    pub fn time_zone(&self) -> Option<&ZoneName> {
        self.time_zone.as_ref()
    }

    /// How it comes again.
    #[must_use]
    pub fn recurrence(&self) -> Option<&Recurrence> {
        self.recurrence.as_ref()
    }

    /// The local time that was meant by a `due_at`, if the clock was put forward over it on that day. The next occurrence
    /// goes by it.
    #[must_use]
    pub fn intended(&self) -> Option<NaiveDateTime> {
        self.intended
    }

    /// The zone in which the times of the task are meant; UTC if it names none.
    #[must_use]
    pub fn zone(&self) -> Cow<'_, ZoneName> {
        self.time_zone.as_ref().map_or_else(|| Cow::Owned(ZoneName::utc()), Cow::Borrowed)
    }

    /// Its parts, to be stored.
    #[must_use]
    pub fn into_parts(self) -> ScheduleParts {
        let Self { due, time_zone, recurrence, intended } = self;
        ScheduleParts { due, time_zone, recurrence, intended }
    }
}
