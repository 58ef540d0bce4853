//! Rules that name no day get that of the due.

use chrono::{Datelike, NaiveDate};

use super::{
    month::{By, MonthDays},
    rule::{Pattern, Rule},
};

impl Rule {
    /// The rule with the day of the due, if it names none itself (`docs/api.md`, "Recurrence").
    ///
    /// Months that lack the day have their last one instead. A rule by the day alone would leave them out (RFC 5545, section
    /// 3.3.10), and one that moved the due would never come back to the day.
    #[must_use]
    pub fn naming_days_of(&self, due: NaiveDate) -> Self {
        let pattern = match &self.pattern {
            Pattern::Weekly(None) => Pattern::Weekly(Some([due.weekday()].into_iter().collect())),
            Pattern::Monthly(None) => Pattern::Monthly(Some(day_or_last(due.day()))),
            Pattern::Yearly(None) => {
                // The one day that its month lacks in other years.
                let is_leap_day = (due.month(), due.day()) == (2, 29);
                let days = if is_leap_day { day_or_last(29) } else { exactly(due.day()) };
                Pattern::Yearly(Some((due.month(), days)))
            }
            Pattern::Daily | Pattern::Weekly(_) | Pattern::Monthly(_) | Pattern::Yearly(_) => {
                return self.clone();
            }
        };
        Self { pattern, ..self.clone() }
    }
}

/// That day of a month, or the last one of a shorter month.
fn day_or_last(day: u32) -> MonthDays {
    if day <= 28 {
        return exactly(day);
    }
    let days = (28..=day).filter_map(|day| i8::try_from(day).ok()).collect();
    MonthDays { by: By::Number(days), position: Some(-1) }
}

fn exactly(day: u32) -> MonthDays {
    MonthDays { by: By::Number(i8::try_from(day).into_iter().collect()), position: None }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rule_that_names_no_day_gets_that_of_the_due() {
        for (rule, due, named) in [
            ("FREQ=DAILY;INTERVAL=2", "2026-01-31", "FREQ=DAILY;INTERVAL=2"),
            ("FREQ=WEEKLY", "2026-11-29", "FREQ=WEEKLY;BYDAY=SU"),
            ("FREQ=MONTHLY", "2026-02-28", "FREQ=MONTHLY;BYMONTHDAY=28"),
            ("FREQ=MONTHLY", "2026-01-29", "FREQ=MONTHLY;BYMONTHDAY=28,29;BYSETPOS=-1"),
            ("FREQ=MONTHLY;COUNT=3", "2026-01-30", "FREQ=MONTHLY;BYMONTHDAY=28,29,30;BYSETPOS=-1;COUNT=3"),
            (
                "FREQ=MONTHLY;INTERVAL=3",
                "2026-01-31",
                "FREQ=MONTHLY;INTERVAL=3;BYMONTHDAY=28,29,30,31;BYSETPOS=-1",
            ),
            ("FREQ=YEARLY", "2026-02-28", "FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=28"),
            ("FREQ=YEARLY", "2024-02-29", "FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=28,29;BYSETPOS=-1"),
            (
                "FREQ=YEARLY;UNTIL=20300101",
                "2026-12-31",
                "FREQ=YEARLY;BYMONTH=12;BYMONTHDAY=31;UNTIL=20300101",
            ),
            ("FREQ=YEARLY;BYMONTH=5;BYDAY=MO", "2026-12-31", "FREQ=YEARLY;BYMONTH=5;BYDAY=MO"),
            ("FREQ=WEEKLY;BYDAY=MO", "2026-11-29", "FREQ=WEEKLY;BYDAY=MO"),
        ] {
            let rule = Rule::parse(rule).unwrap().naming_days_of(due.parse().unwrap());
            assert_eq!(rule.to_string(), named);
            assert_eq!(rule.naming_days_of("2000-02-29".parse().unwrap()), rule, "a second time");
        }
    }
}
