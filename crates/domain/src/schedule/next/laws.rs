//! What holds for every schedule.

use proptest::{option, prelude::*, sample::select};

use super::{
    samples::{schedule, utc},
    *,
};
use crate::{
    change::Change, due::change::DueChange, recurrence::samples::rules, schedule::changes::ScheduleChanges,
};

fn zones() -> impl Strategy<Value = &'static str> {
    select(
        &[
            "none",
            "America/New_York",
            "Australia/Lord_Howe",
            "Pacific/Apia",
            "Pacific/Kiritimati",
            "America/Scoresbysund",
        ][..],
    )
}

/// A moment, to the second: of all years, or around the days on which zones changed their clocks.
fn moments() -> impl Strategy<Value = DateTime<Utc>> {
    let seconds = |from: &str, to: &str| utc(from).timestamp()..utc(to).timestamp();
    prop_oneof![
        seconds("1900-01-02T00:00:00Z", "2200-01-01T00:00:00Z"),
        seconds("2011-12-25T00:00:00Z", "2012-01-05T00:00:00Z"),
        seconds("2026-03-01T00:00:00Z", "2026-04-10T00:00:00Z"),
    ]
    .prop_map(|seconds| DateTime::from_timestamp(seconds, 0).unwrap())
}

fn schedules() -> impl Strategy<Value = Schedule> {
    let dues = (moments(), any::<bool>()).prop_map(|(moment, is_day)| {
        if is_day {
            Due::On(DueDate::new(moment.date_naive()).unwrap())
        } else {
            Due::At(DueAt::new(moment).unwrap())
        }
    });
    (dues, zones(), rules()).prop_map(|(due, zone, rule)| {
        let time_zone = ZoneName::parse(zone).map_or(Change::Keep, Change::Set);
        let changes = ScheduleChanges {
            due: DueChange::to(due),
            time_zone,
            rule: Change::Set(rule),
            from: Change::Keep,
        };
        Schedule::default().apply(&changes).unwrap()
    })
}

proptest! {
    #[test]
    fn the_next_due_is_later_of_the_same_kind_and_not_overdue(schedule in schedules(), moment in moments()) {
        if let Some(next) = schedule.next(moment) {
            let (before, after) = (schedule.due.unwrap(), next.due.unwrap());
            prop_assert!(is_later(after, before));
            prop_assert_eq!(matches!(after, Due::On(_)), matches!(before, Due::On(_)));
            prop_assert!(!after.is_overdue(&schedule.zone(), moment));
            prop_assert_eq!(&next.time_zone, &schedule.time_zone);
        }
    }

    #[test]
    fn passing_over_what_was_missed_is_completing_it_one_by_one(schedule in schedules(), moment in moments()) {
        let early = utc("1900-01-02T00:00:00Z");
        let mut next = schedule.next(early);
        // As many steps as a test has time for.
        for _ in 0..2_000 {
            match &next {
                Some(step) if step.due.unwrap().is_overdue(&step.zone(), moment) => next = step.next(early),
                _ => {
                    prop_assert_eq!(schedule.next(moment), next);
                    break;
                }
            }
        }
    }

    #[test]
    fn the_zone_of_a_due_day_only_says_when_it_is_over(schedule in schedules(), zone in zones()) {
        if let Some(Due::On(_)) = schedule.due {
            let other = Schedule { time_zone: ZoneName::parse(zone).ok(), ..schedule.clone() };
            let early = utc("1900-01-02T00:00:00Z");
            prop_assert_eq!(other.next(early).and_then(|next| next.due), schedule.next(early).and_then(|next| next.due));
        }
    }

    #[test]
    fn the_time_that_was_meant_is_that_of_the_next_too(schedule in schedules(), moment in moments()) {
        let shown = |schedule: &Schedule| match schedule.due {
            Some(Due::At(at)) => Some(schedule.intended.unwrap_or_else(|| schedule.zone().local(at.moment())).time()),
            _ => None,
        };
        if let Some(next) = schedule.next(moment) {
            prop_assert_eq!(shown(&next), shown(&schedule));
            let is_shown_later = |intended| match next.due {
                Some(Due::At(at)) => next.zone().local(at.moment()) > intended,
                _ => false,
            };
            prop_assert!(next.intended.is_none_or(is_shown_later));
        }
    }

    #[test]
    fn the_work_is_bounded_by_the_rule_and_not_by_the_time_that_has_passed(schedule in schedules(), moment in moments()) {
        let Recurrence { rule, .. } = schedule.recurrence.clone().unwrap();
        let zone = schedule.zone();
        let series = Series::of(&rule, &zone, schedule.due.unwrap(), schedule.intended);
        let Search { occurrences, periods, .. } = series.first_not_overdue(moment);
        // Without a count: two days before, the day itself, one after, and one that the zone left out.
        let most = u32::from(rule.count().unwrap_or(0)) + 6;
        prop_assert!(occurrences <= most, "{}: {} occurrences", rule, occurrences);
        // From the due to the moment there are at most 3,600 months, and then a cycle may follow without any.
        prop_assert!(periods <= 2 * most + 3_600 + 4_801, "{}: {} periods", rule, periods);
    }

    #[test]
    fn from_completion_the_next_due_is_later_than_the_completion(
        parts in ("(DAILY|WEEKLY|MONTHLY|YEARLY)", 1..=999_u16, option::of(2..=999_u16)),
        completed_at in moments(), is_day in any::<bool>(), zone in zones(),
    ) {
        let (freq, interval, count) = parts;
        let count = count.map_or_else(String::new, |count| format!(";COUNT={count}"));
        let at = if is_day { "2026-01-31" } else { "2026-01-31T09:00:00Z" };
        let schedule = schedule(&format!("FREQ={freq};INTERVAL={interval}{count}"), RecurrenceFrom::Completion, at, zone);
        let next = schedule.next(completed_at).unwrap();
        prop_assert!(!next.due.unwrap().is_overdue(&schedule.zone(), completed_at));
    }
}

