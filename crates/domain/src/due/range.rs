use chrono::{DateTime, Utc};

use super::{Due, date::DueDate};
use crate::zone::ZoneName;

/// The days from one to another, both included, as a reader in a zone has them (`docs/api.md`, "Finding"). Without a first or
/// a last day it goes on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DayRange {
    from: Option<DueDate>,
    to: Option<DueDate>,
    start: Option<DateTime<Utc>>,
    end: Option<DateTime<Utc>>,
}

/// A range whose first day is after its last one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("must not be after `due_to`")]
pub struct InvalidDayRange;

impl DayRange {
    /// The range of those days in that zone.
    pub fn new(from: Option<DueDate>, to: Option<DueDate>, zone: &ZoneName) -> Result<Self, InvalidDayRange> {
        if from.zip(to).is_some_and(|(from, to)| from > to) {
            return Err(InvalidDayRange);
        }
        Ok(Self {
            from,
            to,
            start: from.map(|from| zone.first_moment(from.day())),
            // The calendar ends later than the moments that can be due.
            end: to.and_then(|to| to.day().succ_opt()).map(|after| zone.first_moment(after)),
        })
    }

    /// The first and the last day, which are compared with a due day.
    #[must_use]
    pub fn days(&self) -> (Option<DueDate>, Option<DueDate>) {
        (self.from, self.to)
    }

    /// The first moment, and the first one that is too late, which are compared with a due moment.
    #[must_use]
    pub fn moments(&self) -> (Option<DateTime<Utc>>, Option<DateTime<Utc>>) {
        (self.start, self.end)
    }

    /// Whether `due` is in it.
    #[must_use]
    pub fn contains(&self, due: Due) -> bool {
        match due {
            Due::On(date) => self.from.is_none_or(|from| from <= date) && self.to.is_none_or(|to| date <= to),
            Due::At(at) => {
                self.start.is_none_or(|start| start <= at.moment())
                    && self.end.is_none_or(|end| at.moment() < end)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::due::moment::DueAt;

    fn date(text: &str) -> DueDate {
        DueDate::parse(text).unwrap()
    }

    fn range(from: &str, to: &str, zone: &str) -> DayRange {
        DayRange::new(Some(date(from)), Some(date(to)), &ZoneName::parse(zone).unwrap()).unwrap()
    }

    fn at(text: &str) -> Due {
        Due::At(DueAt::parse(text).unwrap())
    }

    #[test]
    fn a_day_of_the_reader_has_as_many_hours_as_it_has_in_the_zone() {
        for (zone, day, first, last) in [
            ("Pacific/Kiritimati", "2026-01-01", "2025-12-31T10:00:00Z", "2026-01-01T09:59:59.999999Z"),
            ("Pacific/Pago_Pago", "2026-01-01", "2026-01-01T11:00:00Z", "2026-01-02T10:59:59.999999Z"),
            ("Europe/Berlin", "2026-03-29", "2026-03-28T23:00:00Z", "2026-03-29T21:59:59.999999Z"),
            ("Europe/Berlin", "2026-10-25", "2026-10-24T22:00:00Z", "2026-10-25T22:59:59.999999Z"),
            ("America/Havana", "2026-03-08", "2026-03-08T05:00:00Z", "2026-03-09T03:59:59.999999Z"),
            ("Pacific/Apia", "2011-12-29", "2011-12-29T10:00:00Z", "2011-12-30T09:59:59.999999Z"),
        ] {
            let range = range(day, day, zone);
            let micro = chrono::TimeDelta::microseconds(1);
            let (before, after) = (
                Due::At(DueAt::new(first.parse::<DateTime<Utc>>().unwrap() - micro).unwrap()),
                Due::At(DueAt::new(last.parse::<DateTime<Utc>>().unwrap() + micro).unwrap()),
            );
            let found = [before, at(first), at(last), after].map(|due| range.contains(due));
            assert_eq!(found, [false, true, true, false], "{zone} {day}");
        }
    }

    #[test]
    fn a_day_that_the_zone_left_out_has_no_moments_but_is_itself_a_day() {
        let range = range("2011-12-30", "2011-12-30", "Pacific/Apia");
        let (start, end) = range.moments();
        assert_eq!(start, end);
        assert!(range.contains(Due::On(date("2011-12-30"))));
    }

    #[test]
    fn a_due_day_is_compared_as_a_day_in_every_zone() {
        for zone in ["Pacific/Kiritimati", "Pacific/Pago_Pago"] {
            let range = range("2026-01-01", "2026-01-02", zone);
            let found = ["2025-12-31", "2026-01-01", "2026-01-02", "2026-01-03"]
                .map(|day| range.contains(Due::On(date(day))));
            assert_eq!(found, [false, true, true, false]);
        }
    }

    #[test]
    fn a_range_is_open_without_a_day_and_refused_if_it_is_turned_round() {
        let utc = ZoneName::utc();
        let all = DayRange::new(None, None, &utc).unwrap();
        assert!(all.contains(at("9999-12-30T23:59:59.999999Z")) && all.contains(Due::On(date("1900-01-01"))));
        let last =
            DayRange::new(None, Some(date("9999-12-31")), &ZoneName::parse("Pacific/Pago_Pago").unwrap())
                .unwrap();
        assert!(last.contains(at("9999-12-30T23:59:59.999999Z")));
        let turned_round = DayRange::new(Some(date("2026-01-02")), Some(date("2026-01-01")), &utc);
        assert_eq!(turned_round, Err(InvalidDayRange));
    }

    proptest! {
        #[test]
        fn each_moment_is_in_exactly_one_of_two_neighbouring_ranges(
            seconds in -2_208_902_400_i64..=4_102_444_800, days in -2..3_i64,
            zone in prop_oneof!["America/Havana", "Pacific/Apia", "Australia/Lord_Howe", "America/Scoresbysund", "Asia/Beirut"],
        ) {
            let zone = ZoneName::parse(&zone).unwrap();
            let moment = DateTime::from_timestamp(seconds, 0).unwrap();
            let last = zone.day(moment) + chrono::TimeDelta::days(days);
            if let (Ok(last), Ok(next)) = (DueDate::new(last), DueDate::new(last.succ_opt().unwrap())) {
                let before = DayRange::new(None, Some(last), &zone).unwrap();
                let after = DayRange::new(Some(next), None, &zone).unwrap();
                let due = Due::At(DueAt::new(moment).unwrap());
                prop_assert!(before.contains(due) != after.contains(due));
            }
        }
    }
}
