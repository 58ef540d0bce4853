use std::process::Command;

use proptest::prelude::*;

use super::*;

fn zone(name: &str) -> ZoneName {
    ZoneName::parse(name).unwrap()
}

fn local(text: &str) -> NaiveDateTime {
    text.parse().unwrap()
}

fn utc(text: &str) -> DateTime<Utc> {
    text.parse().unwrap()
}

#[test]
fn a_zone_is_a_name_of_the_database_in_its_letter_case_and_kept_as_sent() {
    for name in
        ["UTC", "Europe/Berlin", "Asia/Calcutta", "Asia/Kolkata", "US/Pacific", "Etc/GMT+5", "EST", "GMT0"]
    {
        assert_eq!(zone(name).as_str(), name);
    }
    for name in [
        "",
        " ",
        "utc",
        "europe/berlin",
        "EUROPE/BERLIN",
        "Europe/Berlin ",
        "Europe",
        "Factory",
        "Etc/Unknown",
        "Local",
        "localtime",
        "posixrules",
        "posix/Europe/Berlin",
        "right/UTC",
        "CEST",
        "PST",
        "BST",
        "Z",
        "+01:00",
        "UTC+1",
        "GMT+5",
        "-05",
        "EST5EDT,M3.2.0,M11.1.0",
        "../etc/passwd",
        "Europe/Berlin\0",
        "Étc/UTC",
    ] {
        assert_eq!(ZoneName::parse(name), Err(InvalidZoneName), "{name:?}");
    }
}

#[test]
fn a_link_and_its_zone_are_two_names() {
    assert_ne!(zone("Asia/Calcutta"), zone("Asia/Kolkata"));
    assert_eq!(ZoneName::utc(), zone("UTC"));
}

#[test]
fn no_database_of_the_machine_is_read() {
    const CHILD: &str = "TASK_DOMAIN_ZONES_OF_A_CHILD";
    let summer = utc("2026-07-01T12:00:00Z");
    assert_eq!(zone("Europe/Berlin").local(summer), local("2026-07-01T14:00:00"));
    assert!(ZoneName::parse("Mars/Olympus").is_err());
    if std::env::var_os(CHILD).is_some() {
        return;
    }
    // A database in which other names have the data of UTC.
    let folder = std::env::temp_dir().join(format!("task-domain-zones-{}", std::process::id()));
    let data = b"TZif2\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\x01\0\0\0\x04\0\0\0\0\0\0UTC\0\
        TZif2\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\x01\0\0\0\x04\0\0\0\0\0\0UTC\0\nUTC0\n";
    for name in ["Europe/Berlin", "Mars/Olympus"] {
        let file = folder.join(name);
        std::fs::create_dir_all(file.parent().unwrap()).unwrap();
        std::fs::write(file, data).unwrap();
    }
    let mut child = Command::new(std::env::current_exe().unwrap());
    child.args(["--exact", "zone::tests::no_database_of_the_machine_is_read"]);
    let output = child.env(CHILD, "1").env("TZDIR", &folder).env("TZ", "Mars/Olympus").output().unwrap();
    std::fs::remove_dir_all(folder).unwrap();
    let report = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success() && report.contains("1 passed"), "{report}");
}

#[test]
fn a_time_that_does_not_exist_is_taken_with_the_offset_before_and_one_that_comes_twice_is_the_first() {
    for (name, at, moment, shown) in [
        ("America/New_York", "2026-03-08T02:30:00", "2026-03-08T07:30:00Z", "2026-03-08T03:30:00"),
        ("America/New_York", "2026-11-01T01:30:00", "2026-11-01T05:30:00Z", "2026-11-01T01:30:00"),
        ("Europe/Berlin", "2026-03-29T02:00:00", "2026-03-29T01:00:00Z", "2026-03-29T03:00:00"),
        ("Europe/Berlin", "2026-10-25T02:59:59", "2026-10-25T00:59:59Z", "2026-10-25T02:59:59"),
        ("Australia/Lord_Howe", "2026-10-04T02:15:00", "2026-10-03T15:45:00Z", "2026-10-04T02:45:00"),
        ("Australia/Lord_Howe", "2026-04-05T01:45:00", "2026-04-04T14:45:00Z", "2026-04-05T01:45:00"),
        ("Pacific/Apia", "2011-12-30T09:00:00", "2011-12-30T19:00:00Z", "2011-12-31T09:00:00"),
        ("Pacific/Kiritimati", "2026-01-01T00:00:00", "2025-12-31T10:00:00Z", "2026-01-01T00:00:00"),
        ("Pacific/Pago_Pago", "2026-01-01T00:00:00", "2026-01-01T11:00:00Z", "2026-01-01T00:00:00"),
        ("America/Scoresbysund", "2026-03-28T23:30:00", "2026-03-29T01:30:00Z", "2026-03-29T00:30:00"),
    ] {
        let found = zone(name).moment(local(at));
        assert_eq!((found, zone(name).local(found)), (utc(moment), local(shown)), "{name} {at}");
    }
}

