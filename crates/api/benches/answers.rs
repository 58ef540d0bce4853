//! What the service does for a request beside the database: `cargo bench -p task-api --bench answers`.
//!
//! Everything from the head of the request to the body of the answer, without a socket, on tasks that are there already:
//! route, token, extraction, use case and serializing.
#![allow(clippy::unwrap_used, missing_docs, reason = "a benchmark that cannot go on panics")]

use std::sync::Arc;

use actix_web::{
    body::to_bytes,
    http::header::AUTHORIZATION,
    rt::System,
    test::{TestRequest, call_service, init_service},
};
use async_trait::async_trait;
use criterion::{BatchSize, Criterion, Throughput, criterion_group, criterion_main};
use jsonwebtoken::{EncodingKey, Header, encode};
use serde_json::json;
use task_api::{Cors, CursorSeal, Limits, Readiness, SchemaProbe, SealKeySource, Services, app};
use task_auth::{ClaimRules, SharedSecret};
use task_domain::{
    RepositoryError, Task, TaskPage, TaskService,
    testing::{MockIdempotencyStore, MockTaskRepository, task, user},
};
use task_settings::{About, Environment, LimitSettings};

const SECRET: &[u8] = b"a secret of thirty-two characters";

struct Nothing;

#[async_trait]
impl SealKeySource for Nothing {
    async fn seal_key(&self) -> Result<Vec<u8>, RepositoryError> {
        Ok(vec![7; 32])
    }
}

#[async_trait]
impl SchemaProbe for Nothing {
    async fn is_up_to_date(&self) -> Result<bool, RepositoryError> {
        Ok(true)
    }
}

fn services() -> Services {
    let tasks: Vec<Task> = (1..=100).map(|id| task(&user("alice"), id)).collect();
    let mut port = MockTaskRepository::new();
    port.expect_find().returning(|owner, id| Ok(Some(task(owner, id.get()))));
    port.expect_list().returning(move |_, _| Ok(TaskPage { tasks: tasks.clone(), more: false, total: None }));
    let about = About { title: "t".to_owned(), version: "v".to_owned(), environment: Environment::Dev };
    Services::new(
        TaskService::new(Arc::new(port), Arc::new(MockIdempotencyStore::new())),
        Arc::new(SharedSecret::new(SECRET, ClaimRules::default())),
        Cors::default(),
        CursorSeal::new(Arc::new(Nothing)),
        Arc::new(Readiness::new(Box::new(Nothing), None)),
        Arc::new(Limits::new(&LimitSettings::default())),
        &about,
    )
    .unwrap()
}

fn answers(criterion: &mut Criterion) {
    let claims = json!({"sub": "alice", "exp": 4_102_444_800_u64});
    let token = encode(&Header::default(), &claims, &EncodingKey::from_secret(SECRET)).unwrap();
    let bearer = format!("Bearer {token}");
    let system = System::new();
    let service = system.block_on(init_service(app(&services())));
    let mut group = criterion.benchmark_group("answers");
    for (name, path, tasks) in
        [("one task", "/api/alice/tasks/7", 1), ("a list of 100 tasks", "/api/alice/tasks", 100)]
    {
        group.throughput(Throughput::Elements(tasks));
        group.bench_function(name, |bencher| {
            let request =
                || TestRequest::with_uri(path).insert_header((AUTHORIZATION, bearer.as_str())).to_request();
            let answer = async |request| {
                let answer = call_service(&service, request).await;
                assert_eq!(answer.status(), 200);
                to_bytes(answer.into_body()).await.map_err(|_| "the body is broken").unwrap()
            };
            bencher.iter_batched(request, |request| system.block_on(answer(request)), BatchSize::SmallInput);
        });
    }
    group.finish();
}

criterion_group!(benches, answers);
criterion_main!(benches);
