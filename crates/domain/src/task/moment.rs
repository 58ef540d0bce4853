//! The times of a task: whole microseconds, as PostgreSQL stores them, and one after the other.

use chrono::{DateTime, TimeDelta, Utc};

/// The microsecond that `moment` lies in. A leap second counts as the one after it, because PostgreSQL has none.
pub(super) fn whole_micros(moment: DateTime<Utc>) -> DateTime<Utc> {
    DateTime::from_timestamp_micros(moment.timestamp_micros()).unwrap_or(moment)
}

/// When a change at `moment` counts as made: at `moment`, but always after the change before it, even if the clock was
/// set back.
///
/// At the end of the range of time it stays as it is. PostgreSQL's range is a longer one, and there it refuses the write.
pub(super) fn next_update(updated_at: DateTime<Utc>, moment: DateTime<Utc>) -> DateTime<Utc> {
    let earliest = updated_at.checked_add_signed(TimeDelta::microseconds(1)).unwrap_or(updated_at);
    whole_micros(moment).max(earliest)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> DateTime<Utc> {
        text.parse().unwrap()
    }

    #[test]
    fn a_moment_is_cut_down_to_its_microsecond_before_1970_too() {
        assert_eq!(whole_micros(at("2026-01-02T03:04:05.123456789Z")), at("2026-01-02T03:04:05.123456Z"));
        assert_eq!(whole_micros(at("1969-12-31T23:59:59.999999999Z")), at("1969-12-31T23:59:59.999999Z"));
        assert_eq!(whole_micros(at("2016-12-31T23:59:60.5Z")), at("2017-01-01T00:00:00.5Z"));
    }

    #[test]
    fn a_change_is_made_at_its_moment_or_a_microsecond_after_the_one_before_it() {
        let before = at("2026-01-02T03:04:05Z");
        assert_eq!(next_update(before, at("2026-01-02T03:04:05.000002Z")), at("2026-01-02T03:04:05.000002Z"));
        for moment in ["2026-01-02T03:04:05.000001Z", "2026-01-02T03:04:05Z", "1999-01-01T00:00:00Z"] {
            assert_eq!(next_update(before, at(moment)), at("2026-01-02T03:04:05.000001Z"));
        }
    }

    #[test]
    fn the_ends_of_the_range_of_time_are_moments_like_others() {
        let (first, last) = (DateTime::<Utc>::MIN_UTC, whole_micros(DateTime::<Utc>::MAX_UTC));
        assert_eq!(next_update(first, first), first + TimeDelta::microseconds(1));
        assert_eq!(next_update(first, DateTime::<Utc>::MAX_UTC), last);
        assert_eq!(next_update(last, DateTime::<Utc>::MAX_UTC), last);
        assert_eq!(next_update(last, first), last);
    }
}
