//! The rules of the domain for what the API answers: a task as it has to be shown, and back.

use chrono::{DateTime, SecondsFormat, Utc};
use task_domain::{Description, Task as DomainTask, TaskId, Title, UserId, Version};

use crate::helpers::Task;

/// The task as the API shows it.
pub(crate) fn shown(task: &DomainTask) -> Task {
    Task {
        id: task.id.get(),
        user_id: task.owner.as_str().to_owned(),
        title: task.title.as_str().to_owned(),
        description: task.description.clone().map(Description::into_string),
        completed: task.is_completed(),
        created_at: in_words(task.created_at),
        updated_at: in_words(task.updated_at),
        version: task.version.get(),
        completed_at: task.completed_at.map(in_words),
    }
}

/// The task that the API shows.
pub(crate) fn read(shown: &Task) -> DomainTask {
    DomainTask {
        id: TaskId::new(shown.id).unwrap(),
        owner: UserId::parse(&shown.user_id).unwrap(),
        title: Title::parse(&*shown.title).unwrap(),
        description: shown.description.clone().map(|text| Description::parse(text).unwrap()),
        completed_at: shown.completed_at.as_deref().map(moment),
        version: Version::new(shown.version).unwrap(),
        created_at: moment(&shown.created_at),
        updated_at: moment(&shown.updated_at),
    }
}

/// The moment that a text of an answer names.
pub(crate) fn moment(text: &str) -> DateTime<Utc> {
    text.parse().unwrap()
}

fn in_words(moment: DateTime<Utc>) -> String {
    moment.to_rfc3339_opts(SecondsFormat::Micros, true)
}