/// Rules that take the longest to find a day of, or that have none after most dues.
const HOSTILE_RULES: [&str; 14] = [
    "FREQ=DAILY",
    "FREQ=DAILY;COUNT=999",
    "FREQ=DAILY;INTERVAL=999;COUNT=999",
    "FREQ=WEEKLY;BYDAY=MO,TU,WE,TH,FR,SA,SU;COUNT=999",
    "FREQ=MONTHLY;BYMONTHDAY=31;COUNT=999",
    "FREQ=MONTHLY;INTERVAL=12;BYMONTHDAY=30",
    "FREQ=MONTHLY;INTERVAL=12;BYDAY=5MO;COUNT=999",
    "FREQ=MONTHLY;INTERVAL=997;BYMONTHDAY=-31;COUNT=999",
    "FREQ=MONTHLY;BYDAY=MO,TU,WE,TH,FR;BYSETPOS=23;COUNT=999",
    "FREQ=YEARLY;INTERVAL=4;BYMONTH=2;BYMONTHDAY=29",
    "FREQ=YEARLY;INTERVAL=100;BYMONTH=2;BYMONTHDAY=-29;COUNT=999",
    "FREQ=YEARLY;BYMONTH=2;BYDAY=5MO;COUNT=999",
    "FREQ=YEARLY;INTERVAL=998;BYMONTH=2;BYMONTHDAY=29;COUNT=2",
    "FREQ=YEARLY;BYMONTH=2;BYDAY=MO,TU,WE,TH,FR,SA,SU;BYSETPOS=29;UNTIL=99991231",
];

#[test]
fn the_work_of_hostile_schedules_is_bounded() {
    let dues = [
        "1900-01-02",
        "1901-02-28",
        "2025-02-01",
        "9999-12-30",
        "1900-01-02T00:00:00Z",
        "2026-03-28T01:30:00Z",
    ];
    let zones = ["UTC", "Pacific/Apia", "America/Scoresbysund"];
    for (rule, due) in HOSTILE_RULES.iter().flat_map(|rule| dues.map(|due| (rule, due))) {
        for (zone, now) in zones
            .iter()
            .flat_map(|zone| ["2026-11-29T06:00:00Z", "9999-12-31T23:59:59Z"].map(|now| (zone, now)))
        {
            let schedule = schedule(rule, RecurrenceFrom::Due, due, zone);
            let Some(Recurrence { rule, .. }) = &schedule.recurrence else { panic!("{rule} is lost") };
            let zone = schedule.zone();
            let search = Series::of(rule, &zone, schedule.due.unwrap(), None).first_not_overdue(utc(now));
            assert!(search.occurrences <= 1_005, "{rule} from {due} in {zone:?}: {search:?}");
            // The months from 1900 to 9999, and a look at each occurrence.
            assert!(
                search.periods <= 97_200 + 4_801 + 2 * 1_005,
                "{rule} from {due} in {zone:?}: {search:?}"
            );
        }
    }
}
