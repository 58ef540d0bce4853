//! Times as answers write them: RFC 3339 in UTC with six fraction digits (contract, "Formats").

use chrono::{DateTime, Datelike, SecondsFormat, Timelike, Utc};
use serde::Serializer;

/// Where the digits go.
const TEMPLATE: [u8; 27] = *b"0000-00-00T00:00:00.000000Z";

/// Writes a time. A list of a hundred tasks has two or three hundred of them, so that it is done digit by digit instead of
/// by a format that is interpreted.
pub(super) fn timestamp<S: Serializer>(moment: &DateTime<Utc>, serializer: S) -> Result<S::Ok, S::Error> {
    let mut buffer = TEMPLATE;
    match written(moment, &mut buffer) {
        Some(text) => serializer.serialize_str(text),
        None => serializer.serialize_str(&moment.to_rfc3339_opts(SecondsFormat::Micros, true)),
    }
}

/// Writes a time as text, without quotation marks.
pub(super) fn write(out: &mut String, moment: DateTime<Utc>) {
    let mut buffer = TEMPLATE;
    match written(&moment, &mut buffer) {
        Some(text) => out.push_str(text),
        None => out.push_str(&moment.to_rfc3339_opts(SecondsFormat::Micros, true)),
    }
}

#[expect(clippy::ref_option, reason = "serde passes what the member is")]
pub(super) fn optional_timestamp<S: Serializer>(
    moment: &Option<DateTime<Utc>>,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    match moment {
        Some(moment) => timestamp(moment, serializer),
        None => serializer.serialize_none(),
    }
}

/// `None` for a year that has more or less than four digits.
fn written<'a>(moment: &DateTime<Utc>, buffer: &'a mut [u8; 27]) -> Option<&'a str> {
    let (date, time) = (moment.date_naive(), moment.time());
    let year = u32::try_from(date.year()).ok().filter(|year| *year <= 9999)?;
    // A leap second is a second and more.
    let (carry, micros) = (time.nanosecond() / 1_000_000_000, time.nanosecond() / 1_000 % 1_000_000);
    let mut put = |places: std::ops::Range<usize>, mut value: u32| {
        for place in places.rev() {
            if let (Some(digit), Ok(value)) = (buffer.get_mut(place), u8::try_from(value % 10)) {
                *digit = b'0' + value;
            }
            value /= 10;
        }
    };
    put(0..4, year);
    put(5..7, date.month());
    put(8..10, date.day());
    put(11..13, time.hour());
    put(14..16, time.minute());
    put(17..19, time.second() + carry);
    put(20..26, micros);
    std::str::from_utf8(buffer).ok()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn serialized(moment: DateTime<Utc>) -> String {
        serde_json::to_string(&serde_json::json!(Written(moment))).unwrap()
    }

    struct Written(DateTime<Utc>);

    impl serde::Serialize for Written {
        fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
            timestamp(&self.0, serializer)
        }
    }

    fn by_chrono(moment: DateTime<Utc>) -> String {
        format!("\"{}\"", moment.to_rfc3339_opts(SecondsFormat::Micros, true))
    }

    #[test]
    fn the_ends_of_what_can_be_written_are_as_chrono_writes_them() {
        for text in [
            "0000-01-01T00:00:00Z",
            "9999-12-31T23:59:59.999999Z",
            "2024-02-29T12:34:56.000001Z",
            "2016-12-31T23:59:60.5Z",
        ] {
            let moment = text.parse().unwrap();
            assert_eq!(serialized(moment), by_chrono(moment));
        }
        for moment in [DateTime::<Utc>::MIN_UTC, DateTime::<Utc>::MAX_UTC] {
            assert_eq!(serialized(moment), by_chrono(moment));
            let mut text = String::new();
            write(&mut text, moment);
            assert_eq!(format!("\"{text}\""), by_chrono(moment));
        }
    }

    proptest! {
        #[test]
        fn every_time_is_as_chrono_writes_it(seconds in -62_167_219_200_i64..253_402_300_800, nanos in 0_u32..1_000_000_000) {
            let moment = DateTime::<Utc>::from_timestamp(seconds, nanos).unwrap();
            prop_assert_eq!(serialized(moment), by_chrono(moment));
        }
    }
}
