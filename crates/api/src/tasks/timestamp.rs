//! Times as answers write them: RFC 3339 in UTC with six fraction digits (`docs/api.md`, "Formats").

use chrono::{DateTime, Datelike, SecondsFormat, Timelike, Utc};

use super::json::WriteJson;

/// The JSON string, with its digits still to be filled in.
const TEMPLATE: [u8; 29] = *b"\"0000-00-00T00:00:00.000000Z\"";

/// A list of a hundred tasks has two or three hundred times. Writing digit by digit is faster than interpreting a format.
impl WriteJson for DateTime<Utc> {
    fn write_json(&self, out: &mut String) {
        let mut buffer = TEMPLATE;
        match written(self, &mut buffer) {
            Some(text) => out.push_str(text),
            None => self.to_rfc3339_opts(SecondsFormat::Micros, true).as_str().write_json(out),
        }
    }

    fn max_len(&self) -> usize {
        TEMPLATE.len()
    }
}

/// `None` if the year has more or less than four digits.
fn written<'a>(moment: &DateTime<Utc>, buffer: &'a mut [u8; 29]) -> Option<&'a str> {
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
    put(1..5, year);
    put(6..8, date.month());
    put(9..11, date.day());
    put(12..14, time.hour());
    put(15..17, time.minute());
    put(18..20, time.second() + carry);
    put(21..27, micros);
    std::str::from_utf8(buffer).ok()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::tasks::json::to_string;

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
            assert_eq!(to_string(&moment), by_chrono(moment));
        }
        for moment in [DateTime::<Utc>::MIN_UTC, DateTime::<Utc>::MAX_UTC] {
            assert_eq!(to_string(&moment), by_chrono(moment));
        }
    }

    proptest! {
        #[test]
        fn every_time_is_as_chrono_writes_it(seconds in -62_167_219_200_i64..253_402_300_800, nanos in 0_u32..1_000_000_000) {
            let moment = DateTime::<Utc>::from_timestamp(seconds, nanos).unwrap();
            prop_assert_eq!(to_string(&moment), by_chrono(moment));
        }
    }
}
