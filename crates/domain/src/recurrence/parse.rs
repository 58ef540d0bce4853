//! Reads rules.

use chrono::{NaiveDate, Weekday};

use super::{
    month::{By, MonthDays},
    rule::{End, Pattern, Rule},
    weekdays::Weekdays,
};
use crate::{digits::number, due::date::DueDate, task::text::char_count};

/// Why a text is not a rule.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidRule {
    /// It is longer than it may be.
    #[error("must be at most {max} characters long; it has {actual}")]
    TooLong {
        /// How many characters it may have.
        max: usize,
        /// How many characters it has.
        actual: usize,
    },
    /// It is not made of parts.
    #[error("must be parts such as FREQ=WEEKLY, joined by semicolons")]
    Form,
    /// It has a part of another name.
    #[error(
        "may have the parts FREQ, INTERVAL, BYMONTH, BYMONTHDAY, BYDAY, BYSETPOS, COUNT, UNTIL and WKST only"
    )]
    UnknownPart,
    /// It has a part twice.
    #[error("must have {0} at most once")]
    Repeated(&'static str),
    /// It does not say how often.
    #[error("must have FREQ")]
    NoFrequency,
    /// A part has a value that is not allowed.
    #[error("{part} must be {allowed}")]
    Value {
        /// The name of the part.
        part: &'static str,
        /// What is allowed.
        allowed: &'static str,
    },
    /// A part stands beside others that it does not go with.
    #[error("{part} is allowed {place} only")]
    Misplaced {
        /// The name of the part.
        part: &'static str,
        /// Where it is allowed.
        place: &'static str,
    },
    /// It has two parts of which one excludes the other.
    #[error("must not have both {0} and {1}")]
    Both(&'static str, &'static str),
    /// No year has such a day.
    #[error("has no day in any year")]
    NoDay,
}

/// The parts of a rule, in the order in which they are written, and the one that is dropped.
const PARTS: [&str; 9] =
    ["FREQ", "INTERVAL", "BYMONTH", "BYMONTHDAY", "BYDAY", "BYSETPOS", "COUNT", "UNTIL", "WKST"];

impl Rule {
    /// Takes the value of an RRULE, with parts and letters in any case and order.
    pub fn parse(text: &str) -> Result<Self, InvalidRule> {
        match char_count(text) {
            actual if actual > Self::MAX_CHARS => {
                return Err(InvalidRule::TooLong { max: Self::MAX_CHARS, actual });
            }
            _ => {}
        }
        let text = text.to_ascii_uppercase();
        let [freq, interval, month, numbers, weekdays, position, count, until, week] = parts(&text)?;
        let days =
            DayParts { month: month.map(month_of).transpose()?, days: days(numbers, weekdays, position)? };
        let rule = Self {
            pattern: pattern(freq.ok_or(InvalidRule::NoFrequency)?, days)?,
            interval: interval
                .map_or(Ok(1), |text| up_to(text, Self::MAX_INTERVAL, "INTERVAL", "1 to 999"))?,
            end: end(count, until)?,
        };
        if week.is_some_and(|day| day != "MO") {
            return Err(InvalidRule::Value { part: "WKST", allowed: "MO" });
        }
        if rule.has_a_day() { Ok(rule) } else { Err(InvalidRule::NoDay) }
    }

    /// Whether it has a day in any year, whatever the due. Each day of any interval is one of the interval 1.
    fn has_a_day(&self) -> bool {
        let Some(earliest) = NaiveDate::from_ymd_opt(*DueDate::YEARS.start(), 1, 1) else { return true };
        let first = match earliest.pred_opt().filter(|_| self.names_days()) {
            Some(before) => Self { interval: 1, ..self.clone() }.day_after(before, before).day,
            // Its days are those of the due, which may be any.
            None => Some(earliest),
        };
        first.is_some_and(|day| self.until().is_none_or(|until| day <= until))
    }
}

/// The value of each of [`PARTS`].
fn parts(text: &str) -> Result<[Option<&str>; 9], InvalidRule> {
    let mut values = [None; 9];
    for part in text.split(';') {
        let (name, value) = part.split_once('=').ok_or(InvalidRule::Form)?;
        let known = PARTS.iter().zip(&mut values).find(|(known, _)| **known == name);
        let (name, place) = known.ok_or(InvalidRule::UnknownPart)?;
        if place.replace(value).is_some() {
            return Err(InvalidRule::Repeated(name));
        }
    }
    Ok(values)
}

/// What names days.
struct DayParts {
    month: Option<u32>,
    days: Option<MonthDays>,
}

fn pattern(freq: &str, DayParts { month, days }: DayParts) -> Result<Pattern, InvalidRule> {
    let misplaced = |part, place| Err(InvalidRule::Misplaced { part, place });
    let by = |days: &MonthDays| if matches!(days.by, By::Number(_)) { "BYMONTHDAY" } else { "BYDAY" };
    if month.is_some() && freq != "YEARLY" {
        return misplaced("BYMONTH", "with FREQ=YEARLY");
    }
    match (freq, month, days) {
        ("DAILY", _, None) => Ok(Pattern::Daily),
        ("DAILY", _, Some(days)) => misplaced(by(&days), "with other values of FREQ"),
        ("WEEKLY", _, None) => Ok(Pattern::Weekly(None)),
        ("WEEKLY", _, Some(MonthDays { by: By::Weekday(days), position: None })) => {
            Ok(Pattern::Weekly(Some(days)))
        }
        ("WEEKLY", _, Some(MonthDays { by: By::Nth(_), .. })) => {
            misplaced("BYDAY with a number", "with FREQ=MONTHLY and FREQ=YEARLY")
        }
        ("WEEKLY", _, Some(MonthDays { position: Some(_), .. })) => {
            misplaced("BYSETPOS", "with FREQ=MONTHLY and FREQ=YEARLY")
        }
        ("WEEKLY", _, Some(_)) => misplaced("BYMONTHDAY", "with FREQ=MONTHLY and FREQ=YEARLY"),
        ("MONTHLY", _, days) => Ok(Pattern::Monthly(days)),
        ("YEARLY", None, None) => Ok(Pattern::Yearly(None)),
        ("YEARLY", Some(month), Some(days)) => Ok(Pattern::Yearly(Some((month, days)))),
        ("YEARLY", Some(_), None) => misplaced("BYMONTH", "beside BYMONTHDAY or BYDAY"),
        ("YEARLY", None, Some(days)) => misplaced(by(&days), "beside BYMONTH, if FREQ is YEARLY,"),
        _ => Err(InvalidRule::Value { part: "FREQ", allowed: "DAILY, WEEKLY, MONTHLY or YEARLY" }),
    }
}

