use proptest::{collection::vec, prelude::*, sample::select};

use super::*;
use crate::recurrence::samples::{rules, texts};

fn fault(text: &str) -> InvalidRule {
    Rule::parse(text).expect_err(text)
}

#[test]
fn a_rule_has_one_form_whatever_the_case_and_order_it_was_sent_in() {
    for (text, form) in [
        ("freq=daily", "FREQ=DAILY"),
        ("INTERVAL=1;FREQ=DAILY", "FREQ=DAILY"),
        ("count=1;Interval=999;fReQ=Daily;wkst=mo", "FREQ=DAILY;INTERVAL=999;COUNT=1"),
        ("UNTIL=99991231;FREQ=WEEKLY", "FREQ=WEEKLY;UNTIL=99991231"),
        ("FREQ=WEEKLY;BYDAY=SU,MO,SU,WE", "FREQ=WEEKLY;BYDAY=MO,WE,SU"),
        ("BYMONTHDAY=31,-1,15,-31,15;FREQ=MONTHLY", "FREQ=MONTHLY;BYMONTHDAY=-31,-1,15,31"),
        ("FREQ=MONTHLY;BYDAY=2TU,-1FR,2MO,-5SU,2TU", "FREQ=MONTHLY;BYDAY=-5SU,-1FR,2MO,2TU"),
        ("BYSETPOS=-1;BYDAY=FR,MO;FREQ=MONTHLY", "FREQ=MONTHLY;BYDAY=MO,FR;BYSETPOS=-1"),
        ("BYDAY=MO;BYMONTH=12;FREQ=YEARLY;COUNT=999", "FREQ=YEARLY;BYMONTH=12;BYDAY=MO;COUNT=999"),
        ("FREQ=YEARLY;BYMONTHDAY=29;BYMONTH=2", "FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=29"),
    ] {
        assert_eq!(Rule::parse(text).expect(text).to_string(), form);
    }
}

#[test]
fn what_is_not_made_of_known_parts_is_refused() {
    for text in
        ["", ";", "FREQ", "FREQ=DAILY;", ";FREQ=DAILY", "FREQ=DAILY;;COUNT=1", "daily", "FREQ=DAILY COUNT=1"]
    {
        assert!(matches!(fault(text), InvalidRule::Form | InvalidRule::Value { .. }), "{text:?}");
    }
    for text in [
        "RRULE:FREQ=DAILY",
        "FREQ=DAILY;BYHOUR=9",
        "FREQ=YEARLY;BYWEEKNO=1",
        "FREQ=YEARLY;BYYEARDAY=1",
        "FREQ=DAILY; COUNT=1",
        "FREQ=DAILY;DTSTART=20260101",
        "FREQ=DAILY\nEXDATE=20260101",
        " FREQ=DAILY",
        "FREQ =DAILY",
        "=DAILY",
        "FREQ=DAILY;X-A=1",
    ] {
        assert!(matches!(fault(text), InvalidRule::UnknownPart | InvalidRule::Value { .. }), "{text:?}");
    }
    assert_eq!(fault("FREQ=DAILY;freq=DAILY"), InvalidRule::Repeated("FREQ"));
    assert_eq!(fault("INTERVAL=2"), InvalidRule::NoFrequency);
    let long = format!("FREQ=MONTHLY;BYMONTHDAY={}", vec!["1"; 89].join(","));
    assert_eq!(fault(&long), InvalidRule::TooLong { max: 200, actual: 201 });
    assert!(Rule::parse(&long[..199]).is_ok());
    assert_eq!(fault(&"é".repeat(201)), InvalidRule::TooLong { max: 200, actual: 201 });
}

