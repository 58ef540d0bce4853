//! The times of tokens: seconds since 1970, perhaps with a fraction (RFC 7519, section 2, `NumericDate`).

use std::time::{SystemTime, UNIX_EPOCH};

use chrono::{DateTime, Utc};

/// The last second of the year 9999, the last year of RFC 3339.
const LAST_SECOND: f64 = 253_402_300_799.0;
const MICROS: f64 = 1_000_000.0;

/// The moment of a token's time, rounded down to the microsecond and clamped to the years 1970 to 9999, which RFC 3339 can
/// write.
#[must_use]
pub fn moment(seconds: f64) -> DateTime<Utc> {
    #[expect(clippy::cast_possible_truncation, reason = "both ends lie within an i64 of microseconds")]
    let micros = (seconds.clamp(0.0, LAST_SECOND) * MICROS).floor() as i64;
    DateTime::<Utc>::from_timestamp_micros(micros).unwrap_or_default()
}

/// The current time, in seconds since 1970.
#[must_use]
pub fn now() -> f64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs_f64()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_moment_is_clamped_to_the_years_of_rfc_3339() {
        for (seconds, expected) in [
            (1_767_323_945.0, "2026-01-02T03:19:05.000000Z"),
            (1_767_323_945.25, "2026-01-02T03:19:05.250000Z"),
            (253_402_300_799.0, "9999-12-31T23:59:59.000000Z"),
            (1e300, "9999-12-31T23:59:59.000000Z"),
            (0.0, "1970-01-01T00:00:00.000000Z"),
        ] {
            assert_eq!(moment(seconds).to_rfc3339_opts(chrono::SecondsFormat::Micros, true), expected);
        }
    }
}
