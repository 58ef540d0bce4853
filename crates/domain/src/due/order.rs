use chrono::{NaiveTime, TimeDelta};

use super::Due;
use crate::zone::ZoneName;

/// Where a task with a due stands in the order by due: by local day and time, a day after every time of that day and before
/// every time of the next (`docs/api.md`, "Finding").
///
/// Microseconds leave no room between the last time of a day and the first one of the next, so each takes two units: times
/// are even, and days are the odd number before the next midnight.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct DueOrder(i64);

impl DueOrder {
    /// The place of `due` on a task with that `time_zone`.
    #[must_use]
    pub fn of(due: Due, time_zone: &ZoneName) -> Self {
        let micros = |local: chrono::NaiveDateTime| local.and_utc().timestamp_micros() * 2;
        Self(match due {
            Due::At(at) => micros(time_zone.local(at.moment())),
            Due::On(date) => micros(date.day().and_time(NaiveTime::MIN) + TimeDelta::days(1)) - 1,
        })
    }

    /// The place as a number.
    #[must_use]
    pub const fn get(self) -> i64 {
        self.0
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::due::{date::DueDate, moment::DueAt};

    fn on(text: &str) -> DueOrder {
        DueOrder::of(Due::On(DueDate::parse(text).unwrap()), &ZoneName::utc())
    }

    fn at(text: &str, zone: &str) -> DueOrder {
        DueOrder::of(Due::At(DueAt::parse(text).unwrap()), &ZoneName::parse(zone).unwrap())
    }

    #[test]
    fn a_day_is_after_every_time_of_its_day_and_before_every_time_of_the_next() {
        assert!(at("2026-01-31T23:59:59.999999Z", "UTC") < on("2026-01-31"));
        assert!(on("2026-01-31") < at("2026-02-01T00:00:00Z", "UTC"));
        assert!(on("1900-01-01") < on("1900-01-02"));
        assert!(at("9999-12-30T23:59:59.999999Z", "Pacific/Kiritimati") < on("9999-12-31"));
    }

    #[test]
    fn a_moment_stands_by_the_time_that_a_clock_shows_in_the_zone_of_its_task() {
        assert_eq!(at("2026-01-31T09:00:00Z", "UTC"), at("2026-01-30T19:00:00Z", "Pacific/Kiritimati"));
        assert!(at("2026-01-31T11:00:00Z", "Pacific/Pago_Pago") < at("2026-01-31T00:30:00Z", "UTC"));
        // It shows 1:30 twice.
        let (first, second) = ("2026-11-01T05:30:00Z", "2026-11-01T06:30:00Z");
        assert_eq!(at(first, "America/New_York"), at(second, "America/New_York"));
    }

    proptest! {
        #[test]
        fn moments_of_one_zone_without_changes_stand_by_time(one in -2_208_902_400_i64..253_402_214_400, other in -2_208_902_400_i64..253_402_214_400) {
            let at = |seconds| DueAt::new(chrono::DateTime::from_timestamp(seconds, 0).unwrap()).unwrap();
            let order = |seconds| DueOrder::of(Due::At(at(seconds)), &ZoneName::utc());
            prop_assert_eq!(order(one).cmp(&order(other)), one.cmp(&other));
        }

        #[test]
        fn a_day_stands_between_its_times_and_those_of_the_next_day(days in 0..2_958_000_i64, micros in 0..86_400_000_000_i64) {
            let day = DueDate::parse("1900-01-02").unwrap().day() + TimeDelta::days(days);
            let time = |day: chrono::NaiveDate| {
                let local = day.and_time(NaiveTime::MIN) + TimeDelta::microseconds(micros);
                DueOrder::of(Due::At(DueAt::new(local.and_utc()).unwrap()), &ZoneName::utc())
            };
            let place = DueOrder::of(Due::On(DueDate::new(day).unwrap()), &ZoneName::utc());
            prop_assert!(time(day) < place);
            prop_assert!(place < time(day + TimeDelta::days(1)));
        }
    }
}
