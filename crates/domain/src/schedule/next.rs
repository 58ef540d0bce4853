//! The occurrence after a completed one.

use chrono::{DateTime, Days, NaiveDate, NaiveDateTime, NaiveTime, Utc};

use super::Schedule;
use crate::{
    due::{Due, date::DueDate, moment::DueAt},
    recurrence::{Recurrence, RecurrenceFrom, rule::Rule},
    zone::ZoneName,
};

impl Schedule {
    /// The schedule of the next task, if this one is completed at `completed_at`; `None` if it does not recur, or if the
    /// rule ends here (`docs/api.md`, "Recurrence").
    #[must_use]
    pub fn next(&self, completed_at: DateTime<Utc>) -> Option<Self> {
        let Recurrence { rule, from } = self.recurrence.as_ref()?;
        let zone = self.zone();
        let series = Series::of(rule, &zone, self.due?, self.intended);
        let Occurrence { due, intended, left } = match from {
            RecurrenceFrom::Due => series.first_not_overdue(completed_at).found?,
            RecurrenceFrom::Completion => series.after_completion(completed_at)?,
        };
        let rule = left.map_or_else(|| rule.clone(), |left| rule.with_count(left));
        let (time_zone, recurrence) = (self.time_zone.clone(), Some(Recurrence { rule, from: *from }));
        Some(Self { due: Some(due), time_zone, recurrence, intended })
    }
}

/// The occurrences of a rule after a due.
struct Series<'a> {
    rule: &'a Rule,
    zone: &'a ZoneName,
    due: Due,
    /// The day of the due, from which intervals count.
    day: NaiveDate,
    /// The time that each occurrence has on its day, unless it is a day itself.
    time: Option<NaiveTime>,
}

/// One of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Occurrence {
    due: Due,
    intended: Option<NaiveDateTime>,
    /// How many occurrences are left with this one, if they are counted.
    left: Option<u16>,
}

/// What a search for an occurrence came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Search {
    found: Option<Occurrence>,
    /// How many occurrences were looked at.
    occurrences: u32,
    /// How many days, weeks or months were looked at to find them.
    periods: u32,
}

impl<'a> Series<'a> {
    fn of(rule: &'a Rule, zone: &'a ZoneName, due: Due, intended: Option<NaiveDateTime>) -> Self {
        let (day, time) = match due {
            Due::On(date) => (date.day(), None),
            Due::At(at) => {
                let local = intended.unwrap_or_else(|| zone.local(at.moment()));
                (local.date(), Some(local.time()))
            }
        };
        Self { rule, zone, due, day, time }
    }

    /// The first occurrence after the due that is not overdue at that moment.
    ///
    /// Each one on the way is looked at only if the rule counts them, and then it ends after at most [`Rule::MAX_COUNT`].
    fn first_not_overdue(&self, moment: DateTime<Utc>) -> Search {
        let mut after = self.day;
        let mut left = self.rule.count();
        if left.is_none() {
            // A time that does not exist becomes one of the same day or of the next.
            let long_past = self.zone.day(moment).checked_sub_days(Days::new(2));
            after = long_past.map_or(after, |long_past| after.max(long_past));
        }
        let (mut last, mut occurrences, mut periods) = (self.due, 0, 0);
        loop {
            let next = self.rule.day_after(self.day, after);
            occurrences += 1;
            periods += next.looked_at;
            let occurrence = next.day.and_then(|day| Some((day, self.on(day)?)));
            let Some((day, occurrence)) = occurrence else {
                return Search { found: None, occurrences, periods };
            };
            after = day;
            // Where a zone left out a day, its time is that of the day after: both are one occurrence.
            if !is_later(occurrence.due, last) {
                continue;
            }
            last = occurrence.due;
            left = left.map(|left| left - 1);
            let is_over = left == Some(0);
            if is_over || !occurrence.due.is_overdue(self.zone, moment) {
                let found = if is_over { None } else { Some(Occurrence { left, ..occurrence }) };
                return Search { found, occurrences, periods };
            }
        }
    }

    /// The occurrence one interval after the day of completion.
    fn after_completion(&self, completed_at: DateTime<Utc>) -> Option<Occurrence> {
        let left = self.rule.count().map(|count| count - 1).filter(|left| *left > 0);
        if left.is_none() && self.rule.count().is_some() {
            return None;
        }
        let occurrence = self.on(self.rule.interval_after(self.zone.day(completed_at))?)?;
        Some(Occurrence { left, ..occurrence })
    }

    /// The occurrence on that day, unless it is after the end of the rule or too late to be due.
    fn on(&self, day: NaiveDate) -> Option<Occurrence> {
        if self.rule.until().is_some_and(|until| day > until) {
            return None;
        }
        let Some(time) = self.time else {
            return Some(Occurrence { due: Due::On(DueDate::new(day).ok()?), intended: None, left: None });
        };
        let local = day.and_time(time);
        let at = DueAt::new(self.zone.moment(local)).ok()?;
        let is_shown = self.zone.local(at.moment()) == local;
        Some(Occurrence { due: Due::At(at), intended: if is_shown { None } else { Some(local) }, left: None })
    }
}

/// Compares two dues of one series, which are of one kind.
fn is_later(due: Due, other: Due) -> bool {
    match (due, other) {
        (Due::On(one), Due::On(other)) => one > other,
        (Due::At(one), Due::At(other)) => one > other,
        (Due::On(_), Due::At(_)) | (Due::At(_), Due::On(_)) => true,
    }
}

#[cfg(test)]
mod laws;
#[cfg(test)]
mod samples;
#[cfg(test)]
mod tests;
