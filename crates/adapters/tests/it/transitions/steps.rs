//! What the steps of a run are made of, and the commands that they come to.

use proptest::{
    collection::vec,
    option,
    prelude::*,
    sample::{Index, select as one_of},
};
use task_domain::{
    Change, Description, Expectation, NewTask, TaskChanges, TaskCommand, TaskId, Title, Version,
    testing::{TaskModel, task_id},
};

/// An id that no task of this test gets.
const ABSENT: i64 = TaskId::MAX_ASSIGNED;

/// What happens next.
#[derive(Clone, Debug)]
pub(super) enum Step {
    /// One write.
    Single(Request),
    /// One write with an idempotency key, and the same once more.
    Keyed(Request),
    /// Several writes at the same time, which the repository batches.
    Concurrent(Vec<Request>),
    /// Every task was last changed at [`FAR_AHEAD`](super::FAR_AHEAD), as if the clock had been set back since.
    SetClockBack,
}

#[derive(Clone, Debug)]
pub(super) struct Request {
    /// Whether ada sends it, or bob.
    pub(super) by_ada: bool,
    action: Action,
}

#[derive(Clone, Debug)]
enum Action {
    Create(NewTask),
    Update(Choice, Expected, NewValues),
    Toggle(Choice, Expected),
    Delete(Choice, Expected),
}

/// Which task: one of the last that were created, deleted ones included, or none.
#[derive(Clone, Debug)]
enum Choice {
    Recent(Index),
    Absent,
}

/// What is expected of the version, in terms of the one that the task has.
#[derive(Clone, Copy, Debug)]
enum Expected {
    Any,
    Nothing,
    Current,
    Before,
    BeforeOrCurrent,
    /// No client can know it yet. Among concurrent writes it may come true after the write and before the repository
    /// reads the task that it shows, so there it is as `Before`.
    After,
}

#[derive(Clone, Debug)]
struct NewValues {
    title: NewValue<Title>,
    description: NewValue<Description>,
    completed: Option<bool>,
}

#[derive(Clone, Debug)]
enum NewValue<T> {
    Kept,
    Cleared,
    Same,
    Other(T),
}

pub(super) fn steps() -> impl Strategy<Value = Vec<Step>> {
    let step = prop_oneof![
        6 => requests().prop_map(Step::Single),
        3 => requests().prop_map(Step::Keyed),
        5 => vec(requests(), 2..12).prop_map(Step::Concurrent),
        1 => Just(Step::SetClockBack),
    ];
    vec(step, 1..16)
}

fn requests() -> impl Strategy<Value = Request> {
    let action = prop_oneof![
        3 => (titles(), option::of(descriptions()))
            .prop_map(|(title, description)| Action::Create(NewTask { title, description })),
        5 => (choices(), expectations(), new_values())
            .prop_map(|(choice, expected, values)| Action::Update(choice, expected, values)),
        3 => (choices(), expectations()).prop_map(|(choice, expected)| Action::Toggle(choice, expected)),
        1 => (choices(), expectations()).prop_map(|(choice, expected)| Action::Delete(choice, expected)),
    ];
    (prop::bool::weighted(0.8), action).prop_map(|(by_ada, action)| Request { by_ada, action })
}

fn choices() -> impl Strategy<Value = Choice> {
    prop_oneof![9 => any::<Index>().prop_map(Choice::Recent), 1 => Just(Choice::Absent)]
}

fn expectations() -> impl Strategy<Value = Expected> {
    use Expected::{After, Any, Before, BeforeOrCurrent, Current, Nothing};
    prop_oneof![3 => Just(Any), 2 => one_of(&[Nothing, Current, Before, BeforeOrCurrent, After])]
}

fn new_values() -> impl Strategy<Value = NewValues> {
    let title = prop_oneof![Just(NewValue::Kept), Just(NewValue::Same), titles().prop_map(NewValue::Other)];
    let description = prop_oneof![
        Just(NewValue::Kept),
        Just(NewValue::Cleared),
        Just(NewValue::Same),
        descriptions().prop_map(NewValue::Other),
    ];
    (title, description, any::<Option<bool>>()).prop_map(|(title, description, completed)| NewValues {
        title,
        description,
        completed,
    })
}

/// Often the same ones, so that tasks are equal and updates change nothing.
fn titles() -> impl Strategy<Value = Title> {
    prop_oneof![2 => "[ab]", 1 => "\\PC{1,30}"].prop_filter_map("not a title", |text| Title::parse(text).ok())
}

fn descriptions() -> impl Strategy<Value = Description> {
    prop_oneof![2 => "[ab]?", 1 => "[^\\x00]{0,30}"]
        .prop_filter_map("not a description", |text| Description::parse(text).ok())
}

impl Request {
    /// The command that it is, for the tasks that there are. `ids` are those of all that were created, ascending.
    pub(super) fn command(self, model: &TaskModel, ids: &[TaskId], is_concurrent: bool) -> TaskCommand {
        let target = |choice: &Choice, expected: Expected| {
            let id = choice.id(ids);
            (id, expected.of(id, model, is_concurrent))
        };
        match self.action {
            Action::Create(new) => TaskCommand::Create(new),
            Action::Update(choice, expected, values) => {
                let (id, expected) = target(&choice, expected);
                TaskCommand::Update { id, expected, changes: values.changes(id, model) }
            }
            Action::Toggle(choice, expected) => {
                let (id, expected) = target(&choice, expected);
                TaskCommand::Toggle { id, expected }
            }
            Action::Delete(choice, expected) => {
                let (id, expected) = target(&choice, expected);
                TaskCommand::Delete { id, expected }
            }
        }
    }
}

impl Choice {
    fn id(&self, ids: &[TaskId]) -> TaskId {
        let recent = &ids[ids.len().saturating_sub(3)..];
        match self {
            Self::Recent(index) if !recent.is_empty() => *index.get(recent),
            _ => task_id(ABSENT),
        }
    }
}

impl Expected {
    fn of(self, id: TaskId, model: &TaskModel, is_concurrent: bool) -> Expectation {
        let current = model.get(id).map_or(1, |task| task.version.get());
        let versions = match self {
            Self::Any => return Expectation::Any,
            Self::Nothing => vec![],
            Self::Current => vec![current],
            Self::After if !is_concurrent => vec![current + 1],
            Self::Before | Self::After => vec![current - 1],
            Self::BeforeOrCurrent => vec![current - 1, current],
        };
        Expectation::OneOf(versions.into_iter().filter_map(Version::new).collect())
    }
}

impl NewValues {
    fn changes(self, id: TaskId, model: &TaskModel) -> TaskChanges {
        let task = model.get(id);
        let title = match self.title {
            NewValue::Same => task.map(|task| task.title.clone()),
            NewValue::Other(title) => Some(title),
            NewValue::Kept | NewValue::Cleared => None,
        };
        let description = match self.description {
            NewValue::Kept => Change::Keep,
            NewValue::Cleared => Change::Clear,
            NewValue::Same => {
                task.and_then(|task| task.description.clone()).map_or(Change::Clear, Change::Set)
            }
            NewValue::Other(description) => Change::Set(description),
        };
        TaskChanges { title, description, completed: self.completed }
    }
}
