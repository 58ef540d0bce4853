//! The spans of what is asked of the database, around the ports: whatever is behind them need not know of traces.

use std::{future::Future, sync::Arc};

use async_trait::async_trait;
use opentelemetry::{
    Context, KeyValue,
    trace::{Span, SpanKind, Status, TraceContextExt, Tracer},
};
use task_domain::{
    KeyedRequest, Once, OnceOnly, ReceiptWriter, RepositoryError, Task, TaskCommand, TaskId, TaskOutcome,
    TaskPage, TaskQuery, TaskRepository, UserId,
};

use super::Traces;

/// What is said to the database: the kind of statement and of which table, never a value.
#[derive(Clone, Copy)]
struct Said {
    /// The statement's first word, where it is one statement.
    operation: Option<&'static str>,
    /// Statements and tables in the order in which they come.
    summary: &'static str,
}

/// A port whose calls are spans, each within the span of the request that makes it. A call takes as long as the caller
/// waits, for a connection and for others that are served by the same statement too.
pub(crate) struct Traced<P> {
    port: P,
    traces: Arc<Traces>,
}

impl<P> Traced<P> {
    pub(crate) fn new(port: P, traces: Arc<Traces>) -> Self {
        Self { port, traces }
    }

    async fn call<T: Send>(
        &self,
        said: Said,
        call: impl Future<Output = Result<T, RepositoryError>> + Send,
    ) -> Result<T, RepositoryError> {
        let request = Context::current();
        if !request.has_active_span() {
            return call.await;
        }
        let Said { operation, summary } = said;
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
        if let Some(kind) = outcome.as_ref().err().and_then(kind_of_failure) {
            span.set_attribute(KeyValue::new("error.type", kind));
            span.set_status(Status::error(""));
        }
        span.end();
        outcome
    }
}

/// The causes are in the log, with the id of the trace.
fn kind_of_failure(error: &RepositoryError) -> Option<&'static str> {
    match error {
        // An answer like any other: a foreign key is asked whether there is such a user.
        RepositoryError::UnknownUser => None,
        RepositoryError::Unavailable(_) => Some("unavailable"),
        RepositoryError::Overloaded => Some("overloaded"),
        RepositoryError::Unexpected(_) => Some("unexpected"),
    }
}

const fn one(operation: &'static str, summary: &'static str) -> Said {
    Said { operation: Some(operation), summary }
}

const SELECT: Said = one("SELECT", "SELECT tasks");
const RECALL: Said = Said { operation: None, summary: "SELECT idempotency_keys" };

fn alone(command: &TaskCommand) -> Said {
    match command {
        TaskCommand::Create(_) => one("INSERT", "INSERT tasks"),
        TaskCommand::Update { .. } | TaskCommand::Toggle { .. } => one("UPDATE", "UPDATE tasks"),
        TaskCommand::Delete { .. } => one("DELETE", "DELETE tasks"),
    }
}

/// A transaction of several statements.
fn with_key(command: &TaskCommand) -> Said {
    let summary = match command {
        TaskCommand::Create(_) => "INSERT idempotency_keys INSERT tasks",
        TaskCommand::Update { .. } | TaskCommand::Toggle { .. } => "INSERT idempotency_keys UPDATE tasks",
        TaskCommand::Delete { .. } => "INSERT idempotency_keys DELETE tasks",
    };
    Said { operation: None, summary }
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
        self.call(alone(&command), self.port.execute(owner, command)).await
    }
}

#[async_trait]
impl<P: OnceOnly> OnceOnly for Traced<P> {
    async fn execute_once(
        &self,
        owner: &UserId,
        request: &KeyedRequest,
        command: TaskCommand,
        receipts: ReceiptWriter,
    ) -> Result<Once, RepositoryError> {
        self.call(with_key(&command), self.port.execute_once(owner, request, command, receipts)).await
    }

    async fn recall(&self, owner: &UserId, request: &KeyedRequest) -> Result<Option<Once>, RepositoryError> {
        self.call(RECALL, self.port.recall(owner, request)).await
    }

    async fn forget_expired(&self, limit: u16) -> Result<usize, RepositoryError> {
        self.port.forget_expired(limit).await
    }
}
