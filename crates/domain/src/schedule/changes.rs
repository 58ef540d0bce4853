use chrono::{NaiveDate, NaiveDateTime};

use super::{Schedule, ScheduleParts};
use crate::{
    change::Change,
    due::{Due, change::DueChange},
    recurrence::{Recurrence, RecurrenceFrom, rule::Rule},
    zone::ZoneName,
};

/// New values for some members of a schedule, or for none (`docs/api.md`, "More members").
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ScheduleChanges {
    /// What to do with the due.
    pub due: DueChange,
    /// What to do with the time zone. It never moves a moment.
    pub time_zone: Change<ZoneName>,
    /// What to do with the rule.
    pub rule: Change<Rule>,
    /// From where it counts; [`Change::Clear`] stands for [`RecurrenceFrom::Due`], if there is a rule.
    pub from: Change<RecurrenceFrom>,
}

/// What would be wrong with a schedule.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ScheduleFault {
    /// It would recur without a due: a fault of `recurrence`.
    #[error("needs `due_date` or `due_at`")]
    NoDue,
    /// It would count from somewhere without a rule: a fault of `recurrence_from`.
    #[error("needs `recurrence`")]
    NoRule,
    /// It would count from completion by a rule that names days, and the rule was sent: a fault of `recurrence`.
    #[error("may have FREQ, INTERVAL, COUNT and UNTIL only, if it counts from completion")]
    RuleNamesDays,
    /// The same, and only from where it counts was sent: a fault of `recurrence_from`.
    #[error("must be \"due\", because `recurrence` names days")]
    FromBesideDays,
}

impl ScheduleFault {
    /// Which member of the body is at fault.
    #[must_use]
    pub fn member(self) -> &'static str {
        match self {
            Self::NoDue | Self::RuleNamesDays => "recurrence",
            Self::NoRule | Self::FromBesideDays => "recurrence_from",
        }
    }
}

impl Schedule {
    /// Takes what is stored. The faults are those that no body can leave behind.
    pub fn from_parts(parts: ScheduleParts) -> Result<Self, ScheduleFault> {
        let ScheduleParts { due, time_zone, recurrence, intended } = parts;
        match &recurrence {
            Some(_) if due.is_none() => Err(ScheduleFault::NoDue),
            Some(Recurrence { rule, from: RecurrenceFrom::Completion }) if rule.names_days() => {
                Err(ScheduleFault::RuleNamesDays)
            }
            _ => Ok(Self { due, time_zone, recurrence, intended }),
        }
    }

    /// Sets what `changes` names, and answers every fault of what that would leave.
    ///
    /// A rule that is set, or that is made to count from the due, and names no days gets that of the due as it is then. The
    /// time that was meant by a `due_at` is kept until the due or the time zone becomes another.
    pub fn apply(&self, changes: &ScheduleChanges) -> Result<Self, Vec<ScheduleFault>> {
        let mut after = self.clone();
        after.due = changes.due.apply(self.due);
        changes.time_zone.write_to(&mut after.time_zone);
        if (after.due, &after.time_zone) != (self.due, &self.time_zone) {
            after.intended = None;
        }
        after.recurrence = self.changed_recurrence(changes)?;
        let Some(Recurrence { rule, from }) = &mut after.recurrence else { return Ok(after) };
        let mut faults = Vec::new();
        match from {
            RecurrenceFrom::Completion if rule.names_days() => faults.push(match changes.rule {
                Change::Keep => ScheduleFault::FromBesideDays,
                Change::Clear | Change::Set(_) => ScheduleFault::RuleNamesDays,
            }),
            RecurrenceFrom::Due if changes.rule != Change::Keep || changes.from != Change::Keep => {
                let zone = after.time_zone.clone().unwrap_or_else(ZoneName::utc);
                if let Some(day) = after.due.map(|due| day_of(due, after.intended, &zone)) {
                    *rule = rule.naming_days_of(day);
                }
            }
            RecurrenceFrom::Completion | RecurrenceFrom::Due => {}
        }
        if after.due.is_none() {
            faults.push(ScheduleFault::NoDue);
        }
        if faults.is_empty() { Ok(after) } else { Err(faults) }
    }

    fn changed_recurrence(
        &self,
        changes: &ScheduleChanges,
    ) -> Result<Option<Recurrence>, Vec<ScheduleFault>> {
        let before = self.recurrence.as_ref();
        let mut rule = before.map(|recurrence| recurrence.rule.clone());
        changes.rule.write_to(&mut rule);
        let from = match (&changes.from, &rule) {
            (Change::Set(_), None) => return Err(vec![ScheduleFault::NoRule]),
            (Change::Set(from), Some(_)) => *from,
            (Change::Clear, _) => RecurrenceFrom::Due,
            (Change::Keep, _) => before.map_or(RecurrenceFrom::Due, |recurrence| recurrence.from),
        };
        Ok(rule.map(|rule| Recurrence { rule, from }))
    }
}

/// The day of a due in a zone: of a moment, the day for which it was meant.
fn day_of(due: Due, intended: Option<NaiveDateTime>, zone: &ZoneName) -> NaiveDate {
    match due {
        Due::On(date) => date.day(),
        Due::At(at) => intended.unwrap_or_else(|| zone.local(at.moment())).date(),
    }
}

#[cfg(test)]
mod tests;
