use super::{
    samples::{schedule, utc, written},
    *,
};

/// The dues of the tasks that follow, each completed as soon as it is there.
fn dues(rule: &str, at: &str, zone: &str, count: usize) -> Vec<String> {
    let first = schedule(rule, RecurrenceFrom::Due, at, zone);
    let next = std::iter::successors(Some(first), |schedule| schedule.next(utc("1900-01-02T00:00:00Z")));
    next.skip(1).take(count).map(|schedule| written(schedule.due.unwrap())).collect()
}

/// The due and the rule after one that was completed then.
fn after(
    rule: &str,
    from: RecurrenceFrom,
    at: &str,
    zone: &str,
    completed_at: &str,
) -> Option<(String, String)> {
    let next = schedule(rule, from, at, zone).next(utc(completed_at))?;
    Some((written(next.due.unwrap()), next.recurrence.unwrap().rule.to_string()))
}

/// Fails unless the due and the rule after one that was completed then are these.
#[track_caller]
fn assert_after(
    rule: &str,
    from: RecurrenceFrom,
    at: &str,
    zone: &str,
    completed_at: &str,
    expected: Option<(&str, &str)>,
) {
    let found = after(rule, from, at, zone, completed_at);
    let found = found.as_ref().map(|(due, rule)| (due.as_str(), rule.as_str()));
    assert_eq!(found, expected, "{rule} from {at} in {zone} at {completed_at}");
}

#[test]
fn the_time_of_day_is_kept_over_both_changes_of_the_clock() {
    for (rule, at, zone, expected) in [
        // 9:00 in New York.
        (
            "FREQ=DAILY",
            "2026-03-07T14:00:00Z",
            "America/New_York",
            ["2026-03-08T13:00:00Z", "2026-03-09T13:00:00Z"],
        ),
        (
            "FREQ=DAILY",
            "2026-10-31T13:00:00Z",
            "America/New_York",
            ["2026-11-01T14:00:00Z", "2026-11-02T14:00:00Z"],
        ),
        (
            "FREQ=WEEKLY",
            "2026-03-22T08:00:00Z",
            "Europe/Berlin",
            ["2026-03-29T07:00:00Z", "2026-04-05T07:00:00Z"],
        ),
        (
            "FREQ=MONTHLY",
            "2026-09-30T21:30:00Z",
            "Europe/Berlin",
            ["2026-10-30T22:30:00Z", "2026-11-30T22:30:00Z"],
        ),
        (
            "FREQ=DAILY",
            "2026-10-02T22:30:00Z",
            "Australia/Lord_Howe",
            ["2026-10-03T22:00:00Z", "2026-10-04T22:00:00Z"],
        ),
        // 0:30 on the fourteenth hour, and 23:30 eleven hours behind.
        (
            "FREQ=MONTHLY",
            "2026-01-30T10:30:00Z",
            "Pacific/Kiritimati",
            ["2026-02-27T10:30:00Z", "2026-03-30T10:30:00Z"],
        ),
        (
            "FREQ=MONTHLY",
            "2026-02-01T10:30:00Z",
            "Pacific/Pago_Pago",
            ["2026-03-01T10:30:00Z", "2026-04-01T10:30:00Z"],
        ),
    ] {
        assert_eq!(dues(rule, at, zone, 2), expected, "{rule} from {at} in {zone}");
    }
}

#[test]
fn a_time_that_a_day_lacks_is_later_on_that_day_only() {
    for (at, zone, expected) in [
        // 2:30, which does not exist on the eighth.
        (
            "2026-03-07T07:30:00Z",
            "America/New_York",
            ["2026-03-08T07:30:00Z", "2026-03-09T06:30:00Z", "2026-03-10T06:30:00Z"],
        ),
        (
            "2026-03-28T01:30:00Z",
            "Europe/Berlin",
            ["2026-03-29T01:30:00Z", "2026-03-30T00:30:00Z", "2026-03-31T00:30:00Z"],
        ),
        // 2:15 is shown as 2:45 there.
        (
            "2026-10-02T15:45:00Z",
            "Australia/Lord_Howe",
            ["2026-10-03T15:45:00Z", "2026-10-04T15:15:00Z", "2026-10-05T15:15:00Z"],
        ),
        // 23:30 is shown as 0:30 of the day after it.
        (
            "2026-03-28T01:30:00Z",
            "America/Scoresbysund",
            ["2026-03-29T01:30:00Z", "2026-03-30T00:30:00Z", "2026-03-31T00:30:00Z"],
        ),
    ] {
        assert_eq!(dues("FREQ=DAILY", at, zone, 3), expected, "{zone}");
    }
}