#[test]
fn a_day_begins_with_its_first_existing_time_or_with_that_of_the_next_if_it_was_left_out() {
    for (name, day, moment) in [
        ("UTC", "2026-01-01", "2026-01-01T00:00:00Z"),
        ("Europe/Berlin", "2026-03-29", "2026-03-28T23:00:00Z"),
        // 0:00 to 1:00 does not exist.
        ("America/Havana", "2026-03-08", "2026-03-08T05:00:00Z"),
        ("Africa/Cairo", "2026-04-24", "2026-04-23T22:00:00Z"),
        // 0:00 to 1:00 comes twice.
        ("America/Havana", "2026-11-01", "2026-11-01T04:00:00Z"),
        // 23:00 to 24:00 comes twice.
        ("Asia/Beirut", "2026-10-25", "2026-10-24T22:00:00Z"),
        ("Pacific/Apia", "2011-12-29", "2011-12-29T10:00:00Z"),
        ("Pacific/Apia", "2011-12-30", "2011-12-30T10:00:00Z"),
        ("Pacific/Apia", "2011-12-31", "2011-12-30T10:00:00Z"),
        // 23:30 to 0:30 does not exist: the clock is put forward half an hour before midnight.
        ("America/Toronto", "1919-03-31", "1919-03-31T04:30:00Z"),
    ] {
        assert_eq!(zone(name).first_moment(day.parse().unwrap()), utc(moment), "{name} {day}");
    }
}

#[test]
fn the_ends_of_time_have_an_offset_too() {
    let kiritimati = zone("Pacific/Kiritimati");
    assert_eq!(kiritimati.local(utc("9999-12-30T23:59:59.999999Z")), local("9999-12-31T13:59:59.999999"));
    assert_eq!(kiritimati.moment(local("9999-12-31T13:59:59.999999")), utc("9999-12-30T23:59:59.999999Z"));
    for moment in [DateTime::<Utc>::MIN_UTC, DateTime::<Utc>::MAX_UTC] {
        let _ = (kiritimati.local(moment), kiritimati.moment(moment.naive_utc()));
        let _ = kiritimati.first_moment(moment.date_naive());
    }
}

fn zones() -> impl Strategy<Value = ZoneName> {
    let names: Vec<_> = TimeZoneDatabase::bundled().available().map(|name| name.to_string()).collect();
    proptest::sample::select(names)
        .prop_filter_map("the one that is refused", |name| ZoneName::parse(&name).ok())
}

proptest! {
    #[test]
    fn a_clock_shows_each_time_no_earlier_than_it_was_meant(
        zone in zones(), seconds in -2_208_988_800_i64..=253_402_300_799, micros in 0..1_000_000_u32,
    ) {
        let moment = DateTime::from_timestamp(seconds, micros * 1000).unwrap();
        let shown = zone.local(moment);
        let first = zone.moment(shown);
        prop_assert!(first <= moment);
        prop_assert_eq!(zone.local(first), shown);
        let meant = moment.naive_utc();
        prop_assert!(zone.local(zone.moment(meant)) >= meant);
    }

    #[test]
    fn later_times_are_no_earlier_moments(zone in zones(), seconds in -2_208_988_800_i64..=4_102_444_800, more in 0..90_000_i64) {
        let meant = DateTime::from_timestamp(seconds, 0).unwrap().naive_utc();
        prop_assert!(zone.moment(meant) <= zone.moment(meant + TimeDelta::seconds(more)));
    }

    #[test]
    fn before_the_first_moment_of_a_day_it_is_an_earlier_day(zone in zones(), days in -25_000..60_000_i64) {
        let day = DateTime::UNIX_EPOCH.date_naive() + TimeDelta::days(days);
        let first = zone.first_moment(day);
        prop_assert!(zone.day(first) >= day);
        prop_assert!(zone.day(first - TimeDelta::microseconds(1)) < day);
        prop_assert!(first <= zone.first_moment(day + TimeDelta::days(1)));
    }
}
