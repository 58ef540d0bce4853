use std::ops::RangeInclusive;

use chrono::{DateTime, NaiveDate, TimeDelta, Utc};

use super::date::take_day;
use crate::digits::take;

/// A moment to the microsecond, from 1900-01-02T00:00:00Z to 9999-12-30T23:59:59.999999Z, so that in every zone its day is
/// a [`DueDate`](super::date::DueDate) (`docs/api.md`, "More members").
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct DueAt(DateTime<Utc>);

/// A text or a moment that is no [`DueAt`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidDueAt {
    /// It does not have the form, or names a time that no day has.
    #[error(
        "must be a moment in the form of RFC 3339, such as 2026-01-31T09:00:00Z, with at most six fraction digits"
    )]
    Form,
    /// It is too early or too late.
    #[error("must be from 1900-01-02T00:00:00Z to 9999-12-30T23:59:59.999999Z")]
    Range,
}

impl DueAt {
    /// Microseconds since 1970: its first and its last one.
    const MICROS: RangeInclusive<i64> = -2_208_902_400_000_000..=253_402_214_399_999_999;

    /// Takes a moment of the range, cut down to its microsecond.
    pub fn new(moment: DateTime<Utc>) -> Result<Self, InvalidDueAt> {
        let micros = moment.timestamp_micros();
        let whole = DateTime::from_timestamp_micros(micros).filter(|_| Self::MICROS.contains(&micros));
        whole.map(Self).ok_or(InvalidDueAt::Range)
    }

    /// Takes a moment in the form of RFC 3339: `T` and `Z` in upper case, any offset, at most six fraction digits, and no
    /// second 60.
    pub fn parse(text: &str) -> Result<Self, InvalidDueAt> {
        Self::new(parse(text).ok_or(InvalidDueAt::Form)?)
    }

    /// The moment.
    #[must_use]
    pub fn moment(self) -> DateTime<Utc> {
        self.0
    }
}

/// The text as a moment (RFC 3339, section 5.6).
fn parse(text: &str) -> Option<DateTime<Utc>> {
    let mut rest = text;
    let (year, month, day) = take_day(&mut rest)?;
    rest = rest.strip_prefix('T')?;
    let hour = take(&mut rest, 2)?;
    rest = rest.strip_prefix(':')?;
    let minute = take(&mut rest, 2)?;
    rest = rest.strip_prefix(':')?;
    let second = take(&mut rest, 2)?;
    let micros = take_fraction(&mut rest)?;
    let offset = offset(rest)?;
    let day = NaiveDate::from_ymd_opt(year, month, day)?;
    day.and_hms_micro_opt(hour, minute, second, micros)?.checked_sub_signed(offset).map(|utc| utc.and_utc())
}

/// Takes the fraction of a second, if there is one, and answers its microseconds.
fn take_fraction(text: &mut &str) -> Option<u32> {
    let Some(fraction) = text.strip_prefix('.') else { return Some(0) };
    let length = fraction.bytes().take_while(u8::is_ascii_digit).count();
    if !(1..=6).contains(&length) {
        return None;
    }
    *text = fraction;
    let digits = take(text, length)?;
    (length..6).try_fold(digits, |micros, _| micros.checked_mul(10))
}

/// An offset from UTC: `Z`, or sign, hours and minutes.
fn offset(text: &str) -> Option<TimeDelta> {
    if text == "Z" {
        return Some(TimeDelta::zero());
    }
    let (is_east, mut rest) = match text.strip_prefix('+') {
        Some(rest) => (true, rest),
        None => (false, text.strip_prefix('-')?),
    };
    let hours = take(&mut rest, 2).filter(|hours| *hours < 24)?;
    rest = rest.strip_prefix(':')?;
    let minutes = take(&mut rest, 2).filter(|minutes| *minutes < 60 && rest.is_empty())?;
    let east = TimeDelta::minutes(i64::from(hours * 60 + minutes));
    Some(if is_east { east } else { -east })
}

#[cfg(test)]
mod tests {
    use chrono::SecondsFormat;
    use proptest::prelude::*;

    use super::*;

    fn utc(text: &str) -> Result<DateTime<Utc>, InvalidDueAt> {
        DueAt::parse(text).map(DueAt::moment)
    }