#[test]
fn of_a_time_that_comes_twice_the_first_is_taken() {
    for (at, zone, expected) in [
        ("2026-10-31T05:30:00Z", "America/New_York", ["2026-11-01T05:30:00Z", "2026-11-02T06:30:00Z"]),
        ("2026-10-24T00:30:00Z", "Europe/Berlin", ["2026-10-25T00:30:00Z", "2026-10-26T01:30:00Z"]),
        ("2026-04-03T14:45:00Z", "Australia/Lord_Howe", ["2026-04-04T14:45:00Z", "2026-04-05T15:15:00Z"]),
    ] {
        assert_eq!(dues("FREQ=DAILY", at, zone, 2), expected, "{zone}");
    }
}

#[test]
fn a_day_that_a_zone_left_out_is_a_due_day_and_its_times_are_those_of_the_next() {
    let days = dues("FREQ=DAILY", "2011-12-29", "Pacific/Apia", 3);
    assert_eq!(days, ["2011-12-30", "2011-12-31", "2012-01-01"]);
    // 9:00: what was meant for the thirtieth is the same moment as that of the next day, and is one occurrence.
    let at = "2011-12-29T19:00:00Z";
    assert_eq!(dues("FREQ=DAILY", at, "Pacific/Apia", 2), ["2011-12-30T19:00:00Z", "2011-12-31T19:00:00Z"]);
    let (from, completed_at) = (RecurrenceFrom::Due, "2011-12-31T00:00:00Z");
    let counted = after("FREQ=DAILY;COUNT=9", from, at, "Pacific/Apia", completed_at);
    assert_eq!(counted, Some(("2011-12-31T19:00:00Z".to_owned(), "FREQ=DAILY;COUNT=7".to_owned())));
}

#[test]
fn a_zone_never_moves_a_due_day() {
    for zone in ["none", "Pacific/Kiritimati", "Pacific/Pago_Pago", "America/New_York"] {
        assert_eq!(dues("FREQ=MONTHLY", "2026-01-31", zone, 2), ["2026-02-28", "2026-03-31"], "{zone}");
    }
}

#[test]
fn what_was_missed_is_passed_over_and_counted() {
    let from = RecurrenceFrom::Due;
    for (rule, at, zone, completed_at, expected) in [
        ("FREQ=DAILY", "2026-01-01", "UTC", "2026-01-05T10:00:00Z", Some(("2026-01-05", "FREQ=DAILY"))),
        ("FREQ=DAILY", "1900-01-01", "UTC", "2026-11-29T10:00:00Z", Some(("2026-11-29", "FREQ=DAILY"))),
        ("FREQ=DAILY", "2026-01-05", "UTC", "2026-01-01T10:00:00Z", Some(("2026-01-06", "FREQ=DAILY"))),
        // Whether today is over depends on the zone.
        (
            "FREQ=DAILY",
            "2026-01-01",
            "Pacific/Kiritimati",
            "2026-01-05T10:00:00Z",
            Some(("2026-01-06", "FREQ=DAILY")),
        ),
        (
            "FREQ=DAILY",
            "2026-01-01",
            "Pacific/Pago_Pago",
            "2026-01-05T10:00:00Z",
            Some(("2026-01-04", "FREQ=DAILY")),
        ),
        (
            "FREQ=DAILY;COUNT=5",
            "2026-01-01",
            "UTC",
            "2026-01-04T10:00:00Z",
            Some(("2026-01-04", "FREQ=DAILY;COUNT=2")),
        ),
        (
            "FREQ=DAILY;COUNT=4",
            "2026-01-01",
            "UTC",
            "2026-01-04T10:00:00Z",
            Some(("2026-01-04", "FREQ=DAILY;COUNT=1")),
        ),
        ("FREQ=DAILY;COUNT=3", "2026-01-01", "UTC", "2026-01-04T10:00:00Z", None),
        ("FREQ=DAILY;COUNT=1", "2026-01-01", "UTC", "2025-01-04T10:00:00Z", None),
        (
            "FREQ=DAILY;UNTIL=20260104",
            "2026-01-01",
            "UTC",
            "2026-01-04T10:00:00Z",
            Some(("2026-01-04", "FREQ=DAILY;UNTIL=20260104")),
        ),
        ("FREQ=DAILY;UNTIL=20260103", "2026-01-01", "UTC", "2026-01-04T10:00:00Z", None),
        // A moment is over when it has come.
        (
            "FREQ=DAILY",
            "2026-01-01T09:00:00Z",
            "UTC",
            "2026-01-05T08:59:59.999999Z",
            Some(("2026-01-05T09:00:00Z", "FREQ=DAILY")),
        ),
        (
            "FREQ=DAILY",
            "2026-01-01T09:00:00Z",
            "UTC",
            "2026-01-05T09:00:00Z",
            Some(("2026-01-06T09:00:00Z", "FREQ=DAILY")),
        ),
        // What was meant for 23:30 of the day before is shown at 0:30, which is still to come.
        (
            "FREQ=DAILY",
            "2026-03-28T01:30:00Z",
            "America/Scoresbysund",
            "2026-03-29T01:10:00Z",
            Some(("2026-03-29T01:30:00Z", "FREQ=DAILY")),
        ),
        // Fortnights count from the due.
        (
            "FREQ=WEEKLY;INTERVAL=2",
            "2026-01-01",
            "UTC",
            "2026-03-01T00:00:00Z",
            Some(("2026-03-12", "FREQ=WEEKLY;INTERVAL=2;BYDAY=TH")),
        ),
    ] {
        assert_after(rule, from, at, zone, completed_at, expected);
    }
}

