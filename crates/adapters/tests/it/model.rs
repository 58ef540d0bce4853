//! Random operations of two users, against a model that is too simple to be wrong.

use std::collections::BTreeMap;

use task_domain::{NewTask, Task, TaskId, TaskQuery, TaskRepository, UserId, testing::task_id};

use crate::support::{Store, changes, description, listed, queries, title};

/// A source of numbers that are the same on every run (splitmix64).
struct Random(u64);

impl Random {
    fn below(&mut self, bound: i64) -> i64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (mixed ^ (mixed >> 31)).cast_signed().rem_euclid(bound)
    }

    fn pick<T: Clone>(&mut self, from: &[T]) -> T {
        let index = self.below(i64::try_from(from.len()).unwrap());
        from[usize::try_from(index).unwrap()].clone()
    }
}

/// Few, so that tasks are often equal and updates often change nothing.
const TITLES: [&str; 4] = ["a", "B", "é", "🦀"];
const NEW_TITLES: [Option<&str>; 5] = [None, Some("a"), Some("B"), None, Some("é")];
const DESCRIPTIONS: [Option<&str>; 3] = [None, Some(""), Some("text")];

struct Run {
    store: Store,
    model: BTreeMap<TaskId, Task>,
    greatest_id: i64,
    random: Random,
}

impl Run {
    async fn new(seed: u64) -> Self {
        Self { store: Store::new().await, model: BTreeMap::new(), greatest_id: 0, random: Random(seed) }
    }

    async fn step(&mut self) {
        let owner = self.owner();
        // An id that was assigned to either user, perhaps deleted since, or one that is still to come.
        let id = task_id(1 + self.random.below(self.greatest_id + 2));
        match self.random.below(10) {
            0..3 => self.create(&owner).await,
            3..6 => self.update(&owner, id).await,
            6..8 => self.toggle(&owner, id).await,
            8 => self.delete(&owner, id).await,
            _ => assert_eq!(self.store.tasks.find(&owner, id).await.unwrap(), self.of(&owner, id)),
        }
    }

    async fn create(&mut self, owner: &UserId) {
        let new = NewTask {
            title: title(self.random.pick(&TITLES)),
            description: self.random.pick(&DESCRIPTIONS).map(description),
        };
        let task = self.store.tasks.create(owner, new.clone()).await.unwrap();
        assert!(task.id.get() > self.greatest_id);
        assert_eq!(task.updated_at, task.created_at);
        assert_eq!((&task.owner, task.completed), (owner, false));
        assert_eq!((&task.title, &task.description), (&new.title, &new.description));
        self.greatest_id = task.id.get();
        self.model.insert(task.id, task);
    }

    async fn update(&mut self, owner: &UserId, id: TaskId) {
        let new_title = self.random.pick(&NEW_TITLES);
        let new_description = self.random.pick(&DESCRIPTIONS);
        if new_title.is_none() && new_description.is_none() {
            return;
        }
        let change = changes(new_title, new_description);
        let updated = self.store.tasks.update(owner, id, change).await.unwrap();
        let expected = self.of(owner, id).map(|before| {
            let mut after = Task {
                title: new_title.map_or(before.title.clone(), title),
                description: new_description.map(description).or(before.description.clone()),
                ..before.clone()
            };
            if after != before {
                after.updated_at = later(&before, updated.as_ref());
            }
            after
        });
        self.compare_and_keep(updated.as_ref(), expected);
    }

    async fn toggle(&mut self, owner: &UserId, id: TaskId) {
        let toggled = self.store.tasks.toggle(owner, id).await.unwrap();
        let expected = self.of(owner, id).map(|before| {
            let updated_at = later(&before, toggled.as_ref());
            Task { completed: !before.completed, updated_at, ..before }
        });
        self.compare_and_keep(toggled.as_ref(), expected);
    }

    async fn delete(&mut self, owner: &UserId, id: TaskId) {
        let expected = self.of(owner, id).is_some();
        assert_eq!(self.store.tasks.delete(owner, id).await.unwrap(), expected);
        if expected {
            self.model.remove(&id);
        }
    }

    fn owner(&mut self) -> UserId {
        self.random.pick(&[self.store.ada.clone(), self.store.bob.clone()])
    }

    /// The owner's task as the model has it.
    fn of(&self, owner: &UserId, id: TaskId) -> Option<Task> {
        self.model.get(&id).filter(|task| task.owner == *owner).cloned()
    }

    fn compare_and_keep(&mut self, seen: Option<&Task>, expected: Option<Task>) {
        assert_eq!(seen, expected.as_ref());
        if let Some(task) = expected {
            self.model.insert(task.id, task);
        }
    }

    async fn compare_list(&self, owner: &UserId, query: TaskQuery) {
        let own: Vec<Task> = self.model.values().filter(|task| task.owner == *owner).cloned().collect();
        assert_eq!(self.store.tasks.list(owner, query).await.unwrap(), listed(&own, query), "{query:?}");
    }
}

/// The moment of a change, which only the database can tell; it has to be after the one before.
fn later(before: &Task, after: Option<&Task>) -> chrono::DateTime<chrono::Utc> {
    let moment = after.expect("the owner's task is there").updated_at;
    assert!(moment > before.updated_at);
    moment
}

#[tokio::test]
async fn two_users_do_random_things_and_see_what_the_model_says() {
    for seed in [1, 2, 3] {
        let mut run = Run::new(seed).await;
        for _ in 0..300 {
            run.step().await;
            let (owner, query) = (run.owner(), run.random.pick(&queries().collect::<Vec<_>>()));
            run.compare_list(&owner, query).await;
        }
        for query in queries() {
            run.compare_list(&run.store.ada, query).await;
            run.compare_list(&run.store.bob, query).await;
        }
        assert!(run.model.len() > 20, "seed {seed} made hardly any tasks");
    }
}
