//! What is put together at the start: which implementation stands behind each port, and who shares what.

use std::sync::Arc;

use async_trait::async_trait;
use task_adapters::{PgOnceOnly, PgPool, PgTaskRepository, PoolOptions, cursor_key, migrations};
use task_domain::{BoxError, RepositoryError, TaskService};

use super::UPKEEP_CONNECTIONS;
use crate::{
    CursorSeal, Readiness, SchemaProbe, SealKeySource, Services, Settings,
    auth::{HttpKeySource, KeySource, PublishedKeys, SharedSecret, TokenVerifier, Verifiers},
    limits::Limits,
    metrics::Metrics,
    settings::{AuthSettings, JwksSettings},
    traces::{Traced, Traces},
};

/// What all workers share.
pub(super) struct Shared {
    /// One connection on the main runtime, apart from the workers' ones: upkeep must not wait for requests, nor they for it.
    pub(super) upkeep: Arc<PgPool>,
    verifier: Arc<dyn TokenVerifier>,
    pub(super) keys: Option<Arc<PublishedKeys>>,
    pub(super) readiness: Arc<Readiness>,
    pub(super) limits: Arc<Limits>,
    pub(super) metrics: Option<Arc<Metrics>>,
    pub(super) traces: Option<Arc<Traces>>,
}

impl Shared {
    pub(super) fn new(settings: &Settings) -> Result<Self, BoxError> {
        let (verifiers, keys) = verifiers(&settings.auth, key_source(&settings.auth)?);
        let of_upkeep = PoolOptions { min_idle: 0, max: UPKEEP_CONNECTIONS, ..settings.pool.clone() };
        let upkeep = Arc::new(PgPool::new(&settings.database, of_upkeep)?);
        let readiness = Readiness::new(Box::new(SchemaInDatabase(Arc::clone(&upkeep))), keys.clone());
        let traces = settings.traces.as_ref().map(|traces| Traces::start(traces, &settings.about));
        Ok(Self {
            upkeep,
            verifier: Arc::new(verifiers),
            keys,
            readiness: Arc::new(readiness),
            limits: Arc::new(Limits::new(&settings.limits)),
            metrics: settings.metrics.map(|_| Metrics::new()).transpose()?.map(Arc::new),
            traces: traces.transpose()?.map(Arc::new),
        })
    }

    /// What each worker has of its own, and the pools in it.
    pub(super) fn workers(&self, settings: &Settings) -> Result<(Vec<Services>, Vec<Arc<PgPool>>), BoxError> {
        let options = share(&settings.pool, settings.workers);
        let mut pools = Vec::new();
        let mut workers = Vec::new();
        // What the workers are asked to write at the same time is written together.
        let mut first: Option<PgTaskRepository> = None;
        for _ in 0..settings.workers {
            let pool = Arc::new(PgPool::new(&settings.database, options.clone())?);
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
        let once_only = PgOnceOnly::new(Arc::clone(pool));
        let services = Services::new(
            use_cases(tasks, once_only, self.traces.as_ref()),
            Arc::clone(&self.verifier),
            settings.cors.clone(),
            CursorSeal::new(Arc::new(KeyInDatabase(Arc::clone(pool)))),
            Arc::clone(&self.readiness),
            Arc::clone(&self.limits),
            &settings.about,
        )?;
        let services = services.with_body_timeout(settings.body_timeout);
        let services = match &self.metrics {
            Some(metrics) => services.counted_by(Arc::clone(metrics)),
            None => services,
        };
        Ok(match &self.traces {
            Some(traces) => services.traced_by(Arc::clone(traces)),
            None => services,
        })
    }
}

/// The key that cursors are sealed with, where the tasks are.
struct KeyInDatabase(Arc<PgPool>);

#[async_trait]
impl SealKeySource for KeyInDatabase {
    async fn seal_key(&self) -> Result<Vec<u8>, RepositoryError> {
        cursor_key(&self.0).await
    }
}

/// The schema, by the connection of upkeep.
struct SchemaInDatabase(Arc<PgPool>);

#[async_trait]
impl SchemaProbe for SchemaInDatabase {
    async fn is_up_to_date(&self) -> Result<bool, RepositoryError> {
        migrations::is_up_to_date(&self.0).await
    }
}

/// The use cases over both ports, each of whose calls is a span where there are traces.
fn use_cases(tasks: PgTaskRepository, once_only: PgOnceOnly, traces: Option<&Arc<Traces>>) -> TaskService {
    match traces {
        None => TaskService::new(Arc::new(tasks), Arc::new(once_only)),
        Some(traces) => TaskService::new(
            Arc::new(Traced::new(tasks, Arc::clone(traces))),
            Arc::new(Traced::new(once_only, Arc::clone(traces))),
        ),
    }
}

/// Where the key set comes from, where one is configured.
pub(crate) fn key_source(settings: &AuthSettings) -> Result<Option<Box<dyn KeySource>>, reqwest::Error> {
    let Some(JwksSettings { url, .. }) = &settings.jwks else { return Ok(None) };
    Ok(Some(Box::new(HttpKeySource::new(url.clone())?)))
}

/// The verifiers that are configured, and the published keys among them, which somebody has to keep fresh.
pub(crate) fn verifiers(
    settings: &AuthSettings,
    source: Option<Box<dyn KeySource>>,
) -> (Verifiers, Option<Arc<PublishedKeys>>) {
    let secret = settings.secret_bytes().map(|secret| SharedSecret::new(secret, settings.claims.clone()));
    let keys = settings.jwks.as_ref().zip(source).map(|(JwksSettings { refresh, claims, .. }, source)| {
        Arc::new(PublishedKeys::new(source, claims.clone(), *refresh))
    });
    (Verifiers::new(secret, keys.clone()), keys)
}

/// The part of the connections that one worker has. The settings see to it that every worker has at least one.
fn share(all: &PoolOptions, workers: usize) -> PoolOptions {
    PoolOptions {
        min_idle: all.min_idle.div_ceil(workers),
        max: (all.max - UPKEEP_CONNECTIONS) / workers,
        max_requests: all.max_requests.div_ceil(workers),
        ..all.clone()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn connections_are_divided_among_workers_and_each_has_one() {
        let all = PoolOptions { min_idle: 10, max: 30, ..task_adapters::testing::pool_options() };
        let part = |workers| (share(&all, workers).min_idle, share(&all, workers).max);
        assert_eq!((part(1), part(2), part(4), part(29)), ((10, 29), (5, 14), (3, 7), (1, 1)));
    }
}
