//! Two users read and write at random, one request after the other. A model of the domain's rules says what each answer
//! must be.

use chrono::DateTime;
use serde_json::json;
use task_domain::{
    Change, Description, Expectation, NewTask, StatusFilter, TaskChanges, TaskCommand, TaskId, TaskOrder,
    TaskOutcome, Title, UserId,
    testing::{TaskModel, task_id, user},
};

use crate::{
    helpers::{Answer, Dice, Stack, Task, delete, get, head, patch, post, put},
    reference::{moment, shown},
};

const USERS: [&str; 2] = ["alice", "bob"];
const TITLES: [&str; 6] = ["buy milk", "Buy milk", "🦀", "a", "é", "z"];

/// A running service and what it must hold.
struct Run {
    stack: Stack,
    model: TaskModel,
    dice: Dice,
    /// Ids that were assigned, those of deleted tasks included.
    ids: Vec<TaskId>,
}

impl Run {
    fn step(&mut self) {
        let name = *self.dice.pick(&USERS);
        let owner = user(name);
        // Of either user, of deleted tasks, and sometimes one that no task ever had.
        let is_strange = self.ids.is_empty() || self.dice.roll(20) == 0;
        let id = if is_strange { task_id(4_000_000) } else { *self.dice.pick(&self.ids) };
        let path = format!("/api/{name}/tasks/{}", id.get());
        match self.dice.roll(12) {
            0..3 => self.create(&owner),
            3..5 => self.update(&owner, id, &path),
            5..7 => {
                let answer = self.stack.send(&patch(format!("{path}/complete")).by(name));
                self.check(&owner, &TaskCommand::Toggle { id, expected: Expectation::Any }, &answer);
            }
            7..9 => {
                let answer = self.stack.send(&delete(&path).by(name));
                self.check(&owner, &TaskCommand::Delete { id, expected: Expectation::Any }, &answer);
            }
            9..11 => self.read(&owner, id, &path),
            _ => {
                let status = *self.dice.pick(&StatusFilter::ALL);
                let order = *self.dice.pick(&TaskOrder::ALL);
                self.list(&owner, status, order);
            }
        }
    }

    fn create(&mut self, owner: &UserId) {
        let (title, description) = (*self.dice.pick(&TITLES), self.description());
        let body = json!({ "title": format!(" {title} "), "description": text(description.as_ref()) });
        let request = post(format!("/api/{}/tasks", owner.as_str())).by(owner.as_str()).json(&body);
        let answer = self.stack.send(&request);
        let new = NewTask { title: Title::parse(title).unwrap(), description };
        self.check(owner, &TaskCommand::Create(new), &answer);
    }

    fn update(&mut self, owner: &UserId, id: TaskId, path: &str) {
        let (title, description) = (*self.dice.pick(&TITLES), self.description());
        let body = json!({ "title": title, "description": text(description.as_ref()) });
        let answer = self.stack.send(&put(path).by(owner.as_str()).json(&body));
        let changes = TaskChanges {
            title: Title::parse(title).ok(),
            description: description.map_or(Change::Keep, Change::Set),
            completed: None,
        };
        self.check(owner, &TaskCommand::Update { id, expected: Expectation::Any, changes }, &answer);
    }

    /// Compares the answer to a write with what the model comes to.
    fn check(&mut self, owner: &UserId, command: &TaskCommand, answer: &Answer) {
        // Only the service can tell the number and the moment.
        let written = (200..300).contains(&answer.status) && !matches!(command, TaskCommand::Delete { .. });
        let written = written.then(|| answer.task());
        let (new_id, at) = match &written {
            Some(task) => (task_id(task.id), moment(&task.updated_at)),
            None => (task_id(1), DateTime::UNIX_EPOCH),
        };
        match self.model.execute(owner, command, new_id, at) {
            TaskOutcome::Created(task) => {
                assert!(self.ids.iter().all(|id| *id < task.id), "ids ascend");
                self.ids.push(task.id);
                assert_eq!((answer.status, written), (201, Some(shown(&task))));
            }
            TaskOutcome::Updated(task) => assert_eq!((answer.status, written), (200, Some(shown(&task)))),
            TaskOutcome::Deleted => drop(answer.deleted()),
            TaskOutcome::NotFound => drop(answer.assert_error(404, "not_found")),
            TaskOutcome::VersionMismatch(task) => panic!("no version was expected of {task:?}"),
        }
    }

    fn read(&self, owner: &UserId, id: TaskId, path: &str) {
        let answer = self.stack.send(&get(path).by(owner.as_str()));
        match self.model.find(owner, id) {
            Some(task) => assert_eq!(answer.task(), shown(task)),
            None => drop(answer.assert_error(404, "not_found")),
        }
        let without_body = self.stack.send(&head(path).by(owner.as_str()));
        assert_eq!(without_body.lasting_headers(), answer.lasting_headers());
    }

    fn list(&self, owner: &UserId, status: StatusFilter, order: TaskOrder) {
        let (name, status_name, order_name) = (owner.as_str(), status.name(), order.name());
        let path = format!("/api/{name}/tasks?status={status_name}&sort={order_name}");
        let listed = self.stack.send(&get(path).by(name)).tasks();
        let expected: Vec<Task> = self.model.list(owner, status, order).iter().map(shown).collect();
        assert_eq!(listed, expected, "{name} {status_name} {order_name}");
    }

    /// None, an empty one or a text.
    fn description(&mut self) -> Option<Description> {
        let text = match self.dice.roll(3) {
            0 => return None,
            1 => String::new(),
            _ => format!("text {}", self.dice.roll(5)),
        };
        Description::parse(text).ok()
    }
}

fn text(description: Option<&Description>) -> Option<&str> {
    description.map(Description::as_str)
}

#[test]
fn two_users_see_what_they_did_themselves_and_nothing_of_each_other() {
    let (stack, dice) = (Stack::new(), Dice(20_260_102));
    let mut run = Run { stack, model: TaskModel::default(), dice, ids: Vec::new() };
    for _ in 0..1500 {
        run.step();
    }
    for owner in USERS.map(user) {
        run.list(&owner, StatusFilter::All, TaskOrder::NewestFirst);
        let tasks = run.model.list(&owner, StatusFilter::All, TaskOrder::NewestFirst);
        assert!(tasks.len() > 10, "the test has something to tell");
    }
}