fn days(
    numbers: Option<&str>,
    weekdays: Option<&str>,
    position: Option<&str>,
) -> Result<Option<MonthDays>, InvalidRule> {
    let by = match (numbers, weekdays) {
        (Some(_), Some(_)) => return Err(InvalidRule::Both("BYMONTHDAY", "BYDAY")),
        (Some(numbers), None) => Some(By::Number(
            numbers.split(',').map(|text| signed(text, 31)).collect::<Option<_>>().ok_or(InvalidRule::Value {
                part: "BYMONTHDAY",
                allowed: "numbers from 1 to 31 or from -1 to -31, joined by commas",
            })?,
        )),
        (None, Some(weekdays)) => Some(by_weekday(weekdays).ok_or(InvalidRule::Value {
            part: "BYDAY",
            allowed: "MO, TU, WE, TH, FR, SA and SU joined by commas, each or none with a number from -5 to 5 before it",
        })?),
        (None, None) => None,
    };
    let Some(position) = position else { return Ok(by.map(|by| MonthDays { by, position: None })) };
    let allowed = "one number from 1 to 31 or from -1 to -31";
    let position = signed(position, 31).ok_or(InvalidRule::Value { part: "BYSETPOS", allowed })?;
    match by {
        Some(by @ (By::Number(_) | By::Weekday(_))) => Ok(Some(MonthDays { by, position: Some(position) })),
        _ => Err(InvalidRule::Misplaced {
            part: "BYSETPOS",
            place: "beside BYMONTHDAY or BYDAY without numbers",
        }),
    }
}

/// Days of the week, all with an ordinal or all without.
fn by_weekday(text: &str) -> Option<By> {
    let days: Vec<(Option<i8>, Weekday)> = text.split(',').map(nth).collect::<Option<_>>()?;
    if days.iter().all(|(n, _)| n.is_none()) {
        return Some(By::Weekday(days.into_iter().map(|(_, day)| day).collect()));
    }
    let mut nth: Vec<_> = days.into_iter().map(|(n, day)| Some((n?, day))).collect::<Option<_>>()?;
    nth.sort_by_key(|(n, day)| (*n, day.num_days_from_monday()));
    nth.dedup();
    Some(By::Nth(nth))
}

/// A day of the week, and the ordinal before it.
fn nth(text: &str) -> Option<(Option<i8>, Weekday)> {
    let (ordinal, day) = text.split_at_checked(text.len().checked_sub(2)?)?;
    let ordinal = if ordinal.is_empty() { None } else { Some(signed(ordinal, 5)?) };
    Some((ordinal, Weekdays::day(day)?))
}

fn month_of(text: &str) -> Result<u32, InvalidRule> {
    up_to(text, 12, "BYMONTH", "one number from 1 to 12").map(u32::from)
}

fn end(count: Option<&str>, until: Option<&str>) -> Result<End, InvalidRule> {
    match (count, until) {
        (None, None) => Ok(End::Never),
        (Some(count), None) => up_to(count, Rule::MAX_COUNT, "COUNT", "1 to 999").map(End::Count),
        (None, Some(until)) => {
            let day = day(until).map(End::Until);
            day.ok_or(InvalidRule::Value {
                part: "UNTIL",
                allowed: "a day of the calendar in the form YYYYMMDD",
            })
        }
        (Some(_), Some(_)) => Err(InvalidRule::Both("COUNT", "UNTIL")),
    }
}

/// A day as `YYYYMMDD`.
fn day(text: &str) -> Option<NaiveDate> {
    let all = number(text).filter(|_| text.len() == 8)?;
    NaiveDate::from_ymd_opt(i32::try_from(all / 10_000).ok()?, all / 100 % 100, all % 100)
}

/// A number from 1 to `max`.
fn up_to(text: &str, max: u16, part: &'static str, allowed: &'static str) -> Result<u16, InvalidRule> {
    let value = positive(text).and_then(|value| u16::try_from(value).ok()).filter(|value| *value <= max);
    value.ok_or(InvalidRule::Value { part, allowed })
}

/// A number from 1 to `max` or from -1 to -`max`.
fn signed(text: &str, max: i8) -> Option<i8> {
    let (is_negative, digits) = text.strip_prefix('-').map_or((false, text), |digits| (true, digits));
    let value = positive(digits).and_then(|value| i8::try_from(value).ok()).filter(|value| *value <= max)?;
    Some(if is_negative { -value } else { value })
}

/// A positive number without a leading zero.
fn positive(text: &str) -> Option<u32> {
    number(text).filter(|_| !text.starts_with('0'))
}

#[cfg(test)]
mod tests;
