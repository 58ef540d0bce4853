pub(crate) mod change;
pub(crate) mod date;
pub(crate) mod moment;
pub(crate) mod order;
pub(crate) mod range;

use chrono::{DateTime, Utc};

use self::{date::DueDate, moment::DueAt};
use crate::zone::ZoneName;

/// When a task is due: on a day of the calendar, which belongs to no time zone, or at a moment (`docs/api.md`, "More
/// members"). A task may have neither.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Due {
    /// On that day, wherever its reader is.
    On(DueDate),
    /// At that moment.
    At(DueAt),
}

impl Due {
    /// Whether it is over at that moment: a day when a later day has begun in `zone`, a moment when it has come.
    #[must_use]
    pub fn is_overdue(self, zone: &ZoneName, moment: DateTime<Utc>) -> bool {
        match self {
            Self::On(date) => date.day() < zone.day(moment),
            Self::At(at) => at.moment() <= moment,
        }
    }

    /// The moment from which reminders count: of a day, its first one in `zone`.
    #[must_use]
    pub fn first_moment(self, zone: &ZoneName) -> DateTime<Utc> {
        match self {
            Self::On(date) => zone.first_moment(date.day()),
            Self::At(at) => at.moment(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn utc(text: &str) -> DateTime<Utc> {
        text.parse().unwrap()
    }

    #[test]
    fn a_day_is_overdue_when_a_later_day_has_begun_in_the_zone_of_the_reader() {
        let due = Due::On(DueDate::parse("2026-03-29").unwrap());
        for (zone, over) in [
            ("Pacific/Kiritimati", "2026-03-29T10:00:00Z"),
            ("Europe/Berlin", "2026-03-29T22:00:00Z"),
            ("UTC", "2026-03-30T00:00:00Z"),
            ("Pacific/Pago_Pago", "2026-03-30T11:00:00Z"),
        ] {
            let (zone, over) = (ZoneName::parse(zone).unwrap(), utc(over));
            assert!(due.is_overdue(&zone, over), "{zone:?}");
            assert!(!due.is_overdue(&zone, over - chrono::TimeDelta::microseconds(1)), "{zone:?}");
        }
    }

    #[test]
    fn a_day_that_a_zone_left_out_is_overdue_when_the_next_day_begins() {
        let apia = ZoneName::parse("Pacific/Apia").unwrap();
        for day in ["2011-12-29", "2011-12-30"] {
            let due = Due::On(DueDate::parse(day).unwrap());
            assert!(!due.is_overdue(&apia, utc("2011-12-30T09:59:59.999999Z")), "{day}");
            assert!(due.is_overdue(&apia, utc("2011-12-30T10:00:00Z")), "{day}");
        }
    }

    #[test]
    fn a_moment_is_overdue_from_itself_on_in_every_zone() {
        let due = Due::At(DueAt::parse("2026-01-01T00:00:00Z").unwrap());
        for zone in ["UTC", "Pacific/Kiritimati", "Pacific/Pago_Pago"] {
            let zone = ZoneName::parse(zone).unwrap();
            assert!(!due.is_overdue(&zone, utc("2025-12-31T23:59:59.999999Z")));
            assert!(due.is_overdue(&zone, utc("2026-01-01T00:00:00Z")));
        }
    }

    #[test]
    fn reminders_count_from_the_moment_or_from_the_first_moment_of_the_day() {
        let at = Due::At(DueAt::parse("2026-01-01T09:00:00Z").unwrap());
        let on = Due::On(DueDate::parse("2026-03-08").unwrap());
        let havana = ZoneName::parse("America/Havana").unwrap();
        assert_eq!(at.first_moment(&havana), utc("2026-01-01T09:00:00Z"));
        assert_eq!(on.first_moment(&havana), utc("2026-03-08T05:00:00Z"));
        assert_eq!(on.first_moment(&ZoneName::utc()), utc("2026-03-08T00:00:00Z"));
    }
}
