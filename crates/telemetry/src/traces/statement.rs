//! The spans of calls to the database. They wrap the ports, so that the adapters need not know about traces.

use std::{future::Future, sync::Arc};

use async_trait::async_trait;
use opentelemetry::{
    Context, KeyValue,
    trace::{Span, SpanKind, Status, TraceContextExt, Tracer},
};
use task_domain::{
    IdempotencyStore, IdempotentRequest, ReceiptWriter, Replay, RepositoryError, Task, TaskCommand, TaskId,
    TaskOutcome, TaskPage, TaskQuery, TaskRepository, UserId,
};

use crate::traces::provider::Traces;

/// What a span says of a call: the kind of statement and the table, never a value.
#[derive(Clone, Copy)]
struct Statement {
    /// The first word of the statement; `None` if the call sends several.
    operation: Option<&'static str>,
    /// Statements and tables, in the order of execution.
    summary: &'static str,
}

/// A port whose calls are spans, children of the span of the request. The span covers all that the caller waits for: the
/// connection and the batch as well.
pub struct Traced<P> {
    port: P,
    traces: Arc<Traces>,
}

impl<P> Traced<P> {
    /// Wraps `port`.
    pub fn new(port: P, traces: Arc<Traces>) -> Self {
        Self { port, traces }
    }

    async fn call<T: Send>(
        &self,
        statement: Statement,
        call: impl Future<Output = Result<T, RepositoryError>> + Send,
    ) -> Result<T, RepositoryError> {
        let request = Context::current();
        if !request.has_active_span() {
            return call.await;
        }
        let Statement { operation, summary } = statement;
        let mut attributes =
            vec![KeyValue::new("db.system.name", "postgresql"), KeyValue::new("db.query.summary", summary)];
        if let Some(operation) = operation {
            attributes.push(KeyValue::new("db.operation.name", operation));
            attributes.push(KeyValue::new("db.collection.name", "tasks"));
        }
        let tracer = &self.traces.tracer;
        let builder = tracer.span_builder(summary).with_kind(SpanKind::Client).with_attributes(attributes);
        let mut span = builder.start_with_context(tracer, &request);
        let outcome = call.await;
        if let Some(kind) = outcome.as_ref().err().and_then(error_type) {
            span.set_attribute(KeyValue::new("error.type", kind));
            span.set_status(Status::error(""));
        }
        span.end();
        outcome
    }
}

/// The `error.type` of a failure. The cause is in the log, with the id of the trace.
fn error_type(error: &RepositoryError) -> Option<&'static str> {
    match error {
        // Not a failure: the foreign key answers that there is no such user.
        RepositoryError::UnknownUser => None,
        RepositoryError::Unavailable(_) => Some("unavailable"),
        RepositoryError::Overloaded => Some("overloaded"),
        RepositoryError::Unexpected(_) => Some("unexpected"),
    }
}

const fn one(operation: &'static str, summary: &'static str) -> Statement {
    Statement { operation: Some(operation), summary }
}

const SELECT: Statement = one("SELECT", "SELECT tasks");
const RECALL: Statement = Statement { operation: None, summary: "SELECT idempotency_keys" };

fn single(command: &TaskCommand) -> Statement {
    match command {
        TaskCommand::Create(_) => one("INSERT", "INSERT tasks"),
        TaskCommand::Update { .. } | TaskCommand::Toggle { .. } => one("UPDATE", "UPDATE tasks"),
        TaskCommand::Delete { .. } => one("DELETE", "DELETE tasks"),
    }
}

/// A write with an idempotency key: a transaction of several statements.
fn with_key(command: &TaskCommand) -> Statement {
    let summary = match command {
        TaskCommand::Create(_) => "INSERT idempotency_keys INSERT tasks",
        TaskCommand::Update { .. } | TaskCommand::Toggle { .. } => "INSERT idempotency_keys UPDATE tasks",
        TaskCommand::Delete { .. } => "INSERT idempotency_keys DELETE tasks",
    };
    Statement { operation: None, summary }
}

#[async_trait]
impl<P: TaskRepository> TaskRepository for Traced<P> {
    async fn list(&self, owner: &UserId, query: &TaskQuery) -> Result<TaskPage, RepositoryError> {
        self.call(SELECT, self.port.list(owner, query)).await
    }

    async fn find(&self, owner: &UserId, id: TaskId) -> Result<Option<Task>, RepositoryError> {
        self.call(SELECT, self.port.find(owner, id)).await
    }

    async fn execute(&self, owner: &UserId, command: TaskCommand) -> Result<TaskOutcome, RepositoryError> {
        self.call(single(&command), self.port.execute(owner, command)).await
    }
}

#[async_trait]
impl<P: IdempotencyStore> IdempotencyStore for Traced<P> {
    async fn execute_once(
        &self,
        owner: &UserId,
        request: &IdempotentRequest,
        command: TaskCommand,
        receipts: ReceiptWriter,
    ) -> Result<Replay, RepositoryError> {
        self.call(with_key(&command), self.port.execute_once(owner, request, command, receipts)).await
    }

    async fn recall(
        &self,
        owner: &UserId,
        request: &IdempotentRequest,
    ) -> Result<Option<Replay>, RepositoryError> {
        self.call(RECALL, self.port.recall(owner, request)).await
    }

    async fn forget_expired(&self, limit: u16) -> Result<usize, RepositoryError> {
        self.port.forget_expired(limit).await
    }
}
