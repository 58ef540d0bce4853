//! The handlers of tasks: request to command, use case, outcome to answer.

pub mod cursor;
mod json;
pub(crate) mod list_query;
pub(crate) mod receipt;
pub(crate) mod request;
pub(crate) mod response;
mod timestamp;

use actix_web::{HttpRequest, HttpResponse, http::header, web};
use task_domain::{Position, TaskCommand, TaskService};

use self::{
    list_query::{ListParams, ListQuery},
    receipt::respond_to_write,
    request::{CreateTask, PatchTask, SetCompleted, UpdateTask},
    response::{DeletedBody, TaskBody, TaskListBody},
};
use crate::{
    guard::Guarded,
    http::{
        conditional::{IfMatch, IfNoneMatch, etag},
        error::ApiError,
        extract::{JsonBody, OptionalJsonBody},
        idempotency::Idempotency,
        media_type::JSON,
        path::TaskIdInPath,
    },
    tasks::cursor::CursorSeal,
};

/// The parts of a request that writes to one task.
type Write<Body> = (TaskIdInPath, IfMatch, Idempotency, Body);

type Answer = Result<HttpResponse, ApiError>;

/// Lists the caller's tasks, a page at a time.
///
/// While there are more, `next_cursor` and the `Link` header lead to the next page. Whatever is written in between, a
/// task that exists and keeps its place is seen exactly once.
#[utoipa::path(
    get, path = "/api/{user_id}/tasks", tag = "tasks", operation_id = "list_tasks", params(ListParams),
    responses((status = 200, description = "The tasks.", body = TaskListBody<'_>,
        headers(("Link" = String, description = "The next page, with `rel=\"next\"` (RFC 8288), where there is one.")))),
)]
pub(crate) async fn list(
    Guarded { user, parts: query }: Guarded<ListQuery>,
    request: HttpRequest,
    seal: web::Data<CursorSeal>,
    tasks: web::Data<TaskService>,
) -> Answer {
    let page = tasks.list(&user, &query.open(&user, &seal).await?).await?;
    let last = if page.more { page.tasks.last() } else { None };
    let cursor = match last {
        Some(task) => Some(seal.seal(&user, query.status, &Position::of(task, query.sort)).await?),
        None => None,
    };
    let mut answer = HttpResponse::Ok();
    if let Some(cursor) = &cursor {
        let link = format!("<{}?{}>; rel=\"next\"", request.uri().path(), query.next(cursor));
        answer.insert_header((header::LINK, link));
    }
    let body = json::to_string(&TaskListBody::new(&page, cursor.as_deref()));
    Ok(answer.insert_header((header::CONTENT_TYPE, JSON)).body(body))
}

/// Creates a task.
#[utoipa::path(
    post, path = "/api/{user_id}/tasks", tag = "tasks", operation_id = "create_task", request_body = CreateTask,
    responses((status = 201, description = "The new task.", body = TaskBody<'_>,
        headers(("Location" = String, description = "The path of the new task.")))),
)]
pub(crate) async fn create(
    Guarded { user, parts: (idempotency, body) }: Guarded<(Idempotency, JsonBody<CreateTask>)>,
    tasks: web::Data<TaskService>,
) -> Answer {
    let command = body.value.map(TaskCommand::Create);
    respond_to_write(&tasks, &user, idempotency.of(&body.bytes), command).await
}

/// Returns one task.
#[utoipa::path(
    get, path = "/api/{user_id}/tasks/{id}", tag = "tasks", operation_id = "get_task",
    responses(
        (status = 200, description = "The task.", body = TaskBody<'_>),
        (status = 304, description = "The task is of the version that `If-None-Match` names."),
    ),
)]
pub(crate) async fn get(
    Guarded { user, parts: (id, known) }: Guarded<(TaskIdInPath, IfNoneMatch)>,
    tasks: web::Data<TaskService>,
) -> Answer {
    let task = tasks.get(&user, id.0).await?;
    let tag = (header::ETAG, etag(task.version));
    if known.has(task.version) {
        return Ok(HttpResponse::NotModified().insert_header(tag).finish());
    }
    let body = json::to_string(&TaskBody::from(&task));
    Ok(HttpResponse::Ok().insert_header(tag).insert_header((header::CONTENT_TYPE, JSON)).body(body))
}

/// Changes a task's title, its description, or both.
///
/// Members that are left out or null stay as they are. Values that the task already has change nothing.
#[utoipa::path(
    put, path = "/api/{user_id}/tasks/{id}", tag = "tasks", operation_id = "update_task", request_body = UpdateTask,
    responses((status = 200, description = "The task as it is now.", body = TaskBody<'_>)),
)]
pub(crate) async fn update(
    Guarded { user, parts: (id, expected, idempotency, body) }: Guarded<Write<JsonBody<UpdateTask>>>,
    tasks: web::Data<TaskService>,
) -> Answer {
    let changes = body.value.and_then(request::not_empty);
    let command = changes.map(|changes| TaskCommand::Update { id: id.0, expected: expected.0, changes });
    respond_to_write(&tasks, &user, idempotency.of(&body.bytes), command).await
}

/// Changes any of a task's members by a JSON Merge Patch (RFC 7396).
///
/// Members that are left out stay as they are; null takes the description away. Values that the task already has, and a
/// patch of nothing, change nothing.
#[utoipa::path(
    patch, path = "/api/{user_id}/tasks/{id}", tag = "tasks", operation_id = "patch_task",
    request_body(content((PatchTask = "application/merge-patch+json"), (PatchTask = "application/json"))),
    responses((status = 200, description = "The task as it is now.", body = TaskBody<'_>)),
)]
pub(crate) async fn patch(
    Guarded { user, parts: (id, expected, idempotency, body) }: Guarded<Write<JsonBody<PatchTask>>>,
    tasks: web::Data<TaskService>,
) -> Answer {
    let command = body.value.map(|changes| TaskCommand::Update { id: id.0, expected: expected.0, changes });
    respond_to_write(&tasks, &user, idempotency.of(&body.bytes), command).await
}

/// Deletes a task for good.
#[utoipa::path(
    delete, path = "/api/{user_id}/tasks/{id}", tag = "tasks", operation_id = "delete_task",
    responses((status = 200, description = "The task is gone.", body = DeletedBody)),
)]
pub(crate) async fn delete(
    Guarded { user, parts: (id, expected, idempotency) }: Guarded<(TaskIdInPath, IfMatch, Idempotency)>,
    tasks: web::Data<TaskService>,
) -> Answer {
    let command = TaskCommand::Delete { id: id.0, expected: expected.0 };
    respond_to_write(&tasks, &user, idempotency.of(&[]), Ok(command)).await
}

/// Completes a task, or reopens it if it is completed.
///
/// With a body it is set instead of flipped, so that a repeated request does no harm.
#[utoipa::path(
    patch, path = "/api/{user_id}/tasks/{id}/complete", tag = "tasks", operation_id = "complete_task",
    request_body = SetCompleted,
    responses((status = 200, description = "The task as it is now.", body = TaskBody<'_>)),
)]
pub(crate) async fn complete(
    Guarded { user, parts: (id, expected, idempotency, body) }: Guarded<
        Write<OptionalJsonBody<SetCompleted>>,
    >,
    tasks: web::Data<TaskService>,
) -> Answer {
    let command = body.value.map(|body| match body {
        None => TaskCommand::Toggle { id: id.0, expected: expected.0 },
        Some(changes) => TaskCommand::Update { id: id.0, expected: expected.0, changes },
    });
    respond_to_write(&tasks, &user, idempotency.of(&body.bytes), command).await
}
