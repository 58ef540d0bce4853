//! The handlers of tasks: request to command, use case, outcome to answer.
//!
//! `routes/tasks.rs` says what each of them does, as the OpenAPI document tells it.

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
    list_query::ListQuery,
    receipt::respond_to_write,
    request::{CreateTask, PatchTask, SetCompleted, UpdateTask},
    response::{TaskBody, TaskListBody},
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

pub(crate) async fn create(
    Guarded { user, parts: (idempotency, body) }: Guarded<(Idempotency, JsonBody<CreateTask>)>,
    tasks: web::Data<TaskService>,
) -> Answer {
    let command = body.value.map(TaskCommand::Create);
    respond_to_write(&tasks, &user, idempotency.of(&body.bytes), command).await
}

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

pub(crate) async fn update(
    Guarded { user, parts: (id, expected, idempotency, body) }: Guarded<Write<JsonBody<UpdateTask>>>,
    tasks: web::Data<TaskService>,
) -> Answer {
    let changes = body.value.and_then(request::not_empty);
    let command = changes.map(|changes| TaskCommand::Update { id: id.0, expected: expected.0, changes });
    respond_to_write(&tasks, &user, idempotency.of(&body.bytes), command).await
}

pub(crate) async fn patch(
    Guarded { user, parts: (id, expected, idempotency, body) }: Guarded<Write<JsonBody<PatchTask>>>,
    tasks: web::Data<TaskService>,
) -> Answer {
    let command = body.value.map(|changes| TaskCommand::Update { id: id.0, expected: expected.0, changes });
    respond_to_write(&tasks, &user, idempotency.of(&body.bytes), command).await
}

pub(crate) async fn delete(
    Guarded { user, parts: (id, expected, idempotency) }: Guarded<(TaskIdInPath, IfMatch, Idempotency)>,
    tasks: web::Data<TaskService>,
) -> Answer {
    let command = TaskCommand::Delete { id: id.0, expected: expected.0 };
    respond_to_write(&tasks, &user, idempotency.of(&[]), Ok(command)).await
}

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
