//! Random operations of two users one after the other: what the repository finds, lists and counts is what a model of
//! the domain's rules has. `transitions.rs` has the writes by themselves, and at the same time.

use chrono::DateTime;
use task_domain::{
    Change, Expectation, NewTask, PageLimit, StatusFilter, Task, TaskChanges, TaskCommand, TaskOrder,
    TaskOutcome, TaskQuery, TaskRepository, UserId, Version,
    testing::{TaskModel, task_id},
};

use crate::support::{Random, Store, description, queries, title};

/// Few, so that tasks are often equal and updates often change nothing.
const TITLES: [&str; 4] = ["a", "B", "é", "🦀"];
const DESCRIPTIONS: [Option<&str>; 3] = [None, Some(""), Some("text")];

struct Run {
    store: Store,
    model: TaskModel,
    greatest_id: i64,
    random: Random,
}

impl Run {
    async fn new(seed: u64) -> Self {
        Self { store: Store::new().await, model: TaskModel::default(), greatest_id: 0, random: Random(seed) }
    }

    async fn step(&mut self) {
        let owner = self.owner();
        // One of the last ids that were assigned to either user, perhaps deleted since, or one that is still to come.
        let id = task_id(1 + (self.greatest_id - self.random.below(6)).max(0) + self.random.below(2));
        let expected = self.expectation();
        match self.random.below(10) {
            0..3 => {
                let new = self.new_task();
                self.write(&owner, TaskCommand::Create(new)).await;
            }
            3..6 => {
                let changes = self.changes();
                self.write(&owner, TaskCommand::Update { id, expected, changes }).await;
            }
            6..8 => self.write(&owner, TaskCommand::Toggle { id, expected }).await,
            8 => self.write(&owner, TaskCommand::Delete { id, expected }).await,
            _ => {
                let found = self.store.tasks.find(&owner, id).await.unwrap();
                assert_eq!(found.as_ref(), self.model.find(&owner, id));
            }
        }
    }

    /// Carries out a write in both worlds.
    async fn write(&mut self, owner: &UserId, command: TaskCommand) {
        let outcome = self.store.tasks.execute(owner, command.clone()).await.unwrap();
        // Only the database can tell the number and the moment. What was refused or deleted has neither.
        let (new_id, moment) = match &outcome {
            TaskOutcome::Created(task) => {
                assert!(task.id.get() > self.greatest_id);
                self.greatest_id = task.id.get();
                (task.id, task.created_at)
            }
            TaskOutcome::Updated(task) => (task.id, task.updated_at),
            TaskOutcome::Deleted | TaskOutcome::NotFound | TaskOutcome::VersionMismatch(_) => {
                (task_id(1), DateTime::UNIX_EPOCH)
            }
        };
        let expected = self.model.execute(owner, &command, new_id, moment);
        assert_eq!(outcome, expected, "{command:?}");
    }

    fn owner(&mut self) -> UserId {
        self.random.pick(&[self.store.ada.clone(), self.store.bob.clone()])
    }

    fn expectation(&mut self) -> Expectation {
        let low = |number| Version::new(number).unwrap();
        match self.random.below(3) {
            0 => Expectation::Any,
            1 => Expectation::OneOf(vec![low(1 + self.random.below(3))]),
            _ => Expectation::OneOf((1..=self.random.below(4)).map(low).collect()),
        }
    }

    fn new_task(&mut self) -> NewTask {
        let description = self.random.pick(&DESCRIPTIONS).map(description);
        NewTask { title: title(self.random.pick(&TITLES)), description }
    }

    fn changes(&mut self) -> TaskChanges {
        let text = self.random.pick(&["", "text"]);
        TaskChanges {
            title: self.random.pick(&[None, None, Some("a"), Some("B"), Some("é")]).map(title),
            description: self.random.pick(&[
                Change::Keep,
                Change::Keep,
                Change::Clear,
                Change::Set(description(text)),
            ]),
            completed: self.random.pick(&[None, None, Some(false), Some(true)]),
        }
    }

    async fn compare_list(&self, owner: &UserId, query: TaskQuery) {
        let everything = self.model.list(owner, query.status, query.order());
        for limit in [1, 7, 1000] {
            let mut query = query.clone();
            (query.limit, query.count_all) = (PageLimit::new(limit).unwrap(), true);
            let page = self.store.tasks.list(owner, &query).await.unwrap();
            let on_page = everything.len().min(limit.into());
            assert_eq!(page.tasks, everything[..on_page], "{query:?}");
            assert_eq!(page.more, everything.len() > on_page, "{query:?}");
            assert_eq!(page.total, Some(everything.len() as u64), "{query:?}");
        }
    }

    /// The tasks of both users.
    fn everything(&self) -> Vec<Task> {
        [&self.store.ada, &self.store.bob]
            .into_iter()
            .flat_map(|owner| self.model.list(owner, StatusFilter::All, TaskOrder::NewestFirst))
            .collect()
    }
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
            run.compare_list(&run.store.ada, query.clone()).await;
            run.compare_list(&run.store.bob, query).await;
        }
        let everything = run.everything();
        assert!(everything.len() > 20, "seed {seed} made hardly any tasks");
        assert!(everything.iter().any(|task| task.version > Version::FIRST.next()));
    }
}
