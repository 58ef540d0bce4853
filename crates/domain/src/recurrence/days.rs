//! The days of a rule.

use chrono::{Datelike, Days, Months, NaiveDate};

use super::{
    month::{Month, MonthDays},
    rule::{Pattern, Rule},
};

/// The months after which the calendar repeats itself, days of the week included: 400 years.
const CYCLE: i64 = 4800;
/// No month after it has a day that can be due.
const LAST_YEAR: i64 = 9999;

/// What a search for a day came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Found {
    /// The day, or none up to the end of the year 9999.
    pub(crate) day: Option<NaiveDate>,
    /// How many days, weeks or months were looked at: at most a month more than [`CYCLE`].
    pub(crate) looked_at: u32,
}

impl Rule {
    /// The first day of the rule after `after`. Days, weeks, months and years of the interval count from `anchor`, the day of
    /// the due, and `after` is no earlier than that. A rule that names no days has those of the anchor.
    ///
    /// It does not step through what lies between the two. That it ends is not looked at.
    pub(crate) fn day_after(&self, anchor: NaiveDate, after: NaiveDate) -> Found {
        let interval = i64::from(self.interval);
        match &self.pattern {
            Pattern::Daily => {
                let steps = (after - anchor).num_days() / interval + 1;
                Found { day: plus_days(anchor, steps * interval), looked_at: 1 }
            }
            Pattern::Weekly(weekdays) => {
                let monday = monday_of(anchor);
                let steps = monday.map_or(0, |monday| (after - monday).num_days() / 7 / interval);
                // In the week of `after` there may be a later day; the next week has one.
                let days = [steps, steps + 1].into_iter().flat_map(|steps| {
                    let week = monday.and_then(|monday| plus_days(monday, steps * interval * 7));
                    (0..7).filter_map(move |day| plus_days(week?, day))
                });
                let is_named = |day: &NaiveDate| match weekdays {
                    Some(weekdays) => weekdays.contains(day.weekday()),
                    None => day.weekday() == anchor.weekday(),
                };
                Found { day: { days }.find(|day| *day > after && is_named(day)), looked_at: 2 }
            }
            Pattern::Monthly(Some(days)) => months(days, index(anchor), interval, after),
            Pattern::Yearly(Some((month, days))) => {
                let january = index(anchor) - i64::from(anchor.month0());
                months(days, january + i64::from(*month) - 1, interval * 12, after)
            }
            Pattern::Monthly(None) | Pattern::Yearly(None) => {
                self.naming_days_of(anchor).day_after(anchor, after)
            }
        }
    }
}

impl Rule {
    /// The day one interval after `day`: if its month lacks it, the last one of that month. Which days the rule names is not
    /// looked at.
    pub(crate) fn interval_after(&self, day: NaiveDate) -> Option<NaiveDate> {
        let interval = u32::from(self.interval);
        match self.pattern {
            Pattern::Daily => plus_days(day, interval.into()),
            Pattern::Weekly(_) => plus_days(day, i64::from(interval) * 7),
            Pattern::Monthly(_) => day.checked_add_months(Months::new(interval)),
            Pattern::Yearly(_) => day.checked_add_months(Months::new(interval * 12)),
        }
    }
}

/// The first of the named days after `after` in every `step`-th month from the one of that index.
fn months(days: &MonthDays, first: i64, step: i64, after: NaiveDate) -> Found {
    let (this, mut looked_at) = (index(after), 0);
    let mut month = first + (this - first).max(0) / step * step;
    // What has not come within a cycle never comes: the months of the cycle after it are the same ones.
    let last = (month + CYCLE * step / greatest_common_divisor(CYCLE, step)).min(LAST_YEAR * 12 + 11);
    while month <= last {
        looked_at += 1;
        let Some(first_day) = first_day(month) else { break };
        let mut found = days.in_month(Month::of(first_day));
        if month < this {
            found = 0;
        } else if month == this {
            found &= u32::MAX << after.day();
        }
        if found != 0 {
            return Found { day: plus_days(first_day, found.trailing_zeros().into()), looked_at };
        }
        month += step;
    }
    Found { day: None, looked_at }
}

/// The month of that day, counted from January of the year 0.
fn index(day: NaiveDate) -> i64 {
    i64::from(day.year()) * 12 + i64::from(day.month0())
}

fn first_day(month: i64) -> Option<NaiveDate> {
    let year = i32::try_from(month.div_euclid(12)).ok()?;
    NaiveDate::from_ymd_opt(year, u32::try_from(month.rem_euclid(12)).ok()? + 1, 1)
}

