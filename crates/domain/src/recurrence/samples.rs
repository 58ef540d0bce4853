//! Rules for the property tests.

use proptest::{collection::vec, option, prelude::*, sample::select};

use super::rule::Rule;

const WEEKDAYS: [&str; 7] = ["MO", "TU", "WE", "TH", "FR", "SA", "SU"];

fn weekdays() -> impl Strategy<Value = String> {
    vec(select(&WEEKDAYS[..]), 1..5).prop_map(|days| format!(";BYDAY={}", days.join(",")))
}

fn numbers(max: i8) -> impl Strategy<Value = i8> {
    (1..=max, any::<bool>()).prop_map(|(number, is_negative)| if is_negative { -number } else { number })
}

/// The parts that name days of a month.
fn month_days() -> impl Strategy<Value = String> {
    let joined = |numbers: Vec<i8>| numbers.iter().map(i8::to_string).collect::<Vec<_>>().join(",");
    let by_number = || vec(numbers(31), 1..6).prop_map(move |days| format!(";BYMONTHDAY={}", joined(days)));
    let nth = vec((numbers(5), select(&WEEKDAYS[..])), 1..5).prop_map(|days| {
        let days: Vec<_> = days.into_iter().map(|(n, day)| format!("{n}{day}")).collect();
        format!(";BYDAY={}", days.join(","))
    });
    let with_position = (prop_oneof![by_number(), weekdays()], numbers(31))
        .prop_map(|(days, position)| format!("{days};BYSETPOS={position}"));
    prop_oneof![by_number(), weekdays(), nth, with_position]
}

/// Texts of rules, each part of which is allowed; some have no day in any year.
pub(crate) fn texts() -> impl Strategy<Value = String> {
    let interval = prop_oneof![
        Just(String::new()),
        prop_oneof![1..5_u16, 1..=999_u16].prop_map(|interval| format!(";INTERVAL={interval}"))
    ];
    let end = prop_oneof![
        Just(String::new()),
        prop_oneof![1..6_u16, 1..=999_u16].prop_map(|count| format!(";COUNT={count}")),
        (1900..2100_u16, 1..=12_u8, 1..=28_u8).prop_map(|(y, m, d)| format!(";UNTIL={y}{m:02}{d:02}")),
    ];
    let days = prop_oneof![
        Just("FREQ=DAILY".to_owned()),
        option::of(weekdays()).prop_map(|days| format!("FREQ=WEEKLY{}", days.unwrap_or_default())),
        option::of(month_days()).prop_map(|days| format!("FREQ=MONTHLY{}", days.unwrap_or_default())),
        option::of((1..=12_u8, month_days())).prop_map(|days| {
            let days = days.map(|(month, days)| format!(";BYMONTH={month}{days}"));
            format!("FREQ=YEARLY{}", days.unwrap_or_default())
        }),
    ];
    (days, interval, end).prop_map(|(days, interval, end)| format!("{days}{interval}{end}"))
}

pub(crate) fn rules() -> impl Strategy<Value = Rule> {
    texts().prop_filter_map("has no day in any year", |text| Rule::parse(&text).ok())
}
