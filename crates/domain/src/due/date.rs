use std::fmt;

use chrono::{Datelike, NaiveDate};

use crate::digits::take;

/// A day of the calendar from 1900-01-01 to 9999-12-31 (`docs/api.md`, "More members"). It belongs to no time zone, so none
/// moves it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct DueDate(NaiveDate);

/// A text or a day that is no [`DueDate`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidDueDate {
    /// It does not have the form.
    #[error("must be a day in the form YYYY-MM-DD")]
    Form,
    /// The calendar has no such day.
    #[error("is not a day of the calendar")]
    NoSuchDay,
    /// It is too early or too late.
    #[error("must be from 1900-01-01 to 9999-12-31")]
    Range,
}

impl DueDate {
    /// The years that its day may be in.
    pub(crate) const YEARS: std::ops::RangeInclusive<i32> = 1900..=9999;

    /// Takes a day of the range.
    pub fn new(day: NaiveDate) -> Result<Self, InvalidDueDate> {
        if Self::YEARS.contains(&day.year()) { Ok(Self(day)) } else { Err(InvalidDueDate::Range) }
    }

    /// Takes a day in the form `YYYY-MM-DD`, with all of its digits.
    pub fn parse(text: &str) -> Result<Self, InvalidDueDate> {
        let mut rest = text;
        let day = take_day(&mut rest).filter(|_| rest.is_empty()).ok_or(InvalidDueDate::Form)?;
        let (year, month, day) = day;
        Self::new(NaiveDate::from_ymd_opt(year, month, day).ok_or(InvalidDueDate::NoSuchDay)?)
    }

    /// The day.
    #[must_use]
    pub fn day(self) -> NaiveDate {
        self.0
    }
}

impl fmt::Display for DueDate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0)
    }
}

/// Takes year, month and day from the beginning of `text`, whether or not there is such a day.
pub(super) fn take_day(text: &mut &str) -> Option<(i32, u32, u32)> {
    let year = take(text, 4)?;
    *text = text.strip_prefix('-')?;
    let month = take(text, 2)?;
    *text = text.strip_prefix('-')?;
    Some((i32::try_from(year).ok()?, month, take(text, 2)?))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_day_is_written_in_ten_characters() {
        for text in ["1900-01-01", "2000-02-29", "2026-11-29", "9999-12-31"] {
            assert_eq!(DueDate::parse(text).unwrap().to_string(), text);
        }
        for text in [
            "",
            "2026-1-1",
            "26-01-01",
            "20260101",
            "2026-01-01T00:00:00Z",
            " 2026-01-01",
            "2026-01-01 ",
            "+2026-01-01",
            "-2026-01-01",
            "12026-01-01",
            "2026/01/01",
            "2026-01-+1",
            "٢٠٢٦-01-01",
            "2026-001",
            "2026-W01-1",
            "tomorrow",
        ] {
            assert_eq!(DueDate::parse(text), Err(InvalidDueDate::Form), "{text:?}");
        }
    }

    #[test]
    fn a_day_is_one_of_the_calendar() {
        for text in
            ["2026-02-29", "2100-02-29", "1900-02-29", "2026-04-31", "2026-13-01", "2026-00-10", "2026-01-00"]
        {
            assert_eq!(DueDate::parse(text), Err(InvalidDueDate::NoSuchDay), "{text:?}");
        }
    }

    #[test]
    fn a_day_is_in_the_range() {
        for text in ["1899-12-31", "0000-01-01", "0001-01-01"] {
            assert_eq!(DueDate::parse(text), Err(InvalidDueDate::Range), "{text:?}");
        }
        assert_eq!(DueDate::new(NaiveDate::MAX), Err(InvalidDueDate::Range));
        assert_eq!(DueDate::new(NaiveDate::MIN), Err(InvalidDueDate::Range));
    }

    proptest! {
        #[test]
        fn every_day_of_the_range_is_read_as_it_is_written(days in 0..2_958_464_i64) {
            let first = DueDate::parse("1900-01-01").unwrap().day();
            let date = DueDate::new(first + chrono::TimeDelta::days(days));
            if let Ok(date) = date {
                prop_assert_eq!(DueDate::parse(&date.to_string()), Ok(date));
            }
        }

        #[test]
        fn no_text_panics(text in "\\PC{0,14}|[0-9-]{0,12}") {
            if let Ok(date) = DueDate::parse(&text) {
                prop_assert_eq!(date.to_string(), text);
            }
        }
    }
}