fn monday_of(day: NaiveDate) -> Option<NaiveDate> {
    day.checked_sub_days(Days::new(day.weekday().num_days_from_monday().into()))
}

fn plus_days(day: NaiveDate, days: i64) -> Option<NaiveDate> {
    day.checked_add_days(Days::new(u64::try_from(days).ok()?))
}

fn greatest_common_divisor(one: i64, other: i64) -> i64 {
    if other == 0 { one } else { greatest_common_divisor(other, one % other) }
}

#[cfg(test)]
mod tests {
    use std::iter;

    use chrono::TimeDelta;
    use proptest::prelude::*;

    use super::*;
    use crate::recurrence::samples::rules;

    fn day(text: &str) -> NaiveDate {
        text.parse().unwrap()
    }

    /// The days of the rule after that due, up to a number of them.
    fn days(rule: &str, due: &str, count: usize) -> Vec<String> {
        let (rule, due) = (Rule::parse(rule).unwrap(), day(due));
        let days = iter::successors(Some(due), |before| rule.day_after(due, *before).day);
        days.skip(1).take(count).map(|day| day.to_string()).collect()
    }

    #[test]
    fn the_days_of_months_that_are_too_short() {
        for (rule, due, expected) in [
            ("FREQ=MONTHLY", "2026-01-31", ["2026-02-28", "2026-03-31", "2026-04-30", "2026-05-31"]),
            ("FREQ=MONTHLY", "2024-01-31", ["2024-02-29", "2024-03-31", "2024-04-30", "2024-05-31"]),
            ("FREQ=MONTHLY", "2026-01-30", ["2026-02-28", "2026-03-30", "2026-04-30", "2026-05-30"]),
            ("FREQ=MONTHLY", "2100-01-29", ["2100-02-28", "2100-03-29", "2100-04-29", "2100-05-29"]),
            (
                "FREQ=MONTHLY;BYMONTHDAY=31",
                "2026-01-31",
                ["2026-03-31", "2026-05-31", "2026-07-31", "2026-08-31"],
            ),
            (
                "FREQ=MONTHLY;BYMONTHDAY=-1",
                "2026-01-10",
                ["2026-01-31", "2026-02-28", "2026-03-31", "2026-04-30"],
            ),
            ("FREQ=YEARLY", "2096-02-29", ["2097-02-28", "2098-02-28", "2099-02-28", "2100-02-28"]),
            (
                "FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=29",
                "2092-02-29",
                ["2096-02-29", "2104-02-29", "2108-02-29", "2112-02-29"],
            ),
            (
                "FREQ=YEARLY;INTERVAL=100;BYMONTH=2;BYMONTHDAY=29",
                "2000-02-29",
                ["2400-02-29", "2800-02-29", "3200-02-29", "3600-02-29"],
            ),
        ] {
            assert_eq!(days(rule, due, 4), expected, "{rule}");
        }
    }

    #[test]
    fn weeks_begin_on_monday_and_count_from_that_of_the_due() {
        for (rule, due, expected) in [
            // The example of RFC 5545, section 3.3.10.
            ("FREQ=WEEKLY;INTERVAL=2;BYDAY=TU,SU", "1997-08-05", ["1997-08-10", "1997-08-19", "1997-08-24"]),
            ("FREQ=WEEKLY;INTERVAL=2;BYDAY=MO", "2026-11-29", ["2026-12-07", "2026-12-21", "2027-01-04"]),
            ("FREQ=WEEKLY;BYDAY=MO,FR", "2026-12-28", ["2027-01-01", "2027-01-04", "2027-01-08"]),
            ("FREQ=WEEKLY", "2026-11-29", ["2026-12-06", "2026-12-13", "2026-12-20"]),
        ] {
            assert_eq!(days(rule, due, 3), expected, "{rule}");
        }
    }

