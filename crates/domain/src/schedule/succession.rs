//! Which task follows a recurring one.

use chrono::{DateTime, Utc};

use super::Schedule;
use crate::task::{TaskId, version::Version};

/// What has become of the task that `next_id` names, when the one before it is reopened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NextTask {
    /// It is in the list, in this version.
    Listed(Version),
    /// It is in the trash.
    InTrash,
    /// It is gone for good.
    Gone,
}

/// What reopening makes of the task that followed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reopening {
    /// It goes away for good, and `next_id` becomes null.
    Removes,
    /// There is none; `next_id` becomes null.
    Forgets,
    /// It stays, and so does `next_id`: completing again makes no other.
    Keeps,
}

impl NextTask {
    /// What reopening the task before it makes of it (`docs/api.md`, "Recurrence"): it goes only if it is as it was made.
    #[must_use]
    pub fn on_reopening(self) -> Reopening {
        match self {
            Self::Listed(Version::FIRST) => Reopening::Removes,
            Self::Listed(_) | Self::InTrash => Reopening::Keeps,
            Self::Gone => Reopening::Forgets,
        }
    }
}

impl Schedule {
    /// The schedule of the task that completing makes, if it makes one: `next_id` names the one that there is already.
    #[must_use]
    pub fn on_completion(&self, next_id: Option<TaskId>, completed_at: DateTime<Utc>) -> Option<Self> {
        if next_id.is_some() { None } else { self.next(completed_at) }
    }

    /// The `next_id` of a task whose schedule was `before` and is this: it names no task any more once the rule is another.
    #[must_use]
    pub fn next_id(&self, before: &Self, next_id: Option<TaskId>) -> Option<TaskId> {
        let rule = |schedule: &Self| schedule.recurrence.as_ref().map(|recurrence| recurrence.rule.clone());
        next_id.filter(|_| rule(self) == rule(before))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        change::Change,
        due::{Due, change::DueChange, date::DueDate},
        recurrence::{RecurrenceFrom, rule::Rule},
        schedule::changes::ScheduleChanges,
    };

    fn daily() -> Schedule {
        let changes = ScheduleChanges {
            due: DueChange::to(Due::On(DueDate::parse("2026-01-31").unwrap())),
            rule: Change::Set(Rule::parse("FREQ=DAILY").unwrap()),
            ..ScheduleChanges::default()
        };
        Schedule::default().apply(&changes).unwrap()
    }

    #[test]
    fn reopening_takes_back_the_next_task_only_if_it_is_as_it_was_made() {
        for (next, reopening) in [
            (NextTask::Listed(Version::FIRST), Reopening::Removes),
            (NextTask::Listed(Version::FIRST.next()), Reopening::Keeps),
            (NextTask::InTrash, Reopening::Keeps),
            (NextTask::Gone, Reopening::Forgets),
        ] {
            assert_eq!(next.on_reopening(), reopening);
        }
    }

    #[test]
    fn a_task_is_followed_by_at_most_one() {
        let moment = "2026-01-31T12:00:00Z".parse().unwrap();
        assert_eq!(daily().on_completion(TaskId::new(8), moment), None);
        assert_eq!(daily().on_completion(None, moment), daily().next(moment));
        assert!(daily().next(moment).is_some());
        assert_eq!(Schedule::default().on_completion(None, moment), None);
    }

    #[test]
    fn another_rule_has_no_next_task_yet_and_other_changes_keep_it() {
        let (before, next_id) = (daily(), TaskId::new(8));
        let after = |changes: ScheduleChanges| before.apply(&changes).unwrap().next_id(&before, next_id);
        let rule = |text| Change::Set(Rule::parse(text).unwrap());
        let due = DueChange::to(Due::On(DueDate::parse("2026-02-01").unwrap()));
        let from = Change::Set(RecurrenceFrom::Completion);
        let none = ScheduleChanges::default();
        assert_eq!(after(ScheduleChanges { rule: rule("FREQ=WEEKLY"), ..none.clone() }), None);
        assert_eq!(after(ScheduleChanges { rule: Change::Clear, ..none.clone() }), None);
        assert_eq!(after(ScheduleChanges { rule: rule("freq=daily;interval=1"), ..none.clone() }), next_id);
        assert_eq!(after(ScheduleChanges { due, from, ..none.clone() }), next_id);
        assert_eq!(after(none), next_id);
    }
}
