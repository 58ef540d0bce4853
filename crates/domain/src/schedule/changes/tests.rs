use proptest::{option, prelude::*, sample::select};

use super::*;
use crate::{
    due::{date::DueDate, moment::DueAt},
    recurrence::samples::rules,
};

fn due(text: &str) -> DueChange {
    let due = DueDate::parse(text).map(Due::On).or_else(|_| DueAt::parse(text).map(Due::At));
    DueChange::to(due.expect(text))
}

fn no_due() -> DueChange {
    DueChange::of_members(Change::Clear, Change::Clear).unwrap()
}

fn rule(text: &str) -> Change<Rule> {
    Change::Set(Rule::parse(text).unwrap())
}

fn zone(name: &str) -> Change<ZoneName> {
    Change::Set(ZoneName::parse(name).unwrap())
}

/// A body of due, rule and from where it counts, each of which may be left out.
fn body(of_due: &str, of_rule: &str, from: Change<RecurrenceFrom>) -> ScheduleChanges {
    ScheduleChanges {
        due: if of_due.is_empty() { DueChange::KEEP } else { due(of_due) },
        rule: if of_rule.is_empty() { Change::Keep } else { rule(of_rule) },
        from,
        ..ScheduleChanges::default()
    }
}

fn created(of_due: &str, of_rule: &str, from: Change<RecurrenceFrom>) -> Schedule {
    Schedule::default().apply(&body(of_due, of_rule, from)).unwrap()
}

/// The rule as it is answered, and from where it counts.
fn recurrence(schedule: &Schedule) -> Option<(String, RecurrenceFrom)> {
    schedule.recurrence.as_ref().map(|recurrence| (recurrence.rule.to_string(), recurrence.from))
}

const COMPLETION: Change<RecurrenceFrom> = Change::Set(RecurrenceFrom::Completion);
const DUE: Change<RecurrenceFrom> = Change::Set(RecurrenceFrom::Due);

#[test]
fn a_rule_needs_a_due_whichever_of_the_two_a_body_changes() {
    let recurring = created("2026-01-31", "FREQ=DAILY", Change::Keep);
    let clears = ScheduleChanges { due: no_due(), ..ScheduleChanges::default() };
    let both = ScheduleChanges { due: no_due(), rule: Change::Clear, ..ScheduleChanges::default() };
    assert_eq!(
        Schedule::default().apply(&body("", "FREQ=DAILY", Change::Keep)),
        Err(vec![ScheduleFault::NoDue])
    );
    assert_eq!(recurring.apply(&clears), Err(vec![ScheduleFault::NoDue]));
    assert_eq!(recurring.apply(&both), Ok(Schedule::default()));
    assert_eq!(ScheduleFault::NoDue.member(), "recurrence");
    let moved = recurring.apply(&body("2026-01-31T09:00:00Z", "", Change::Keep)).unwrap();
    assert!(matches!(moved.due, Some(Due::At(_))) && moved.recurrence == recurring.recurrence);
}

#[test]
fn from_where_it_counts_needs_a_rule_and_is_the_due_unless_the_body_says() {
    let (plain, daily) = (Schedule::default(), created("2026-01-31", "FREQ=DAILY", Change::Keep));
    assert_eq!(recurrence(&daily), Some(("FREQ=DAILY".to_owned(), RecurrenceFrom::Due)));
    for from in [DUE, COMPLETION] {
        assert_eq!(plain.apply(&body("2026-01-31", "", from.clone())), Err(vec![ScheduleFault::NoRule]));
        let clears = ScheduleChanges { rule: Change::Clear, from, ..ScheduleChanges::default() };
        assert_eq!(daily.apply(&clears), Err(vec![ScheduleFault::NoRule]));
    }
    assert_eq!(ScheduleFault::NoRule.member(), "recurrence_from");
    // Null where there is no rule clears nothing.
    assert_eq!(plain.apply(&body("", "", Change::Clear)), Ok(plain.clone()));
    let clears = ScheduleChanges { rule: Change::Clear, from: Change::Clear, ..ScheduleChanges::default() };
    assert_eq!(recurrence(&daily.apply(&clears).unwrap()), None);
    // What is not sent stays.
    let from_completion = daily.apply(&body("", "", COMPLETION)).unwrap();
    let weekly = from_completion.apply(&body("", "FREQ=WEEKLY", Change::Keep)).unwrap();
    assert_eq!(recurrence(&weekly), Some(("FREQ=WEEKLY".to_owned(), RecurrenceFrom::Completion)));
}

