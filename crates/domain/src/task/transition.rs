//! What a write makes of a task.
//!
//! These functions are the reference: the repository may say the same in SQL, and its tests compare the two.

use chrono::{DateTime, Utc};

use super::{Task, changes::TaskChanges, moment::next_update};

/// What a write makes of one task.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Transition {
    /// The task as it is afterwards.
    pub task: Task,
    /// Whether that is another state than before. If it is not, there is nothing to store.
    pub is_change: bool,
}

impl Task {
    /// Sets what `changes` names (`docs/api.md`, "Merge patch").
    ///
    /// If that makes a difference, the task gets the next version, and its `updated_at` becomes the moment, or a
    /// microsecond more than it was if the moment is not later. A task that becomes completed was completed then. If it
    /// makes no difference, the task stays as it is, version and times included.
    #[must_use]
    pub fn apply(&self, changes: &TaskChanges, moment: DateTime<Utc>) -> Transition {
        let mut task = self.clone();
        changes.write_to(&mut task);
        let updated_at = next_update(self.updated_at, moment);
        let completed = changes.completed.unwrap_or(self.is_completed());
        if completed != self.is_completed() {
            task.completed_at = completed.then_some(updated_at);
        }
        let is_change = task != *self;
        if is_change {
            task.version = self.version.next();
            task.updated_at = updated_at;
        }
        Transition { task, is_change }
    }

    /// Completes it, unless it is completed already (`docs/api.md`, "Complete").
    #[must_use]
    pub fn complete(&self, moment: DateTime<Utc>) -> Transition {
        self.apply(&TaskChanges::completion(true), moment)
    }

    /// Makes it pending again, unless it is pending already (`docs/api.md`, "Complete").
    #[must_use]
    pub fn reopen(&self, moment: DateTime<Utc>) -> Transition {
        self.apply(&TaskChanges::completion(false), moment)
    }

    /// Completes it if it is pending, and reopens it if it is completed (`docs/api.md`, "Complete"): always a change.
    #[must_use]
    pub fn toggle(&self, moment: DateTime<Utc>) -> Transition {
        if self.is_completed() { self.reopen(moment) } else { self.complete(moment) }
    }
}

#[cfg(test)]
mod tests {
    use chrono::TimeDelta;
    use proptest::prelude::*;

    use super::*;
    use crate::{
        change::Change,
        task::{
            samples::{changes, moments, tasks},
            version::Version,
        },
        testing::{task, user},
    };

    /// A microsecond after a task was last changed.
    fn just_after(task: &Task) -> DateTime<Utc> {
        task.updated_at + TimeDelta::microseconds(1)
    }

    #[test]
    fn a_task_is_completed_at_the_moment_of_the_change_and_reopened_without_a_trace() {
        let pending = task(&user("u"), 7);
        let moment = "2026-02-03T04:05:06.000007Z".parse().unwrap();
        let version = Version::new(2).unwrap();
        let done = Task { completed_at: Some(moment), updated_at: moment, version, ..pending.clone() };
        assert_eq!(pending.toggle(moment), Transition { task: done.clone(), is_change: true });
        let (updated_at, version) = (just_after(&done), Version::new(3).unwrap());
        let reopened = Task { version, updated_at, ..pending };
        assert_eq!(done.toggle(moment), Transition { task: reopened, is_change: true });
    }

    #[test]
    fn at_the_end_of_time_and_of_versions_a_change_is_made_all_the_same() {
        let (greatest, last) = (Version::new(i64::MAX).unwrap(), DateTime::<Utc>::MAX_UTC);
        let before = Task { version: greatest, updated_at: last, ..task(&user("u"), 7) };
        let Transition { task: after, is_change } = before.toggle(last);
        assert_eq!(after, Task { completed_at: Some(last), ..before });
        assert!(is_change);
    }

    proptest! {
        #[test]
        fn what_is_named_is_set_and_everything_else_is_kept(before in tasks(), changes in changes(), moment in moments()) {
            let after = before.apply(&changes, moment).task;
            prop_assert_eq!(&after.title, changes.title.as_ref().unwrap_or(&before.title));
            prop_assert_eq!(&after.description, match &changes.description {
                Change::Keep => &before.description,
                Change::Clear => &None,
                Change::Set(_) => &after.description,
            });
            if let Change::Set(description) = changes.description {
                prop_assert_eq!(after.description, Some(description));
            }
            prop_assert_eq!(after.completed_at.is_some(), changes.completed.unwrap_or(before.is_completed()));
            prop_assert_eq!((after.id, after.owner, after.created_at), (before.id, before.owner, before.created_at));
        }

        #[test]
        fn version_and_time_grow_exactly_with_a_change(before in tasks(), changes in changes(), moment in moments()) {
            let Transition { task: after, is_change } = before.apply(&changes, moment);
            prop_assert_eq!(is_change, after != before);
            if is_change {
                prop_assert_eq!(after.version.get(), before.version.get() + 1);
                prop_assert!(after.updated_at > before.updated_at);
                let is_late = moment - before.updated_at >= TimeDelta::microseconds(1);
                let since = if is_late { moment } else { just_after(&before) } - after.updated_at;
                prop_assert!(since >= TimeDelta::zero() && since < TimeDelta::microseconds(1));
            }
        }

        #[test]
        fn a_time_of_completion_is_that_of_the_change_which_completed(before in tasks(), changes in changes(), moment in moments()) {
            let after = before.apply(&changes, moment).task;
            if after.is_completed() && before.is_completed() {
                prop_assert_eq!(after.completed_at, before.completed_at);
            } else if after.is_completed() {
                prop_assert_eq!(after.completed_at, Some(after.updated_at));
            }
        }

        #[test]
        fn the_same_changes_again_make_no_difference(
            before in tasks(), changes in changes(), moment in moments(), later in moments(),
        ) {
            let task = before.apply(&changes, moment).task;
            prop_assert_eq!(task.apply(&changes, later), Transition { task: task.clone(), is_change: false });
        }

        #[test]
        fn no_changes_make_no_difference(task in tasks(), moment in moments()) {
            let same = task.apply(&TaskChanges::default(), moment);
            prop_assert_eq!(same, Transition { task, is_change: false });
        }

        #[test]
        fn a_pending_task_toggled_twice_is_as_before_but_for_version_and_time(
            task in tasks(), moment in moments(), later in moments(),
        ) {
            let before = Task { completed_at: None, ..task };
            let after = before.toggle(moment).task.toggle(later).task;
            prop_assert_eq!(after.version.get(), before.version.get() + 2);
            prop_assert_eq!(&after, &Task { version: after.version, updated_at: after.updated_at, ..before });
        }

        #[test]
        fn a_toggle_always_flips_and_always_counts(before in tasks(), moment in moments()) {
            let Transition { task: after, is_change } = before.toggle(moment);
            prop_assert_eq!(after.is_completed(), !before.is_completed());
            prop_assert!(is_change && after.version > before.version && after.updated_at > before.updated_at);
        }

        #[test]
        fn each_change_at_any_moment_has_whole_microseconds(before in tasks(), moment in moments()) {
            let after = before.toggle(moment).task;
            prop_assert_eq!(after.updated_at.timestamp_subsec_nanos() % 1000, 0);
        }
    }
}
