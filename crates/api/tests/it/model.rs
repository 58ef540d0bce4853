//! Two users do what they like, one operation after the other and mixed up, and a model says what must come of it.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use crate::helpers::{Dice, Stack, Task, delete, get, head, patch, post, put};

const USERS: [&str; 2] = ["alice", "bob"];
const TITLES: [&str; 6] = ["buy milk", "Buy milk", "🦀", "a", "é", "z"];

/// What must be in the database.
#[derive(Default)]
struct Model {
    tasks: BTreeMap<i64, Task>,
    /// Ids that have been handed out, of tasks that are gone as well.
    ids: Vec<i64>,
}

impl Model {
    fn of(&self, user: &str, id: i64) -> Option<&Task> {
        self.tasks.get(&id).filter(|task| task.user_id == user)
    }

    fn put(&mut self, task: Task) {
        self.tasks.insert(task.id, task);
    }

    /// What a list must answer.
    fn list(&self, user: &str, status: &str, sort: &str) -> Vec<Task> {
        let mut tasks: Vec<_> = self.tasks.values().filter(|task| task.user_id == user).cloned().collect();
        match status {
            "pending" => tasks.retain(|task| !task.completed),
            "completed" => tasks.retain(|task| task.completed),
            _ => {}
        }
        if sort == "title" {
            tasks.sort_by(|a, b| (&a.title, a.id).cmp(&(&b.title, b.id)));
        } else {
            tasks.sort_by(|a, b| (&b.created_at, b.id).cmp(&(&a.created_at, a.id)));
        }
        tasks
    }
}

fn some_text(dice: &mut Dice) -> Value {
    match dice.roll(3) {
        0 => json!(null),
        1 => json!(""),
        _ => json!(format!("text {}", dice.roll(5))),
    }
}

fn create(stack: &Stack, model: &mut Model, dice: &mut Dice, user: &str) {
    let (title, description) = (*dice.pick(&TITLES), some_text(dice));
    let body = json!({ "title": format!(" {title} "), "description": description });
    let task = stack.send(&post(format!("/api/{user}/tasks")).by(user).json(&body)).task();
    assert!(model.ids.iter().all(|id| *id < task.id), "ids ascend");
    assert_eq!((task.user_id.as_str(), task.title.as_str(), task.completed), (user, title, false));
    assert_eq!((json!(task.description), &task.created_at), (description, &task.updated_at));
    model.ids.push(task.id);
    model.put(task);
}

fn update(stack: &Stack, model: &mut Model, dice: &mut Dice, user: &str, id: i64) {
    let (title, description) = (*dice.pick(&TITLES), some_text(dice));
    let body = json!({ "title": title, "description": description });
    let answer = stack.send(&put(format!("/api/{user}/tasks/{id}")).by(user).json(&body));
    let Some(before) = model.of(user, id) else {
        answer.assert_error(404, "not_found");
        return;
    };
    let after = answer.task();
    let description = description.as_str().map(str::to_owned).or_else(|| before.description.clone());
    let changed = (title, &description) != (&before.title, &before.description);
    let expected = Task {
        title: title.to_owned(),
        description,
        updated_at: after.updated_at.clone(),
        version: before.version + i64::from(changed),
        ..before.clone()
    };
    assert_eq!(after, expected);
    assert_eq!(after.updated_at > before.updated_at, changed);
    assert_eq!(after.updated_at == before.updated_at, !changed);
    model.put(after);
}

fn toggle(stack: &Stack, model: &mut Model, user: &str, id: i64) {
    let answer = stack.send(&patch(format!("/api/{user}/tasks/{id}/complete")).by(user));
    let Some(before) = model.of(user, id) else {
        answer.assert_error(404, "not_found");
        return;
    };
    let after = answer.task();
    assert!(after.updated_at > before.updated_at);
    assert_eq!(
        after,
        Task {
            completed: !before.completed,
            completed_at: (!before.completed).then(|| after.updated_at.clone()),
            updated_at: after.updated_at.clone(),
            version: before.version + 1,
            ..before.clone()
        }
    );
    model.put(after);
}

fn remove(stack: &Stack, model: &mut Model, user: &str, id: i64) {
    let answer = stack.send(&delete(format!("/api/{user}/tasks/{id}")).by(user));
    if model.of(user, id).is_some() {
        answer.deleted();
        model.tasks.remove(&id);
    } else {
        answer.assert_error(404, "not_found");
    }
}

fn read(stack: &Stack, model: &Model, user: &str, id: i64) {
    let path = format!("/api/{user}/tasks/{id}");
    let answer = stack.send(&get(&path).by(user));
    match model.of(user, id) {
        Some(task) => assert_eq!(answer.task(), *task),
        None => drop(answer.assert_error(404, "not_found")),
    }
    assert_eq!(stack.send(&head(&path).by(user)).lasting_headers(), answer.lasting_headers());
}

fn list(stack: &Stack, model: &Model, dice: &mut Dice, user: &str) {
    let (status, sort) = (*dice.pick(&["all", "pending", "completed"]), *dice.pick(&["created", "title"]));
    let answer = stack.send(&get(format!("/api/{user}/tasks?status={status}&sort={sort}")).by(user));
    assert_eq!(answer.tasks(), model.list(user, status, sort), "{user} {status} {sort}");
}

#[test]
fn two_users_see_what_they_did_themselves_and_nothing_of_each_other() {
    let stack = Stack::new();
    let mut model = Model::default();
    let mut dice = Dice(20_260_102);
    for _ in 0..1500 {
        let user = *dice.pick(&USERS);
        // Of either user, of tasks that are gone, and now and then one that never was.
        let id = if model.ids.is_empty() || dice.roll(20) == 0 { 4_000_000 } else { *dice.pick(&model.ids) };
        match dice.roll(12) {
            0..3 => create(&stack, &mut model, &mut dice, user),
            3..5 => update(&stack, &mut model, &mut dice, user, id),
            5..7 => toggle(&stack, &mut model, user, id),
            7..9 => remove(&stack, &mut model, user, id),
            9..11 => read(&stack, &model, user, id),
            _ => list(&stack, &model, &mut dice, user),
        }
    }
    for user in USERS {
        let answer = stack.send(&get(format!("/api/{user}/tasks")).by(user));
        assert_eq!(answer.tasks(), model.list(user, "all", "created"));
        assert!(answer.tasks().len() > 10, "the test has something to tell");
    }
}