    #[test]
    fn a_moment_has_any_offset_and_up_to_six_fraction_digits() {
        for (text, moment) in [
            ("2026-01-31T09:00:00Z", "2026-01-31T09:00:00Z"),
            ("2026-01-31T09:00:00.5Z", "2026-01-31T09:00:00.5Z"),
            ("2026-01-31T09:00:00.000001+02:00", "2026-01-31T07:00:00.000001Z"),
            ("2026-01-31T09:00:00-00:00", "2026-01-31T09:00:00Z"),
            ("2026-01-31T09:00:00+00:00", "2026-01-31T09:00:00Z"),
            ("2026-01-31T00:00:00+23:59", "2026-01-30T00:01:00Z"),
            ("2026-01-31T23:59:59.999999-23:59", "2026-02-01T23:58:59.999999Z"),
            ("2024-02-29T12:00:00+05:45", "2024-02-29T06:15:00Z"),
        ] {
            assert_eq!(utc(text), Ok(moment.parse().unwrap()), "{text}");
        }
    }

    #[test]
    fn every_other_form_is_refused() {
        for text in [
            "",
            "2026-01-31",
            "2026-01-31T09:00:00",
            "2026-01-31t09:00:00Z",
            "2026-01-31T09:00:00z",
            "2026-01-31 09:00:00Z",
            "2026-01-31T09:00Z",
            "2026-01-31T9:00:00Z",
            "2026-01-31T09:00:00.Z",
            "2026-01-31T09:00:00.1234567Z",
            "2026-01-31T09:00:00,5Z",
            "2026-01-31T09:00:60Z",
            "2016-12-31T23:59:60Z",
            "2026-01-31T24:00:00Z",
            "2026-01-31T09:60:00Z",
            "2026-02-30T09:00:00Z",
            "2026-13-01T09:00:00Z",
            "2026-01-31T09:00:00+0200",
            "2026-01-31T09:00:00+02",
            "2026-01-31T09:00:00+24:00",
            "2026-01-31T09:00:00+02:60",
            "2026-01-31T09:00:00 Z",
            "2026-01-31T09:00:00+02:00Z",
            "2026-01-31T09:00:00ZZ",
            "20260131T090000Z",
            "2026-01-31T09:00:00−02:00",
            "+2026-01-31T09:00:00Z",
            "10000-01-01T00:00:00Z",
            "2026-01-31T09:00:00[UTC]",
            "2026-01-31T09:00:00.٣Z",
            "now",
        ] {
            assert_eq!(utc(text), Err(InvalidDueAt::Form), "{text:?}");
        }
    }

    #[test]
    fn the_range_is_that_of_the_moment_and_not_of_the_text() {
        for text in [
            "1900-01-02T00:00:00Z",
            "1900-01-01T23:00:00-01:00",
            "9999-12-30T23:59:59.999999Z",
            "9999-12-31T23:58:59+23:59",
        ] {
            assert!(utc(text).is_ok(), "{text}");
        }
        for text in [
            "1900-01-01T23:59:59.999999Z",
            "1900-01-02T00:00:00+00:01",
            "9999-12-31T00:00:00Z",
            "9999-12-30T23:59:00-00:01",
            "0000-01-01T00:00:00+23:59",
            "9999-12-31T23:59:59.999999-23:59",
        ] {
            assert_eq!(utc(text), Err(InvalidDueAt::Range), "{text}");
        }
        for moment in [DateTime::<Utc>::MIN_UTC, DateTime::<Utc>::MAX_UTC] {
            assert_eq!(DueAt::new(moment), Err(InvalidDueAt::Range));
        }
    }

    #[test]
    fn a_moment_is_cut_down_to_its_microsecond() {
        let moment = "1969-12-31T23:59:59.999999999Z".parse().unwrap();
        assert_eq!(DueAt::new(moment), DueAt::parse("1969-12-31T23:59:59.999999Z"));
    }

    proptest! {
        #[test]
        fn every_moment_of_the_range_is_read_as_it_is_written(micros in DueAt::MICROS) {
            let at = DueAt::new(DateTime::from_timestamp_micros(micros).unwrap()).unwrap();
            prop_assert_eq!(at.moment().timestamp_micros(), micros);
            let text = at.moment().to_rfc3339_opts(SecondsFormat::Micros, true);
            prop_assert_eq!(DueAt::parse(&text), Ok(at));
        }

        #[test]
        fn what_is_accepted_means_what_rfc_3339_says(text in "20[0-9]{2}-[01][0-9]-[0-3][0-9]T[0-2][0-9]:[0-5][0-9]:[0-5][0-9](\\.[0-9]{1,6})?(Z|[+-][01][0-9]:[0-5][0-9])") {
            let other = DateTime::parse_from_rfc3339(&text).ok().map(|moment| moment.to_utc());
            prop_assert_eq!(utc(&text).ok(), other);
        }

        #[test]
        fn no_text_panics(text in "\\PC{0,30}|[0-9TZ:+.-]{0,30}") {
            let _ = utc(&text);
        }
    }
}