#[test]
fn values_have_no_sign_no_leading_zero_and_are_in_their_range() {
    for text in [
        "FREQ=HOURLY",
        "FREQ=",
        "FREQ=DAILY=DAILY",
        "FREQ=ＤＡＩＬＹ",
        "FREQ=DAILY;INTERVAL=0",
        "FREQ=DAILY;INTERVAL=1000",
        "FREQ=DAILY;INTERVAL=+1",
        "FREQ=DAILY;INTERVAL=01",
        "FREQ=DAILY;INTERVAL=-1",
        "FREQ=DAILY;INTERVAL=1.5",
        "FREQ=DAILY;INTERVAL=1,2",
        "FREQ=DAILY;INTERVAL=",
        "FREQ=DAILY;INTERVAL=99999999999999999999",
        "FREQ=DAILY;COUNT=0",
        "FREQ=DAILY;COUNT=1000",
        "FREQ=DAILY;COUNT=٣",
        "FREQ=DAILY;UNTIL=20260230",
        "FREQ=DAILY;UNTIL=20260101T000000Z",
        "FREQ=DAILY;UNTIL=2026-01-01",
        "FREQ=DAILY;UNTIL=2026",
        "FREQ=DAILY;UNTIL=+2026010",
        "FREQ=DAILY;WKST=SU",
        "FREQ=WEEKLY;BYDAY=",
        "FREQ=WEEKLY;BYDAY=XX",
        "FREQ=WEEKLY;BYDAY=MO,",
        "FREQ=WEEKLY;BYDAY=M",
        "FREQ=WEEKLY;BYDAY=MONDAY",
        "FREQ=WEEKLY;BYDAY=MO TU",
        "FREQ=WEEKLY;BYDAY=éMO",
        "FREQ=MONTHLY;BYDAY=0MO",
        "FREQ=MONTHLY;BYDAY=6MO",
        "FREQ=MONTHLY;BYDAY=-6MO",
        "FREQ=MONTHLY;BYDAY=+1MO",
        "FREQ=MONTHLY;BYDAY=01MO",
        "FREQ=MONTHLY;BYDAY=1",
        "FREQ=MONTHLY;BYDAY=1MO,TU",
        "FREQ=MONTHLY;BYMONTHDAY=0",
        "FREQ=MONTHLY;BYMONTHDAY=32",
        "FREQ=MONTHLY;BYMONTHDAY=-32",
        "FREQ=MONTHLY;BYMONTHDAY=--1",
        "FREQ=MONTHLY;BYMONTHDAY=-0",
        "FREQ=MONTHLY;BYMONTHDAY=1;BYSETPOS=0",
        "FREQ=MONTHLY;BYMONTHDAY=1;BYSETPOS=1,2",
        "FREQ=MONTHLY;BYMONTHDAY=1;BYSETPOS=32",
        "FREQ=YEARLY;BYMONTH=13;BYMONTHDAY=1",
        "FREQ=YEARLY;BYMONTH=0;BYMONTHDAY=1",
        "FREQ=YEARLY;BYMONTH=1,2;BYMONTHDAY=1",
        "FREQ=YEARLY;BYMONTH=JAN;BYMONTHDAY=1",
    ] {
        assert!(matches!(fault(text), InvalidRule::Value { .. }), "{text}: {}", fault(text));
    }
}

#[test]
fn parts_stand_only_where_they_are_allowed() {
    for text in [
        "FREQ=DAILY;BYDAY=MO",
        "FREQ=DAILY;BYMONTHDAY=1",
        "FREQ=DAILY;BYMONTH=1",
        "FREQ=DAILY;BYSETPOS=1",
        "FREQ=WEEKLY;BYDAY=1MO",
        "FREQ=WEEKLY;BYMONTHDAY=1",
        "FREQ=WEEKLY;BYMONTH=1",
        "FREQ=WEEKLY;BYDAY=MO;BYSETPOS=1",
        "FREQ=WEEKLY;BYSETPOS=1",
        "FREQ=WEEKLY;BYDAY=MO;BYMONTH=1",
        "FREQ=MONTHLY;BYMONTH=1;BYMONTHDAY=1",
        "FREQ=MONTHLY;BYSETPOS=1",
        "FREQ=MONTHLY;BYDAY=1MO;BYSETPOS=1",
        "FREQ=YEARLY;BYMONTH=1",
        "FREQ=YEARLY;BYDAY=MO",
        "FREQ=YEARLY;BYMONTHDAY=1",
        "FREQ=YEARLY;BYDAY=20MO",
        "FREQ=YEARLY;BYMONTH=1;BYSETPOS=1",
    ] {
        assert!(
            matches!(fault(text), InvalidRule::Misplaced { .. } | InvalidRule::Value { .. }),
            "{text}: {}",
            fault(text)
        );
    }
    assert_eq!(fault("FREQ=MONTHLY;BYDAY=MO;BYMONTHDAY=1"), InvalidRule::Both("BYMONTHDAY", "BYDAY"));
    assert_eq!(fault("FREQ=DAILY;COUNT=1;UNTIL=20260101"), InvalidRule::Both("COUNT", "UNTIL"));
    let fault = fault("FREQ=YEARLY;BYMONTHDAY=1").to_string();
    assert_eq!(fault, "BYMONTHDAY is allowed beside BYMONTH, if FREQ is YEARLY, only");
}

