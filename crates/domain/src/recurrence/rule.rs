use std::fmt;

use chrono::NaiveDate;

use super::{
    month::{By, MonthDays},
    weekdays::Weekdays,
};

/// A rule by which a task comes again: an RRULE of a subset of RFC 5545 (`docs/api.md`, "Recurrence").
///
/// [`Display`](fmt::Display) writes it in the one form in which it is answered and stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rule {
    pub(super) pattern: Pattern,
    /// Every how many days, weeks, months or years: 1 to [`Rule::MAX_INTERVAL`].
    pub(super) interval: u16,
    pub(super) end: End,
}

/// Which days come again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Pattern {
    /// Days.
    Daily,
    /// Days of weeks; without them, that of the due.
    Weekly(Option<Weekdays>),
    /// Days of months; without them, that of the due.
    Monthly(Option<MonthDays>),
    /// Days of one month of years, 1 to 12; without them, those of the due.
    Yearly(Option<(u32, MonthDays)>),
}

/// Where the rule ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum End {
    Never,
    /// After so many occurrences, the task at hand included: 1 to [`Rule::MAX_COUNT`].
    Count(u16),
    /// With that day, if it is one.
    Until(NaiveDate),
}

impl Rule {
    /// The greatest length of a rule as it is sent, in characters.
    pub const MAX_CHARS: usize = 200;
    /// The greatest `INTERVAL`.
    pub const MAX_INTERVAL: u16 = 999;
    /// The greatest `COUNT`.
    pub const MAX_COUNT: u16 = 999;

    /// Whether it has BY parts: `BYMONTH`, `BYMONTHDAY`, `BYDAY` or `BYSETPOS`.
    #[must_use]
    pub fn names_days(&self) -> bool {
        match &self.pattern {
            Pattern::Daily => false,
            Pattern::Weekly(days) => days.is_some(),
            Pattern::Monthly(days) => days.is_some(),
            Pattern::Yearly(days) => days.is_some(),
        }
    }

    /// How many occurrences are left, the task at hand included; `None` without `COUNT`.
    #[must_use]
    pub fn count(&self) -> Option<u16> {
        if let End::Count(count) = self.end { Some(count) } else { None }
    }

    /// The last day that may be one; `None` without `UNTIL`.
    #[must_use]
    pub fn until(&self) -> Option<NaiveDate> {
        if let End::Until(day) = self.end { Some(day) } else { None }
    }

    /// The rule with so many occurrences left.
    pub(crate) fn with_count(&self, count: u16) -> Self {
        Self { end: End::Count(count), ..self.clone() }
    }
}

impl fmt::Display for Rule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.pattern {
            Pattern::Daily => "FREQ=DAILY",
            Pattern::Weekly(_) => "FREQ=WEEKLY",
            Pattern::Monthly(_) => "FREQ=MONTHLY",
            Pattern::Yearly(_) => "FREQ=YEARLY",
        })?;
        if self.interval != 1 {
            write!(f, ";INTERVAL={}", self.interval)?;
        }
        match &self.pattern {
            Pattern::Weekly(Some(days)) => write_list(f, "BYDAY", days.iter().map(Weekdays::name))?,
            Pattern::Monthly(Some(days)) => write_days(f, days)?,
            Pattern::Yearly(Some((month, days))) => {
                write!(f, ";BYMONTH={month}")?;
                write_days(f, days)?;
            }
            Pattern::Daily | Pattern::Weekly(None) | Pattern::Monthly(None) | Pattern::Yearly(None) => {}
        }
        match self.end {
            End::Never => Ok(()),
            End::Count(count) => write!(f, ";COUNT={count}"),
            End::Until(day) => write!(f, ";UNTIL={}", day.format("%Y%m%d")),
        }
    }
}

fn write_days(f: &mut fmt::Formatter<'_>, days: &MonthDays) -> fmt::Result {
    match &days.by {
        By::Number(numbers) => write_list(f, "BYMONTHDAY", numbers.iter())?,
        By::Weekday(weekdays) => write_list(f, "BYDAY", weekdays.iter().map(Weekdays::name))?,
        By::Nth(nth) => {
            write_list(f, "BYDAY", nth.iter().map(|(n, day)| format!("{n}{}", Weekdays::name(*day))))?;
        }
    }
    days.position.map_or(Ok(()), |position| write!(f, ";BYSETPOS={position}"))
}

fn write_list<T: fmt::Display>(
    f: &mut fmt::Formatter<'_>,
    name: &str,
    values: impl Iterator<Item = T>,
) -> fmt::Result {
    write!(f, ";{name}")?;
    for (index, value) in values.enumerate() {
        write!(f, "{}{value}", if index == 0 { '=' } else { ',' })?;
    }
    Ok(())
}
