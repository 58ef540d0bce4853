//! What a command comes to: the reference of `TaskRepository::execute`.

use chrono::{DateTime, Utc};

use super::{
    Task, TaskId,
    command::{TaskCommand, TaskOutcome},
    transition::Transition,
    version::Expectation,
};
use crate::user::UserId;

/// What a [`TaskCommand`] comes to.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Decision {
    /// What the caller learns.
    pub outcome: TaskOutcome,
    /// The task that is stored afterwards; `None` if there is none.
    pub task: Option<Task>,
}

impl TaskCommand {
    /// Decides what `owner` achieves with this command at that moment.
    ///
    /// `current` is the stored task that the command names, whichever user has it; a task of another user, or another
    /// task, counts as none. `new_id` is the number that the store gives to a task which the command creates.
    ///
    /// A missing task comes before a version that was not expected (`docs/api.md`, "Versions").
    #[must_use]
    pub fn decide(
        &self,
        owner: &UserId,
        current: Option<&Task>,
        new_id: TaskId,
        moment: DateTime<Utc>,
    ) -> Decision {
        let on_task = |id: &TaskId, expected: &Expectation, write: &dyn Fn(&Task) -> Decision| {
            let refused = |outcome| Decision { outcome, task: current.cloned() };
            match current.filter(|task| task.owner == *owner && task.id == *id) {
                None => refused(TaskOutcome::NotFound),
                Some(task) if !expected.is_met_by(task.version) => {
                    refused(TaskOutcome::VersionMismatch(task.clone()))
                }
                Some(task) => write(task),
            }
        };
        match self {
            Self::Create(new) => {
                let task = Task::create(new_id, owner.clone(), new.clone(), moment);
                Decision { outcome: TaskOutcome::Created(task.clone()), task: Some(task) }
            }
            Self::Update { id, expected, changes } => {
                on_task(id, expected, &|task| Decision::of(task.apply(changes, moment)))
            }
            Self::Toggle { id, expected } => on_task(id, expected, &|task| Decision::of(task.toggle(moment))),
            Self::Delete { id, expected } => {
                on_task(id, expected, &|_| Decision { outcome: TaskOutcome::Deleted, task: None })
            }
        }
    }
}

impl Decision {
    fn of(Transition { task, .. }: Transition) -> Self {
        Self { outcome: TaskOutcome::Updated(task.clone()), task: Some(task) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        task::{changes::TaskChanges, version::Version},
        testing::{new_task, task, task_id, user},
    };

    /// Each write of an existing task.
    fn writes(id: TaskId, expected: &Expectation) -> [TaskCommand; 3] {
        let expected = || expected.clone();
        [
            TaskCommand::Update { id, expected: expected(), changes: TaskChanges::completion(true) },
            TaskCommand::Toggle { id, expected: expected() },
            TaskCommand::Delete { id, expected: expected() },
        ]
    }

    fn a_moment() -> DateTime<Utc> {
        "2026-02-03T04:05:06Z".parse().unwrap()
    }

    fn decide(command: &TaskCommand, owner: &str, current: Option<&Task>) -> Decision {
        command.decide(&user(owner), current, task_id(99), a_moment())
    }

    #[test]
    fn a_created_task_is_its_owners_and_has_the_new_number() {
        let created = Task::create(task_id(99), user("ada"), new_task("t"), a_moment());
        assert_eq!(
            decide(&TaskCommand::Create(new_task("t")), "ada", None),
            Decision { outcome: TaskOutcome::Created(created.clone()), task: Some(created) }
        );
    }

    #[test]
    fn a_write_on_the_expected_version_leaves_what_the_task_becomes() {
        let current = task(&user("ada"), 7);
        let done = current.complete(a_moment()).task;
        let updated = Decision { outcome: TaskOutcome::Updated(done.clone()), task: Some(done) };
        let deleted = Decision { outcome: TaskOutcome::Deleted, task: None };
        for expected in [Expectation::Any, Expectation::OneOf(vec![Version::FIRST.next(), current.version])] {
            let decisions = writes(current.id, &expected).map(|write| decide(&write, "ada", Some(&current)));
            assert_eq!(decisions, [updated.clone(), updated.clone(), deleted.clone()]);
        }
    }

    #[test]
    fn a_write_on_another_version_leaves_the_task_and_shows_it() {
        let current = task(&user("ada"), 7);
        for expected in [Expectation::OneOf(Vec::new()), Expectation::OneOf(vec![Version::FIRST.next()])] {
            for write in writes(current.id, &expected) {
                let outcome = TaskOutcome::VersionMismatch(current.clone());
                let refused = Decision { outcome, task: Some(current.clone()) };
                assert_eq!(decide(&write, "ada", Some(&current)), refused, "{write:?}");
            }
        }
    }

    #[test]
    fn a_task_of_another_user_another_task_and_none_are_not_found_whatever_was_expected() {
        let theirs = task(&user("bob"), 7);
        let other = task(&user("ada"), 8);
        for expected in [Expectation::Any, Expectation::OneOf(Vec::new())] {
            for current in [Some(&theirs), Some(&other), None] {
                for write in writes(task_id(7), &expected) {
                    let refused = Decision { outcome: TaskOutcome::NotFound, task: current.cloned() };
                    assert_eq!(decide(&write, "ada", current), refused, "{write:?}");
                }
            }
        }
    }
}