    #[test]
    fn the_examples_of_the_standard_come_out() {
        for (rule, due, expected) in [
            ("FREQ=DAILY;INTERVAL=10", "1997-09-02", ["1997-09-12", "1997-09-22", "1997-10-02"]),
            ("FREQ=MONTHLY;BYDAY=1FR", "1997-09-05", ["1997-10-03", "1997-11-07", "1997-12-05"]),
            (
                "FREQ=MONTHLY;INTERVAL=2;BYDAY=1SU,-1SU",
                "1997-09-07",
                ["1997-09-28", "1997-11-02", "1997-11-30"],
            ),
            ("FREQ=MONTHLY;BYMONTHDAY=-3", "1997-09-28", ["1997-10-29", "1997-11-28", "1997-12-29"]),
            (
                "FREQ=MONTHLY;BYDAY=MO,TU,WE,TH,FR;BYSETPOS=-2",
                "1997-09-29",
                ["1997-10-30", "1997-11-27", "1997-12-30"],
            ),
            (
                "FREQ=MONTHLY;INTERVAL=18;BYMONTHDAY=10,11,12,13,14,15",
                "1997-09-15",
                ["1999-03-10", "1999-03-11", "1999-03-12"],
            ),
            ("FREQ=YEARLY;BYMONTH=3;BYDAY=TH", "1997-03-13", ["1997-03-20", "1997-03-27", "1998-03-05"]),
        ] {
            assert_eq!(days(rule, due, 3), expected, "{rule}");
        }
    }

    #[test]
    fn a_rule_may_have_no_day_after_the_due_at_hand() {
        for (rule, due) in [
            ("FREQ=MONTHLY;INTERVAL=12;BYMONTHDAY=30", "2026-02-01"),
            ("FREQ=YEARLY;INTERVAL=4;BYMONTH=2;BYMONTHDAY=29", "2025-01-01"),
            ("FREQ=YEARLY;INTERVAL=998;BYMONTH=2;BYMONTHDAY=29", "2025-01-01"),
            ("FREQ=YEARLY", "9999-12-31"),
            ("FREQ=MONTHLY", "9999-12-31"),
        ] {
            let (rule, due) = (Rule::parse(rule).unwrap(), day(due));
            let Found { day, looked_at } = rule.day_after(due, due);
            assert!(day.is_none() && i64::from(looked_at) <= CYCLE + 1, "{rule}: {day:?} after {looked_at}");
        }
    }

    #[test]
    fn days_beyond_the_calendar_are_none_and_no_panic() {
        for rule in [
            "FREQ=DAILY;INTERVAL=999",
            "FREQ=WEEKLY;INTERVAL=999;BYDAY=MO",
            "FREQ=MONTHLY;BYMONTHDAY=1",
            "FREQ=YEARLY",
        ] {
            let rule = Rule::parse(rule).unwrap();
            assert_eq!(rule.day_after(NaiveDate::MAX, NaiveDate::MAX).day, None, "{rule}");
            assert_eq!(rule.day_after(day("1900-01-01"), NaiveDate::MAX).day, None, "{rule}");
        }
    }

    /// Whether that day is one of the rule, said for each day by itself.
    fn is_day_of(rule: &Rule, anchor: NaiveDate, day: NaiveDate) -> bool {
        let interval = i64::from(rule.interval);
        let in_month =
            |days: &MonthDays| days.in_month(Month::of(day.with_day(1).unwrap())) & (1 << day.day0()) != 0;
        let weeks = || (monday_of(day).unwrap() - monday_of(anchor).unwrap()).num_days() / 7;
        match rule.naming_days_of(anchor).pattern {
            Pattern::Daily => (day - anchor).num_days() % interval == 0,
            Pattern::Weekly(days) => weeks() % interval == 0 && days.unwrap().contains(day.weekday()),
            Pattern::Monthly(days) => {
                (index(day) - index(anchor)) % interval == 0 && in_month(&days.unwrap())
            }
            Pattern::Yearly(days) => {
                let (month, days) = days.unwrap();
                i64::from(day.year() - anchor.year()) % interval == 0
                    && day.month() == month
                    && in_month(&days)
            }
        }
    }

    proptest! {
        #[test]
        fn the_day_is_the_first_one_that_is_a_day_of_the_rule(rule in rules(), anchor in 0..73_000_i64, later in 0..2000_i64) {
            let anchor = day("1900-01-01") + TimeDelta::days(anchor);
            let after = anchor + TimeDelta::days(later);
            let Found { day: found, looked_at } = rule.day_after(anchor, after);
            prop_assert!(i64::from(looked_at) <= CYCLE + 1);
            // One by one, but not for as long as the rule may take.
            let end = found.unwrap_or(NaiveDate::MAX).min(after + TimeDelta::days(2000));
            for day in after.iter_days().skip(1).take_while(|day| *day < end) {
                prop_assert!(!is_day_of(&rule, anchor, day), "{} from {} has {}", rule, anchor, day);
            }
            if let Some(found) = found {
                prop_assert!(found > after && is_day_of(&rule, anchor, found), "{} from {} has not {}", rule, anchor, found);
            }
        }
    }
}
