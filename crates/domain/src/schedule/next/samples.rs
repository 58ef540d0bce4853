//! Schedules for the tests.

use chrono::{DateTime, SecondsFormat, Utc};

use crate::{
    change::Change,
    due::{Due, change::DueChange, date::DueDate, moment::DueAt},
    recurrence::{RecurrenceFrom, rule::Rule},
    schedule::{Schedule, changes::ScheduleChanges},
    zone::ZoneName,
};

pub(super) fn utc(text: &str) -> DateTime<Utc> {
    text.parse().unwrap()
}

pub(super) fn due(text: &str) -> Due {
    DueDate::parse(text).map(Due::On).or_else(|_| DueAt::parse(text).map(Due::At)).expect(text)
}

/// A due as it is written.
pub(super) fn written(due: Due) -> String {
    match due {
        Due::On(date) => date.to_string(),
        Due::At(at) => at.moment().to_rfc3339_opts(SecondsFormat::AutoSi, true),
    }
}

pub(super) fn schedule(rule: &str, from: RecurrenceFrom, at: &str, zone: &str) -> Schedule {
    let changes = ScheduleChanges {
        due: DueChange::to(due(at)),
        time_zone: ZoneName::parse(zone).map_or(Change::Keep, Change::Set),
        rule: Change::Set(Rule::parse(rule).unwrap()),
        from: Change::Set(from),
    };
    Schedule::default().apply(&changes).unwrap()
}
