//! The wiring: which implementation stands behind each port, and what the workers share.

use std::sync::Arc;

use async_trait::async_trait;
use task_adapters::{PgIdempotencyStore, PgPool, PgTaskRepository, PoolOptions, cursor_key, migrations};
use task_auth::{PublishedKeys, TokenVerifier};
use task_domain::{BoxError, RepositoryError, TaskService};
use task_settings::{BACKGROUND_CONNECTIONS, Settings};
use task_telemetry::{
    metrics::Metrics,
    traces::{Traced, Traces},
};

use crate::{
    health::readiness::{Readiness, SchemaProbe},
    http::{cors::Cors, limits::Limits},
    startup::app::Services,
    tasks::cursor::{CursorSeal, SealKeySource},
};

/// What all workers share.
pub(super) struct Shared {
    /// One connection on the main runtime: background tasks and requests must not wait for each other's connections.
    pub(super) background_pool: Arc<PgPool>,
    verifier: Arc<dyn TokenVerifier>,
    pub(super) keys: Option<Arc<PublishedKeys>>,
    pub(super) readiness: Arc<Readiness>,
    pub(super) limits: Arc<Limits>,
    pub(super) metrics: Option<Arc<Metrics>>,
    pub(super) traces: Option<Arc<Traces>>,
}

impl Shared {
    pub(super) fn new(settings: &Settings) -> Result<Self, BoxError> {
        let (verifiers, keys) = settings.auth.verifiers(settings.auth.key_source()?);
        let options =
            PoolOptions { min_idle: 0, max: BACKGROUND_CONNECTIONS, ..settings.database.pool.clone() };
        let background_pool = Arc::new(PgPool::new(&settings.database.target, options)?);
        let schema = SchemaInDatabase(Arc::clone(&background_pool));
        let readiness = Readiness::new(Box::new(schema), keys.clone());
        let traces = settings.traces.as_ref().map(|traces| Traces::start(traces, &settings.about));
        Ok(Self {
            background_pool,
            verifier: Arc::new(verifiers),
            keys,
            readiness: Arc::new(readiness),
            limits: Arc::new(Limits::new(&settings.limits)),
            metrics: settings.metrics.map(|_| Metrics::new()).transpose()?.map(Arc::new),
            traces: traces.transpose()?.map(Arc::new),
        })
    }

    /// The services of each worker, and the pools that they use.
    pub(super) fn workers(&self, settings: &Settings) -> Result<(Vec<Services>, Vec<Arc<PgPool>>), BoxError> {
        let options = share(&settings.database.pool, settings.server.workers);
        let mut pools = Vec::new();
        let mut workers = Vec::new();
        // The workers share one batcher, so that writes of all workers are batched together.
        let mut first: Option<PgTaskRepository> = None;
        for _ in 0..settings.server.workers {
            let pool = Arc::new(PgPool::new(&settings.database.target, options.clone())?);
            let tasks = match &first {
                Some(first) => first.join(Arc::clone(&pool)),
                None => first.insert(PgTaskRepository::new(Arc::clone(&pool))).clone(),
            };
            workers.push(self.worker(settings, tasks, &pool)?);
            pools.push(pool);
        }
        Ok((workers, pools))
    }

    fn worker(
        &self,
        settings: &Settings,
        tasks: PgTaskRepository,
        pool: &Arc<PgPool>,
    ) -> Result<Services, BoxError> {
        let idempotency = PgIdempotencyStore::new(Arc::clone(pool));
        let services = Services::new(
            use_cases(tasks, idempotency, self.traces.as_ref()),
            Arc::clone(&self.verifier),
            Cors::new(settings.cors_origins.iter().cloned()),
            CursorSeal::new(Arc::new(KeyInDatabase(Arc::clone(pool)))),
            Arc::clone(&self.readiness),
            Arc::clone(&self.limits),
            &settings.about,
        )?;
        let services = services.with_body_timeout(settings.server.body_timeout);
        let services = services.with_path_prefix(settings.server.path_prefix.as_deref());
        let services = match &self.metrics {
            Some(metrics) => services.with_metrics(Arc::clone(metrics)),
            None => services,
        };
        Ok(match &self.traces {
            Some(traces) => services.with_traces(Arc::clone(traces)),
            None => services,
        })
    }
}

/// Reads the key that seals cursors from the database.
struct KeyInDatabase(Arc<PgPool>);

#[async_trait]
impl SealKeySource for KeyInDatabase {
    async fn seal_key(&self) -> Result<Vec<u8>, RepositoryError> {
        cursor_key(&self.0).await
    }
}

/// Compares the schema with the migrations, on the connection of the background tasks.
struct SchemaInDatabase(Arc<PgPool>);

#[async_trait]
impl SchemaProbe for SchemaInDatabase {
    async fn is_up_to_date(&self) -> Result<bool, RepositoryError> {
        migrations::is_up_to_date(&self.0).await
    }
}

/// The use cases over both ports. If traces are on, each call of a port is a span.
fn use_cases(
    tasks: PgTaskRepository,
    idempotency: PgIdempotencyStore,
    traces: Option<&Arc<Traces>>,
) -> TaskService {
    match traces {
        None => TaskService::new(Arc::new(tasks), Arc::new(idempotency)),
        Some(traces) => TaskService::new(
            Arc::new(Traced::new(tasks, Arc::clone(traces))),
            Arc::new(Traced::new(idempotency, Arc::clone(traces))),
        ),
    }
}

/// One worker's share of the connections. The settings guarantee at least one for each worker.
fn share(all: &PoolOptions, workers: usize) -> PoolOptions {
    PoolOptions {
        min_idle: all.min_idle.div_ceil(workers),
        max: (all.max - BACKGROUND_CONNECTIONS) / workers,
        max_requests: all.max_requests.div_ceil(workers),
        ..all.clone()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn connections_are_divided_among_workers_and_each_worker_has_one() {
        let all = PoolOptions { min_idle: 10, max: 30, ..task_adapters::testing::pool_options() };
        let each = |workers| (share(&all, workers).min_idle, share(&all, workers).max);
        assert_eq!((each(1), each(2), each(4), each(29)), ((10, 29), (5, 14), (3, 7), (1, 1)));
    }
}
