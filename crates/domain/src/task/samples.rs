//! Tasks, changes and moments for the property tests.

use chrono::{DateTime, TimeDelta, Utc};
use proptest::{option, prelude::*};

use super::{
    Task, changes::TaskChanges, description::Description, moment::whole_micros, title::Title,
    version::Version,
};
use crate::{
    change::Change,
    testing::{task, user},
};

/// Few, so that changes often name what is there already.
fn titles() -> impl Strategy<Value = Title> {
    prop_oneof!["[ab]", "\\PC{1,20}"].prop_filter_map("not a title", |text| Title::parse(text).ok())
}

fn descriptions() -> impl Strategy<Value = Description> {
    prop_oneof!["[ab]?", "[^\\x00]{0,20}"]
        .prop_filter_map("not a description", |text| Description::parse(text).ok())
}

/// Moments of all times, to the nanosecond, the first and the last ones among them.
pub(super) fn moments() -> impl Strategy<Value = DateTime<Utc>> {
    let (first, last) = (DateTime::<Utc>::MIN_UTC, DateTime::<Utc>::MAX_UTC);
    prop_oneof![
        1 => Just(first),
        1 => Just(last),
        4 => (first.timestamp()..=last.timestamp(), 0..1_000_000_000_u32)
            .prop_filter_map("not a moment", |(seconds, nanos)| DateTime::from_timestamp(seconds, nanos)),
        4 => (0..3_000_000_i64).prop_map(|nanos| the_days_of_the_tasks() + TimeDelta::nanoseconds(nanos)),
    ]
}

/// Tasks that were last changed around a moment that [`moments`] are often around, too, after any number of changes that
/// leaves room for some more.
pub(super) fn tasks() -> impl Strategy<Value = Task> {
    let times = (0..3_000_i64, 0..3_000_i64, option::of(0..3_000_i64));
    let versions = prop_oneof![1..5_i64, 1..i64::MAX - 5];
    (titles(), option::of(descriptions()), times, versions).prop_map(
        |(title, description, times, version)| {
            let (created, updated, completed) = times;
            let micros = |count| whole_micros(the_days_of_the_tasks() + TimeDelta::microseconds(count));
            Task {
                title,
                description,
                created_at: micros(created.min(updated)),
                updated_at: micros(updated),
                completed_at: completed.map(|count| micros(count.min(updated))),
                version: Version::new(version).unwrap(),
                ..task(&user("u"), 7)
            }
        },
    )
}

fn the_days_of_the_tasks() -> DateTime<Utc> {
    "2026-01-02T03:04:05Z".parse().unwrap()
}

pub(super) fn changes() -> impl Strategy<Value = TaskChanges> {
    let description =
        prop_oneof![Just(Change::Keep), Just(Change::Clear), descriptions().prop_map(Change::Set)];
    (option::of(titles()), description, any::<Option<bool>>())
        .prop_map(|(title, description, completed)| TaskChanges { title, description, completed })
}
