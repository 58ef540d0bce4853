//! Compares other clocks with this machine's, which decides whether a token is valid.

use chrono::DateTime;
use task_adapters::inspection::ClockDifference;

use crate::doctor::{report::Finding, shown};

/// The difference that is tolerated beyond the leeway, in seconds: a `Date` has whole seconds, and no clock is exact.
const ALLOWANCE: f64 = 2.0;

const SYNCHRONISE: &str =
    "Let both machines set their clocks by NTP (`timedatectl` says whether this one does).";

/// How far the clock of the server that sent this `Date` header is ahead. `sent` and `received` are the times of request and
/// answer on this machine's clock, in seconds since 1970. `None` if the header is not a date.
pub(super) fn ahead_of_us(date: &str, sent: f64, received: f64) -> Option<ClockDifference> {
    let date = DateTime::parse_from_rfc2822(date.trim()).ok()?;
    #[expect(clippy::cast_precision_loss, reason = "a double holds every second of the next million years")]
    // The header leaves out the fraction of the second: half a second is the best guess.
    let theirs = date.timestamp() as f64 + 0.5;
    let ours = f64::midpoint(sent, received);
    Some(ClockDifference { ahead: theirs - ours, uncertainty: 0.5 + (received - sent) / 2.0 })
}

/// Compares the clock of the key source.
pub(super) fn compare_key_source(difference: Option<ClockDifference>, leeway_seconds: u8) -> Finding {
    let Some(difference) = difference else {
        return Finding::ok("clock", "the key source sends no `Date`, so the clocks cannot be compared");
    };
    let by = difference.ahead.abs();
    if by <= f64::from(leeway_seconds) + ALLOWANCE + difference.uncertainty {
        return Finding::ok("clock", format!("as the key source's, to within {}", shown::seconds(by)));
    }
    let advice = if by + ALLOWANCE <= 60.0 {
        format!("{SYNCHRONISE} Until then `AUTH_LEEWAY_SECONDS={:.0}` bridges it.", (by + ALLOWANCE).ceil())
    } else {
        format!("{SYNCHRONISE} AUTH_LEEWAY_SECONDS bridges at most 60 seconds.")
    };
    let consequence = if difference.ahead < 0.0 {
        "tokens expire too early here, perhaps at once"
    } else {
        "tokens may not be valid yet here, and stay valid for too long"
    };
    let found = format!(
        "this machine's clock is {} the key source's (unless its answer came from a cache): {consequence}",
        relation(difference.ahead)
    );
    Finding::problem("clock", found, advice)
}

/// Compares the clock of the database, which sets the times of tasks. It has no part in tokens.
pub(super) fn compare_database(difference: ClockDifference) -> Finding {
    let by = difference.ahead.abs();
    if by <= ALLOWANCE + difference.uncertainty {
        return Finding::ok("clock", format!("as the database's, to within {}", shown::seconds(by)));
    }
    let found = format!("this machine's clock is {} the database's", relation(difference.ahead));
    Finding::warning("clock", found, SYNCHRONISE)
}

fn relation(ahead: f64) -> String {
    format!("{} {}", shown::seconds(ahead), if ahead < 0.0 { "ahead of" } else { "behind" })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::doctor::report::Verdict;

    /// 2026-01-02T03:19:05Z
    const NOW: f64 = 1_767_323_945.0;
    const DATE: &str = "Fri, 02 Jan 2026 03:19:05 GMT";

    #[test]
    fn a_date_is_compared_with_the_middle_of_the_round_trip() {
        let difference = ahead_of_us(DATE, NOW + 10.0, NOW + 11.0).unwrap();
        assert_eq!(difference, ClockDifference { ahead: -10.0, uncertainty: 1.0 });
        for wrong in ["", "now", "2026-01-02T03:19:05Z", "Fri, 02 Jan 2026"] {
            assert_eq!(ahead_of_us(wrong, NOW, NOW), None, "{wrong}");
        }
    }

    #[test]
    fn a_difference_is_a_problem_only_beyond_leeway_rounding_and_round_trip() {
        let judged = |ahead, leeway| {
            compare_key_source(Some(ClockDifference { ahead, uncertainty: 0.5 }), leeway).verdict
        };
        for (ahead, leeway, expected) in [
            (2.4, 0, Verdict::Ok),
            (-2.4, 0, Verdict::Ok),
            (2.6, 0, Verdict::Problem),
            (-2.6, 0, Verdict::Problem),
            (7.4, 5, Verdict::Ok),
            (-7.6, 5, Verdict::Problem),
        ] {
            assert_eq!(judged(ahead, leeway), expected, "{ahead} {leeway}");
        }
        assert_eq!(compare_key_source(None, 0).verdict, Verdict::Ok);
    }

    #[test]
    fn a_difference_names_the_clock_that_is_ahead_and_the_leeway_that_bridges_it() {
        let compare = |ahead| compare_key_source(Some(ClockDifference { ahead, uncertainty: 0.5 }), 0);
        let behind = compare(-37.2);
        assert!(behind.found.contains("37 s ahead of the key source's"), "{behind:?}");
        assert!(behind.found.contains("expire too early"), "{behind:?}");
        assert!(behind.advice.contains("AUTH_LEEWAY_SECONDS=40"), "{behind:?}");
        let ahead = compare(3600.0);
        assert!(ahead.found.contains("60 minutes behind"), "{ahead:?}");
        assert!(ahead.advice.contains("at most"), "{ahead:?}");
    }

    #[test]
    fn a_difference_to_the_database_is_a_warning() {
        let compare = |ahead| compare_database(ClockDifference { ahead, uncertainty: 0.1 });
        assert_eq!(compare(1.5).verdict, Verdict::Ok);
        assert_eq!(compare(-300.0).verdict, Verdict::Warning);
        assert!(compare(-300.0).found.contains("5 minutes ahead"), "{:?}", compare(-300.0));
    }
}