#[test]
fn from_completion_it_counts_days_from_that_of_completion() {
    let from = RecurrenceFrom::Completion;
    for (rule, at, zone, completed_at, expected) in [
        (
            "FREQ=DAILY;INTERVAL=3",
            "2026-01-01",
            "UTC",
            "2026-01-05T10:00:00Z",
            Some(("2026-01-08", "FREQ=DAILY;INTERVAL=3")),
        ),
        ("FREQ=DAILY", "2026-12-31", "UTC", "2026-01-05T10:00:00Z", Some(("2026-01-06", "FREQ=DAILY"))),
        (
            "FREQ=WEEKLY",
            "2026-01-01",
            "Pacific/Kiritimati",
            "2026-01-05T10:00:00Z",
            Some(("2026-01-13", "FREQ=WEEKLY")),
        ),
        ("FREQ=MONTHLY", "2026-01-01", "UTC", "2026-01-31T10:00:00Z", Some(("2026-02-28", "FREQ=MONTHLY"))),
        ("FREQ=YEARLY", "2026-01-01", "UTC", "2024-02-29T10:00:00Z", Some(("2025-02-28", "FREQ=YEARLY"))),
        (
            "FREQ=MONTHLY;COUNT=2",
            "2026-01-01",
            "UTC",
            "2026-01-31T10:00:00Z",
            Some(("2026-02-28", "FREQ=MONTHLY;COUNT=1")),
        ),
        ("FREQ=MONTHLY;COUNT=1", "2026-01-01", "UTC", "2026-01-31T10:00:00Z", None),
        ("FREQ=DAILY;UNTIL=20260105", "2026-01-01", "UTC", "2026-01-05T10:00:00Z", None),
        ("FREQ=DAILY", "2026-01-01", "UTC", "9999-12-31T10:00:00Z", None),
        // 9:00 in Berlin, completed after the change.
        (
            "FREQ=DAILY",
            "2026-03-28T08:00:00Z",
            "Europe/Berlin",
            "2026-03-29T20:00:00Z",
            Some(("2026-03-30T07:00:00Z", "FREQ=DAILY")),
        ),
    ] {
        assert_after(rule, from, at, zone, completed_at, expected);
    }
}

#[test]
fn nothing_follows_at_the_end_of_the_calendar() {
    let from = RecurrenceFrom::Due;
    let zone = "Pacific/Kiritimati";
    assert_eq!(after("FREQ=DAILY", from, "9999-12-31", zone, "2026-01-01T00:00:00Z"), None);
    assert_eq!(after("FREQ=DAILY", from, "9999-12-30T09:00:00Z", zone, "2026-01-01T00:00:00Z"), None);
    assert_eq!(after("FREQ=DAILY", from, "1900-01-01", zone, "9999-12-31T23:59:59Z"), None);
    for moment in [DateTime::<Utc>::MIN_UTC, DateTime::<Utc>::MAX_UTC] {
        for from in [RecurrenceFrom::Due, RecurrenceFrom::Completion] {
            let _ = schedule("FREQ=MONTHLY", from, "2026-01-31", zone).next(moment);
            let _ = schedule("FREQ=DAILY;COUNT=999", from, "2026-01-31T00:00:00Z", zone).next(moment);
        }
    }
}
