use std::collections::BTreeMap;

use chrono::{DateTime, Utc};

use crate::{
    task::{
        Task, TaskId,
        command::{TaskCommand, TaskOutcome},
        decision::Decision,
        list::{StatusFilter, TaskOrder},
    },
    user::UserId,
};

/// The tasks of all users as the rules of the domain alone would leave them: what a test expects a store to hold.
#[derive(Clone, Debug, Default)]
pub struct TaskModel {
    tasks: BTreeMap<TaskId, Task>,
}

impl TaskModel {
    /// The task of that number, whichever user has it.
    #[must_use]
    pub fn get(&self, id: TaskId) -> Option<&Task> {
        self.tasks.get(&id)
    }

    /// The owner's task of that number.
    #[must_use]
    pub fn find(&self, owner: &UserId, id: TaskId) -> Option<&Task> {
        self.get(id).filter(|task| task.owner == *owner)
    }

    /// All the owner's tasks that the filter lets through, in that order.
    #[must_use]
    pub fn list(&self, owner: &UserId, status: StatusFilter, order: TaskOrder) -> Vec<Task> {
        let is_listed = |task: &&Task| task.owner == *owner && status.includes(task);
        let mut tasks: Vec<Task> = self.tasks.values().filter(is_listed).cloned().collect();
        tasks.sort_by(|a, b| order.compare(a, b));
        tasks
    }

    /// Carries out a command at that moment. A task that it creates gets the number `new_id`.
    pub fn execute(
        &mut self,
        owner: &UserId,
        command: &TaskCommand,
        new_id: TaskId,
        moment: DateTime<Utc>,
    ) -> TaskOutcome {
        let id = command.target().map_or(new_id, |(id, _)| id);
        let Decision { outcome, task } = command.decide(owner, self.get(id), new_id, moment);
        self.set(id, task);
        outcome
    }

    /// Stores the task of that number, or removes it.
    pub fn set(&mut self, id: TaskId, task: Option<Task>) {
        match task {
            Some(task) => drop(self.tasks.insert(id, task)),
            None => drop(self.tasks.remove(&id)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        task::version::Expectation,
        testing::{new_task, task_id, user},
    };

    #[test]
    fn a_model_keeps_what_commands_leave_and_shows_each_user_their_own() {
        let (ada, bob, moment) = (user("ada"), user("bob"), "2026-01-02T03:04:05Z".parse().unwrap());
        let mut model = TaskModel::default();
        for (owner, id) in [(&ada, 1), (&bob, 2), (&ada, 3)] {
            model.execute(owner, &TaskCommand::Create(new_task("t")), task_id(id), moment);
        }
        let toggle = TaskCommand::Toggle { id: task_id(1), expected: Expectation::Any };
        assert_eq!(model.execute(&bob, &toggle, task_id(4), moment), TaskOutcome::NotFound);
        assert!(matches!(model.execute(&ada, &toggle, task_id(4), moment), TaskOutcome::Updated(_)));
        let delete = TaskCommand::Delete { id: task_id(2), expected: Expectation::Any };
        assert_eq!(model.execute(&bob, &delete, task_id(4), moment), TaskOutcome::Deleted);

        let listed = |owner, status| -> Vec<i64> {
            let tasks = model.list(owner, status, TaskOrder::NewestFirst);
            tasks.iter().map(|task| task.id.get()).collect()
        };
        assert_eq!(listed(&ada, StatusFilter::All), [3, 1]);
        assert_eq!(listed(&ada, StatusFilter::Completed), [1]);
        assert!(listed(&bob, StatusFilter::All).is_empty());
        assert!(model.find(&ada, task_id(1)).is_some_and(Task::is_completed));
        assert_eq!((model.find(&bob, task_id(1)), model.get(task_id(2))), (None, None));
    }
}