#[test]
fn a_rule_that_counts_from_completion_names_no_days() {
    let fault = |schedule: &Schedule, body: &ScheduleChanges| schedule.apply(body).unwrap_err();
    let (plain, weekly) = (Schedule::default(), created("2026-01-31", "FREQ=WEEKLY", Change::Keep));
    // That rule has been given the day of its due.
    assert_eq!(fault(&weekly, &body("", "", COMPLETION)), [ScheduleFault::FromBesideDays]);
    assert_eq!(ScheduleFault::FromBesideDays.member(), "recurrence_from");
    let both = body("2026-01-31", "FREQ=WEEKLY;BYDAY=MO", COMPLETION);
    assert_eq!(fault(&plain, &both), [ScheduleFault::RuleNamesDays]);
    assert_eq!(ScheduleFault::RuleNamesDays.member(), "recurrence");
    let from_completion = created("2026-01-31", "FREQ=WEEKLY", COMPLETION);
    let only_rule = body("", "FREQ=WEEKLY;BYDAY=MO", Change::Keep);
    assert_eq!(fault(&from_completion, &only_rule), [ScheduleFault::RuleNamesDays]);
    let without_due = body("", "FREQ=WEEKLY;BYDAY=MO", COMPLETION);
    assert_eq!(fault(&plain, &without_due), [ScheduleFault::RuleNamesDays, ScheduleFault::NoDue]);
    assert!(plain.apply(&body("2026-01-31", "FREQ=WEEKLY;WKST=MO;COUNT=2", COMPLETION)).is_ok());
    assert!(weekly.apply(&body("", "FREQ=WEEKLY", COMPLETION)).is_ok());
}

#[test]
fn a_rule_without_days_gets_the_day_of_the_due_as_the_body_leaves_it() {
    let schedule = created("2026-01-15", "FREQ=MONTHLY", Change::Keep);
    assert_eq!(recurrence(&schedule).unwrap().0, "FREQ=MONTHLY;BYMONTHDAY=15");
    // To postpone one occurrence does not move the others.
    let postponed = schedule.apply(&body("2026-01-17", "", Change::Keep)).unwrap();
    assert_eq!(recurrence(&postponed).unwrap().0, "FREQ=MONTHLY;BYMONTHDAY=15");
    let again = postponed.apply(&body("2026-01-31", "FREQ=MONTHLY", Change::Keep)).unwrap();
    assert_eq!(recurrence(&again).unwrap().0, "FREQ=MONTHLY;BYMONTHDAY=28,29,30,31;BYSETPOS=-1");
    // So does a rule that counts from the due from now on.
    let from_completion = created("2026-01-15", "FREQ=WEEKLY", COMPLETION);
    assert_eq!(recurrence(&from_completion).unwrap().0, "FREQ=WEEKLY");
    for from in [DUE, Change::Clear] {
        let from_due = from_completion.apply(&body("", "", from)).unwrap();
        assert_eq!(recurrence(&from_due), Some(("FREQ=WEEKLY;BYDAY=TH".to_owned(), RecurrenceFrom::Due)));
    }
}

#[test]
fn the_day_of_a_moment_is_that_in_the_time_zone_as_the_body_leaves_it() {
    for (name, day) in [("UTC", "SA"), ("Pacific/Kiritimati", "SU"), ("America/New_York", "SA")] {
        let changes = ScheduleChanges {
            time_zone: zone(name),
            ..body("2026-01-31T23:00:00Z", "FREQ=WEEKLY", Change::Keep)
        };
        let schedule = Schedule::default().apply(&changes).unwrap();
        assert_eq!(recurrence(&schedule).unwrap().0, format!("FREQ=WEEKLY;BYDAY={day}"));
        let cleared = ScheduleChanges {
            time_zone: Change::Clear,
            rule: rule("FREQ=WEEKLY"),
            ..ScheduleChanges::default()
        };
        assert_eq!(recurrence(&schedule.apply(&cleared).unwrap()).unwrap().0, "FREQ=WEEKLY;BYDAY=SA");
    }
}

#[test]
fn a_time_zone_never_moves_the_due_nor_the_rule() {
    let schedule = created("2026-01-31T23:00:00Z", "FREQ=WEEKLY", Change::Keep);
    let changes = ScheduleChanges { time_zone: zone("Pacific/Kiritimati"), ..ScheduleChanges::default() };
    let moved = schedule.apply(&changes).unwrap();
    assert_eq!((moved.due, &moved.recurrence), (schedule.due, &schedule.recurrence));
    assert_eq!(moved.time_zone().map(ZoneName::as_str), Some("Pacific/Kiritimati"));
}

