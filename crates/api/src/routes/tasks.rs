//! The routes of a user's tasks.

use actix_web::http::StatusCode;
use utoipa::openapi::HttpMethod::{Delete, Get, Patch, Post, Put};

use crate::{
    docs::{
        answer::Answer,
        operation::{Operation, Tag},
    },
    http::error::ApiError,
    routes::endpoint::Endpoint,
    tasks::{
        self,
        response::{DeletedBody, TaskBody, TaskListBody},
    },
};

static TASKS: Tag = Tag { name: "tasks", description: "A user's own tasks." };

pub(super) fn endpoints() -> Vec<Endpoint> {
    vec![
        Endpoint::guarded("/api/{user_id}/tasks").on(Get, tasks::list, list()).on(
            Post,
            tasks::create,
            create(),
        ),
        Endpoint::guarded("/api/{user_id}/tasks/{id}")
            .on(Get, tasks::get, get())
            .on(Put, tasks::update, update())
            .on(Patch, tasks::patch, patch())
            .on(Delete, tasks::delete, delete()),
        Endpoint::guarded("/api/{user_id}/tasks/{id}/complete").on(Patch, tasks::complete, complete()),
    ]
}

fn list() -> Operation {
    Operation::new(&TASKS, "list_tasks", "Lists the caller's tasks, a page at a time.")
        .description(
            "While there are more, `next_cursor` and the `Link` header lead to the next page. A task that exists \
             throughout and keeps its place is seen exactly once, whatever other clients write in between.",
        )
        .answers(Answer::json::<TaskListBody<'_>>(StatusCode::OK, "The tasks.").next_page())
}

fn create() -> Operation {
    let created = Answer::json::<TaskBody<'_>>(StatusCode::CREATED, "The new task.");
    Operation::new(&TASKS, "create_task", "Creates a task.")
        .answers(created.etag().location("The path of the new task."))
        .refuses(&ApiError::UnknownUser)
}

fn get() -> Operation {
    Operation::new(&TASKS, "get_task", "Returns one task.").answers(task("The task."))
}

fn update() -> Operation {
    Operation::new(&TASKS, "update_task", "Changes a task's title, its description, or both.")
        .description(
            "Members that are left out or null stay as they are. Values that the task already has change nothing.",
        )
        .answers(changed())
        .refuses(&ApiError::EmptyUpdate)
}

fn patch() -> Operation {
    Operation::new(&TASKS, "patch_task", "Changes any of a task's members by a JSON Merge Patch (RFC 7396).")
        .description(
            "Members that are left out stay as they are; null clears the description. Values that the task \
             already has, and a patch of nothing, change nothing.",
        )
        .answers(changed())
}

fn delete() -> Operation {
    Operation::new(&TASKS, "delete_task", "Deletes a task for good.")
        .answers(Answer::json::<DeletedBody>(StatusCode::OK, "The task is gone."))
}

fn complete() -> Operation {
    Operation::new(&TASKS, "complete_task", "Completes a task, or reopens it if it is completed.")
        .description("With a body the task is set to that state instead of flipped, so that a repeated request does no harm.")
        .answers(changed())
}

fn changed() -> Answer {
    task("The task as it is now.")
}

fn task(description: &str) -> Answer {
    Answer::json::<TaskBody<'_>>(StatusCode::OK, description).etag()
}
