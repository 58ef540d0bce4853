//! The handlers of tasks: take the request apart, call the use case, put the answer together.

pub(crate) mod dto;
mod query;

use actix_web::{HttpResponse, http::header, web};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use task_domain::{NewTask, TaskChanges, TaskService};

use self::{
    dto::{CreateTask, DeletedBody, TaskBody, TaskListBody, UpdateTask},
    query::{ListParams, ListQuery},
};
use crate::{
    auth::Caller,
    error::ApiError,
    extract::{JsonBody, TaskIdInPath},
};

/// All but the unreserved characters of RFC 3986, section 2.3.
const RESERVED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

type Answer = Result<HttpResponse, ApiError>;

/// Lists the caller's tasks.
///
/// At most 1000 tasks are in one answer.
#[utoipa::path(
    get, path = "/api/{user_id}/tasks", tag = "tasks", operation_id = "list_tasks", params(ListParams),
    responses((status = 200, description = "The tasks.", body = TaskListBody<'_>)),
)]
pub(crate) async fn list(Caller(user): Caller, query: ListQuery, tasks: web::Data<TaskService>) -> Answer {
    let found = tasks.list(&user, query.0).await?;
    Ok(HttpResponse::Ok().json(TaskListBody::from(found.as_slice())))
}

/// Creates a task.
#[utoipa::path(
    post, path = "/api/{user_id}/tasks", tag = "tasks", operation_id = "create_task", request_body = CreateTask,
    responses((status = 201, description = "The new task.", body = TaskBody<'_>,
        headers(("Location" = String, description = "The path of the new task.")))),
)]
pub(crate) async fn create(
    Caller(user): Caller,
    JsonBody(body): JsonBody<CreateTask>,
    tasks: web::Data<TaskService>,
) -> Answer {
    let task = tasks.create(&user, NewTask::try_from(body)?).await?;
    let user_segment = utf8_percent_encode(user.as_str(), RESERVED);
    let location = format!("/api/{user_segment}/tasks/{}", task.id.get());
    Ok(HttpResponse::Created().insert_header((header::LOCATION, location)).json(TaskBody::from(&task)))
}

/// Returns one task.
#[utoipa::path(
    get, path = "/api/{user_id}/tasks/{id}", tag = "tasks", operation_id = "get_task",
    responses((status = 200, description = "The task.", body = TaskBody<'_>)),
)]
pub(crate) async fn get(Caller(user): Caller, id: TaskIdInPath, tasks: web::Data<TaskService>) -> Answer {
    let task = tasks.get(&user, id.0).await?;
    Ok(HttpResponse::Ok().json(TaskBody::from(&task)))
}

/// Changes a task's title, its description, or both.
///
/// Members that are left out or null stay as they are. Values that the task already has change nothing.
#[utoipa::path(
    put, path = "/api/{user_id}/tasks/{id}", tag = "tasks", operation_id = "update_task", request_body = UpdateTask,
    responses((status = 200, description = "The task as it is now.", body = TaskBody<'_>)),
)]
pub(crate) async fn update(
    Caller(user): Caller,
    id: TaskIdInPath,
    JsonBody(body): JsonBody<UpdateTask>,
    tasks: web::Data<TaskService>,
) -> Answer {
    let task = tasks.update(&user, id.0, TaskChanges::try_from(body)?).await?;
    Ok(HttpResponse::Ok().json(TaskBody::from(&task)))
}

/// Deletes a task for good.
#[utoipa::path(
    delete, path = "/api/{user_id}/tasks/{id}", tag = "tasks", operation_id = "delete_task",
    responses((status = 200, description = "The task is gone.", body = DeletedBody)),
)]
pub(crate) async fn delete(Caller(user): Caller, id: TaskIdInPath, tasks: web::Data<TaskService>) -> Answer {
    tasks.delete(&user, id.0).await?;
    Ok(HttpResponse::Ok().json(DeletedBody::new()))
}

/// Completes a task, or reopens it if it is completed.
#[utoipa::path(
    patch, path = "/api/{user_id}/tasks/{id}/complete", tag = "tasks", operation_id = "toggle_task",
    responses((status = 200, description = "The task as it is now.", body = TaskBody<'_>)),
)]
pub(crate) async fn toggle(Caller(user): Caller, id: TaskIdInPath, tasks: web::Data<TaskService>) -> Answer {
    let task = tasks.toggle(&user, id.0).await?;
    Ok(HttpResponse::Ok().json(TaskBody::from(&task)))
}