#[test]
fn the_time_that_was_meant_is_kept_until_the_due_or_the_zone_becomes_another() {
    let first = ScheduleChanges {
        time_zone: zone("Europe/Berlin"),
        ..body("2026-03-28T01:30:00Z", "FREQ=DAILY", Change::Keep)
    };
    let first = Schedule::default().apply(&first).unwrap();
    let in_the_gap = first.next("2026-03-28T00:00:00Z".parse().unwrap()).unwrap();
    let intended = Some("2026-03-29T02:30:00".parse().unwrap());
    assert_eq!(in_the_gap.intended(), intended);
    assert_eq!(Schedule::from_parts(in_the_gap.clone().into_parts()), Ok(in_the_gap.clone()));
    let after = |changes: &ScheduleChanges| in_the_gap.apply(changes).unwrap().intended();
    for same in [
        ScheduleChanges::default(),
        ScheduleChanges {
            time_zone: zone("Europe/Berlin"),
            ..body("2026-03-29T01:30:00Z", "", Change::Keep)
        },
        body("", "FREQ=WEEKLY", Change::Keep),
    ] {
        assert_eq!(after(&same), intended);
    }
    for other in [
        ScheduleChanges { time_zone: zone("Europe/Paris"), ..ScheduleChanges::default() },
        ScheduleChanges { time_zone: Change::Clear, ..ScheduleChanges::default() },
        body("2026-03-29T01:30:00.000001Z", "", Change::Keep),
        body("2026-03-29", "", Change::Keep),
    ] {
        assert_eq!(after(&other), None, "{other:?}");
    }
}

#[test]
fn what_is_stored_is_taken_unless_no_body_can_have_left_it() {
    let parts = created("2026-01-31", "FREQ=WEEKLY", Change::Keep).into_parts();
    let without_due = ScheduleParts { due: None, ..parts.clone() };
    assert_eq!(Schedule::from_parts(without_due), Err(ScheduleFault::NoDue));
    let from_completion = parts
        .recurrence
        .clone()
        .map(|recurrence| Recurrence { from: RecurrenceFrom::Completion, ..recurrence });
    let beside_days = ScheduleParts { recurrence: from_completion, ..parts };
    assert_eq!(Schedule::from_parts(beside_days), Err(ScheduleFault::RuleNamesDays));
}

fn changes() -> impl Strategy<Value = ScheduleChanges> {
    let dues = prop_oneof![
        Just(DueChange::KEEP),
        Just(no_due()),
        select(&["2026-01-31", "2024-02-29", "2026-03-29T01:30:00Z", "2026-01-31T23:00:00Z"][..])
            .prop_map(due),
    ];
    let zones = prop_oneof![
        Just(Change::Keep),
        Just(Change::Clear),
        select(&["UTC", "Europe/Berlin", "Pacific/Kiritimati"][..]).prop_map(zone),
    ];
    let plain =
        select(&["FREQ=DAILY", "FREQ=WEEKLY", "FREQ=MONTHLY;COUNT=3", "FREQ=YEARLY"][..]).prop_map(rule);
    let rules = prop_oneof![Just(Change::Keep), Just(Change::Clear), plain, rules().prop_map(Change::Set)];
    let from = select(vec![Change::Keep, Change::Clear, DUE, COMPLETION]);
    (dues, zones, rules, from).prop_map(|(due, time_zone, rule, from)| ScheduleChanges {
        due,
        time_zone,
        rule,
        from,
    })
}

proptest! {
    #[test]
    fn what_a_body_leaves_can_be_stored_and_the_same_body_again_changes_nothing(
        before in option::of(changes()), body in changes(),
    ) {
        let before = before.and_then(|changes| Schedule::default().apply(&changes).ok()).unwrap_or_default();
        if let Ok(after) = before.apply(&body) {
            prop_assert_eq!(Schedule::from_parts(after.clone().into_parts()), Ok(after.clone()));
            prop_assert_eq!(after.apply(&body), Ok(after.clone()));
            prop_assert_eq!(after.apply(&ScheduleChanges::default()), Ok(after.clone()));
            let from_due = after.recurrence.filter(|recurrence| recurrence.from == RecurrenceFrom::Due);
            prop_assert!(from_due.is_none_or(|it| it.rule == it.rule.naming_days_of(NaiveDate::MIN)));
        }
    }

    #[test]
    fn a_fault_is_that_of_a_member_that_the_body_sends_or_needs(before in option::of(changes()), body in changes()) {
        let before = before.and_then(|changes| Schedule::default().apply(&changes).ok()).unwrap_or_default();
        if let Err(faults) = before.apply(&body) {
            prop_assert!(!faults.is_empty());
            for fault in faults {
                let is_sent = match fault {
                    ScheduleFault::NoDue => body.rule != Change::Keep || !body.due.is_keep(),
                    ScheduleFault::RuleNamesDays => body.rule != Change::Keep,
                    ScheduleFault::NoRule | ScheduleFault::FromBesideDays => body.from != Change::Keep,
                };
                prop_assert!(is_sent, "{:?}", fault);
            }
        }
    }
}
