//! The handlers of tasks: take the request apart, call the use case, put the answer together.
//!
//! What each does is told in `routes/tasks.rs`, as the OpenAPI document tells it.

pub mod cursor;
mod json;
pub(crate) mod list_query;
pub(crate) mod receipt;
pub(crate) mod request;
pub(crate) mod response;
mod timestamp;

use actix_web::{HttpRequest, HttpResponse, http::header, web};
use task_domain::{NewTask, Position, TaskChanges, TaskCommand, TaskService};

use self::{
    list_query::ListQuery,
    receipt::perform,
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

/// What a write to one task takes.
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
        Some(task) => Some(seal.seal(&user, query.status, &Position::of(task, query.order)).await?),
        None => None,
    };
    let mut answer = HttpResponse::Ok();
    if let Some(cursor) = &cursor {
        let link = format!("<{}?{}>; rel=\"next\"", request.uri().path(), query.next(cursor));
        answer.insert_header((header::LINK, link));
    }
    let body = json::task_list(&TaskListBody::new(&page, cursor.as_deref()));
    Ok(answer.insert_header((header::CONTENT_TYPE, JSON)).body(body))
}

pub(crate) async fn create(
    Guarded { user, parts: (idempotency, body) }: Guarded<(Idempotency, JsonBody<CreateTask>)>,
    tasks: web::Data<TaskService>,
) -> Answer {
    let command = body.value.and_then(NewTask::try_from).map(TaskCommand::Create);
    perform(&tasks, &user, idempotency.of(&body.bytes), command).await
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
    let body = json::task(&TaskBody::from(&task));
    Ok(HttpResponse::Ok().insert_header(tag).insert_header((header::CONTENT_TYPE, JSON)).body(body))
}

pub(crate) async fn update(
    Guarded { user, parts: (id, expected, idempotency, body) }: Guarded<Write<JsonBody<UpdateTask>>>,
    tasks: web::Data<TaskService>,
) -> Answer {
    let changes = body.value.and_then(TaskChanges::try_from);
    let command = changes.map(|changes| TaskCommand::Update { id: id.0, expected: expected.0, changes });
    perform(&tasks, &user, idempotency.of(&body.bytes), command).await
}

pub(crate) async fn patch(
    Guarded { user, parts: (id, expected, idempotency, body) }: Guarded<Write<JsonBody<PatchTask>>>,
    tasks: web::Data<TaskService>,
) -> Answer {
    let changes = body.value.and_then(TaskChanges::try_from);
    let command = changes.map(|changes| TaskCommand::Update { id: id.0, expected: expected.0, changes });
    perform(&tasks, &user, idempotency.of(&body.bytes), command).await
}

pub(crate) async fn delete(
    Guarded { user, parts: (id, expected, idempotency) }: Guarded<(TaskIdInPath, IfMatch, Idempotency)>,
    tasks: web::Data<TaskService>,
) -> Answer {
    let command = TaskCommand::Delete { id: id.0, expected: expected.0 };
    perform(&tasks, &user, idempotency.of(&[]), Ok(command)).await
}

pub(crate) async fn complete(
    Guarded { user, parts: (id, expected, idempotency, body) }: Guarded<
        Write<OptionalJsonBody<SetCompleted>>,
    >,
    tasks: web::Data<TaskService>,
) -> Answer {
    let command = body.value.map(|body| match body {
        None => TaskCommand::Toggle { id: id.0, expected: expected.0 },
        Some(SetCompleted { completed }) => {
            let changes = TaskChanges { completed: Some(completed), ..TaskChanges::default() };
            TaskCommand::Update { id: id.0, expected: expected.0, changes }
        }
    });
    perform(&tasks, &user, idempotency.of(&body.bytes), command).await
}