#[test]
fn a_rule_without_a_day_in_any_year_is_refused() {
    for text in [
        "FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=30",
        "FREQ=YEARLY;BYMONTH=4;BYMONTHDAY=31",
        "FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=-30,-31",
        "FREQ=MONTHLY;BYMONTHDAY=1;BYSETPOS=2",
        "FREQ=MONTHLY;BYDAY=MO;BYSETPOS=6",
        "FREQ=MONTHLY;BYDAY=MO;BYSETPOS=-6",
        "FREQ=MONTHLY;BYDAY=MO,TU,WE,TH,FR;BYSETPOS=24",
        "FREQ=YEARLY;BYMONTH=2;BYDAY=MO,TU;BYSETPOS=10",
        "FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=28,29,30;BYSETPOS=3",
        "FREQ=DAILY;UNTIL=18991231",
        "FREQ=MONTHLY;UNTIL=00000101",
        "FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=29;UNTIL=19040228",
    ] {
        assert_eq!(fault(text), InvalidRule::NoDay, "{text}");
    }
    for text in [
        "FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=29",
        "FREQ=YEARLY;BYMONTH=2;BYDAY=5MO",
        "FREQ=MONTHLY;BYDAY=MO,TU,WE,TH,FR;BYSETPOS=23",
        "FREQ=YEARLY;BYMONTH=2;BYDAY=MO,TU;BYSETPOS=9",
        "FREQ=YEARLY;INTERVAL=999;BYMONTH=2;BYMONTHDAY=-29",
        "FREQ=MONTHLY;INTERVAL=12;BYMONTHDAY=31",
        "FREQ=DAILY;UNTIL=19000101",
        "FREQ=MONTHLY;UNTIL=19000101",
        "FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=29;UNTIL=19040229",
        "FREQ=MONTHLY;BYDAY=MO,TU,WE,TH,FR,SA,SU;BYSETPOS=31",
    ] {
        assert!(Rule::parse(text).is_ok(), "{text}");
    }
}

proptest! {
    #[test]
    fn the_form_of_a_rule_is_read_as_the_rule(rule in rules()) {
        let form = rule.to_string();
        prop_assert!(form.len() <= Rule::MAX_CHARS);
        let again = Rule::parse(&form);
        prop_assert_eq!(again.as_ref(), Ok(&rule));
        prop_assert_eq!(Rule::parse(&form.to_lowercase()), again);
    }

    #[test]
    fn parts_in_another_order_make_the_same_rule(text in texts(), seed in any::<prop::sample::Index>()) {
        let mut parts: Vec<_> = text.split(';').collect();
        let length = parts.len();
        parts.rotate_left(seed.index(length));
        prop_assert_eq!(Rule::parse(&parts.join(";")), Rule::parse(&text));
    }

    #[test]
    fn what_is_made_of_allowed_parts_is_refused_only_if_it_has_no_day(text in texts()) {
        let rule = Rule::parse(&text);
        prop_assert!(matches!(rule, Ok(_) | Err(InvalidRule::NoDay)), "{}: {:?}", text, rule);
    }

    #[test]
    fn no_text_panics(
        noise in "\\PC{0,40}",
        pieces in vec(select(&["FREQ=", "DAILY", "MONTHLY", ";", "BYDAY=", "MO", "-", ",", "31", "BYSETPOS=", "UNTIL=", "é", "0"][..]), 0..20),
    ) {
        let _ = (Rule::parse(&noise), Rule::parse(&pieces.concat()));
    }
}
