//! Random operations of two users, against a model that is too simple to be wrong.

use std::collections::BTreeMap;

use task_domain::{
    Change, Expectation, NewTask, PageLimit, Task, TaskChanges, TaskCommand, TaskId, TaskOutcome, TaskQuery,
    TaskRepository, UserId, Version, testing::task_id,
};

use crate::support::{OneByOne, Random, Store, description, listed, next, queries, title};

/// Few, so that tasks are often equal and updates often change nothing.
const TITLES: [&str; 4] = ["a", "B", "é", "🦀"];
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
        // One of the last ids that were assigned to either user, perhaps deleted since, or one that is still to come.
        let id = task_id(1 + (self.greatest_id - self.random.below(6)).max(0) + self.random.below(2));
        let expected = self.expectation();
        match self.random.below(10) {
            0..3 => self.create(&owner).await,
            3..6 => {
                let changes = self.changes();
                self.write(&owner, id, TaskCommand::Update { id, expected, changes }).await;
            }
            6..8 => self.write(&owner, id, TaskCommand::Toggle { id, expected }).await,
            8 => self.write(&owner, id, TaskCommand::Delete { id, expected }).await,
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
        assert_eq!((&task.owner, task.completed_at, task.version), (owner, None, Version::FIRST));
        assert_eq!((&task.title, &task.description), (&new.title, &new.description));
        self.greatest_id = task.id.get();
        self.model.insert(task.id, task);
    }

    /// Carries out an update, a toggle or a deletion in both worlds.
    async fn write(&mut self, owner: &UserId, id: TaskId, command: TaskCommand) {
        let outcome = self.store.tasks.execute(owner, command.clone()).await.unwrap();
        let Some(before) = self.of(owner, id) else {
            assert_eq!(outcome, TaskOutcome::NotFound, "{command:?}");
            return;
        };
        let (TaskCommand::Update { expected, .. }
        | TaskCommand::Toggle { expected, .. }
        | TaskCommand::Delete { expected, .. }) = &command
        else {
            panic!("creating has no id");
        };
        if !expected.is_met_by(before.version) {
            assert_eq!(outcome, TaskOutcome::VersionMismatch(before), "{command:?}");
            return;
        }
        if matches!(command, TaskCommand::Delete { .. }) {
            assert_eq!(outcome, TaskOutcome::Deleted);
            self.model.remove(&id);
            return;
        }
        let TaskOutcome::Updated(after) = outcome else { panic!("{command:?}: {outcome:?}") };
        // Only the database can tell the moment.
        assert_eq!(after, written(&before, &command, &after), "{command:?} of {before:?}");
        self.model.insert(id, after);
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

    /// The owner's task as the model has it.
    fn of(&self, owner: &UserId, id: TaskId) -> Option<Task> {
        self.model.get(&id).filter(|task| task.owner == *owner).cloned()
    }

    async fn compare_list(&self, owner: &UserId, query: TaskQuery) {
        let own: Vec<Task> = self.model.values().filter(|task| task.owner == *owner).cloned().collect();
        let everything = listed(&own, &query);
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
}

/// What `before` has to be after an update or a toggle that ended at the moment of `after`.
fn written(before: &Task, command: &TaskCommand, after: &Task) -> Task {
    let changes = match command {
        TaskCommand::Update { changes, .. } => changes.clone(),
        _ => TaskChanges { completed: Some(!before.is_completed()), ..TaskChanges::default() },
    };
    let completed = changes.completed.unwrap_or(before.is_completed());
    let mut expected = Task {
        title: changes.title.unwrap_or(before.title.clone()),
        description: match changes.description {
            Change::Keep => before.description.clone(),
            Change::Clear => None,
            Change::Set(description) => Some(description),
        },
        ..before.clone()
    };
    if completed != before.is_completed() {
        expected.completed_at = completed.then_some(after.updated_at);
    }
    if expected != *before {
        assert!(after.updated_at > before.updated_at);
        expected.version = next(before.version);
        expected.updated_at = after.updated_at;
    }
    expected
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
        assert!(run.model.len() > 20, "seed {seed} made hardly any tasks");
        assert!(run.model.values().any(|task| task.version > next(Version::FIRST)));
    }
}
